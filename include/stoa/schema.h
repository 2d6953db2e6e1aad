// What a database holds: tables, their fields and the rules between them, said in C++ or in TOML. A Schema is what was
// said; a CompiledSchema is that, checked and complete. Neither knows how rows are stored.
#pragma once

#include <stoa/describe.h>
#include <stoa/detail/schema_draft.h>
#include <stoa/detail/type_index.h>
#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoa {

/// A schema that was found right: every derived number in place, and which table each C++ type is.
///
/// Threads:  any thread; immutable.
class CompiledSchema {
 public:
  CompiledSchema(SchemaModel model, std::vector<TableId> tables_by_type, std::string text)
      : model_(std::move(model)), tables_by_type_(std::move(tables_by_type)), text_(std::move(text)) {}

  [[nodiscard]] const SchemaModel& model() const { return model_; }
  [[nodiscard]] const SchemaHash& hash() const { return model_.hash; }

  /// The table of the C++ type with that detail::type_index; no_table where it has none.
  [[nodiscard]] TableId table_of(std::uint32_t type_index) const {
    return type_index < tables_by_type_.size() ? tables_by_type_[type_index] : no_table;
  }
  template <Component T>
  [[nodiscard]] TableId table_of() const {
    return table_of(detail::type_index<T>());
  }

  /// The schema as TOML, numbers included: tables, enums and structs sorted by name, fields in the order of the row.
  /// Read back, it compiles to an equal model and to the same text.
  [[nodiscard]] const std::string& canonical_text() const { return text_; }

 private:
  SchemaModel model_;
  std::vector<TableId> tables_by_type_;  // by type index
  std::string text_;
};

/// Adds rules to a table that a C++ type declared. A borrow of its Schema: valid until that is moved or destroyed.
template <Component T>
class TableBuilder {
 public:
  TableBuilder(detail::SchemaDraft& draft, std::string table) : draft_(&draft), table_(std::move(table)) {}

  /// No two rows have the same value; with several members: the same values. Null references never collide. An empty
  /// text is a value like others, and floats are told apart by their bits, so that 0.0 and -0.0 are two.
  template <auto... Members>
  requires(sizeof...(Members) > 0) TableBuilder& unique();
  /// Unique, required, and what a CSV column that references this table holds. One a table.
  template <auto Member>
  TableBuilder& key();
  /// A reference is never null, a text never empty; in a CSV file the cell is not empty.
  template <auto Member>
  TableBuilder& required();
  /// An ordered index, for Snapshot::range() and cursor(): of numbers, enums, references, texts and bytes. It costs
  /// each write of the field a step in a tree. A reference and a unique number have one without asking.
  template <auto Member>
  TableBuilder& index();
  /// The entity that the member names has a row in `table`, or the member is null.
  template <auto Member>
  TableBuilder& foreign_key(std::string table, OnDelete on_delete = OnDelete::restrict);
  /// The entity that the member names is alive, or the member is null.
  template <auto Member>
  TableBuilder& reference(OnDelete on_delete = OnDelete::restrict);
  /// What a row gets that is made by name, or from a CSV file, without this field.
  template <auto Member>
  TableBuilder& default_value(const detail::type_of_member<Member>& value);
  /// Both bounds are allowed values; of an array, for every element.
  template <auto Member>
  TableBuilder& range(detail::element_of<detail::type_of_member<Member>> min,
                      detail::element_of<detail::type_of_member<Member>> max);

  /// A sparse set of its own, where dense tables share archetypes: for what comes and goes often or is rare.
  TableBuilder& sparse();
  /// Not in the log: its rows are gone after recovery.
  TableBuilder& not_logged();
  /// Not in what Delta::encode() gives, so that replicas have no rows of it.
  TableBuilder& not_replicated();

 private:
  template <auto Member>
  FieldModel* field();
  /// An empty name is any entity.
  template <auto Member>
  TableBuilder& refer(std::string table, OnDelete on_delete);

  detail::SchemaDraft* draft_;
  std::string table_;
};

/// The tables of a database, being said. A value: copies are independent. Nothing here fails: mistakes are collected,
/// and compile(), which opening a database calls, reports them all.
class Schema {
 public:
  explicit Schema(std::string name) { draft_.model.name = std::move(name); }

  /// Reads a schema.toml.
  ///
  /// Errors:   schema_invalid — place() is the first mistake's; the message has a line for each: file:line:column:
  /// reason.
  ///           io — the file cannot be read.
  static std::expected<Schema, Error> from_toml_file(const std::filesystem::path& path);
  /// The same from text; `source` stands for the file in messages.
  static std::expected<Schema, Error> from_toml(std::string_view text, std::string source = "schema.toml");

  /// Adds a table whose rows are T's. A struct without members is a tag.
  template <Component T>
  TableBuilder<T> table(std::string name) {
    detail::declare_table(draft_, name, detail::describe_row<T>());
    return TableBuilder<T>(draft_, std::move(name));
  }

  /// Says that the rows of an existing table are T's; compile() checks that T has exactly its fields, types and
  /// offsets.
  template <Component T>
  Schema& bind(std::string name) {
    detail::bind_table(draft_, std::move(name), detail::describe_row<T>());
    return *this;
  }

  /// Checks everything that was said and derives what follows from it.
  ///
  /// Errors:   schema_invalid; schema_mismatch where all that is wrong is a bound C++ type. A line for each mistake.
  [[nodiscard]] std::expected<std::shared_ptr<const CompiledSchema>, Error> compile() const;

  [[nodiscard]] const std::string& name() const { return draft_.model.name; }

 private:
  detail::SchemaDraft draft_;
};

}  // namespace stoa

#include <stoa/schema-inl.h>
