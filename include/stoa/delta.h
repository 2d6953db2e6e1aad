// What changed: exactly, between any two versions of one database. The same for the log, for subscribers and for
// replicas.
#pragma once

#include <stoa/codec.h>
#include <stoa/describe.h>
#include <stoa/entity.h>
#include <stoa/error.h>
#include <stoa/row.h>
#include <stoa/schema.h>
#include <stoa/snapshot.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace stoa {

/// One change of a delta.
struct DeltaOp {
  enum class Kind : std::uint8_t { insert, update, remove, create_entity, delete_entity };
  Kind kind{};
  TableId table = no_table;  ///< no_table for create_entity and delete_entity, which implies that all its rows go
  Entity entity;
  std::uint32_t field_offset = 0;  ///< update: where in the row the bytes go, or the text's cell is
  /// update: the bytes, or a text's content. insert: the row as it lies in memory, padding being zero; where the table
  /// has texts or bytes, its fields in the order of their numbers without padding, each text led by its length, seven
  /// bits a byte.
  std::span<const std::byte> data;
};

/// One change of a delta with its values by name, for tables that are known only at run time.
/// Lifetime: of the call that it is given to.
struct DeltaChange {
  DeltaOp::Kind kind{};
  Entity entity;
  const TableModel* table = nullptr;            ///< null for create_entity and delete_entity
  std::optional<RowView> row{};                 ///< insert: the row; update: of which only `fields` are as they are now
  std::span<const FieldModel* const> fields{};  ///< insert: all, as they lie in the row; update: those that changed
};

namespace detail {

class DeltaAccess;

/// What a delta says of one table, as bytes in the row's layout. Lifetime: of each call.
struct DeltaVisitor {
  std::function<void(Entity, const std::byte* row)> inserted;
  std::function<void(Entity, const std::byte* row, std::span<const std::uint16_t> fields)> updated;
  std::function<void(Entity)> removed;
};

/// The field's number in the table.
[[nodiscard]] std::uint16_t field_number(const CompiledSchema& schema, TableId table, std::string_view field);
/// Copies fields from row to row.
void copy_fields(const CompiledSchema& schema, TableId table, std::span<const std::uint16_t> fields,
                 const std::byte* from, std::byte* to);

}  // namespace detail

/// The fields of a row that changed.
/// Lifetime: of the call that it is given to.
template <Component T>
class RowUpdate {
 public:
  RowUpdate(const CompiledSchema& schema, TableId table, const T& row, std::span<const std::uint16_t> fields)
      : schema_(schema), table_(table), row_(row), fields_(fields) {}

  template <auto Member>
  [[nodiscard]] bool has() const {
    return std::ranges::find(fields_, detail::field_number(schema_, table_, field_name<Member>())) != fields_.end();
  }
  /// Requires: has().
  template <auto Member>
  [[nodiscard]] const detail::type_of_member<Member>& get() const {
    return row_.*Member;
  }
  /// Makes a row that was as it was before as it is after; a text in it borrows the delta.
  void apply_to(T& row) const {
    detail::copy_fields(schema_, table_, fields_, reinterpret_cast<const std::byte*>(&row_),
                        reinterpret_cast<std::byte*>(&row));
  }

 private:
  const CompiledSchema& schema_;
  TableId table_;
  const T& row_;
  std::span<const std::uint16_t> fields_;
};

/// The changes of one transaction, or the difference of two snapshots. It owns its bytes; copies share them.
///
/// Errors:  where memory runs out, std::bad_alloc. Throws std::logic_error when used after a move.
/// Threads: any.
/// Source:  docs/design/0007-deltas.md, docs/format.md
class Delta {
 public:
  /// The difference from nothing: all that the snapshot holds.
  [[nodiscard]] static Delta full(const Snapshot& snapshot);
  /// What encode() gave. Without a schema, each() has no types to offer; one that is given outlives the delta.
  /// Errors: corrupt — a byte is not as it was; schema_mismatch, of the schema that is given.
  [[nodiscard]] static std::expected<Delta, Error> decode(std::span<const std::byte> bytes);
  [[nodiscard]] static std::expected<Delta, Error> decode(std::span<const std::byte> bytes,
                                                          const CompiledSchema& schema);

  /// It leads from this version to that one, which is below it where it leads back.
  [[nodiscard]] Version from() const;
  [[nodiscard]] Version to() const;
  /// The user's, if it is of one transaction; else 0.
  [[nodiscard]] std::uint64_t tag() const;
  /// Whether it is a difference from nothing.
  [[nodiscard]] bool is_full() const;
  [[nodiscard]] bool empty() const;

  /// One by one; entities that end come first. Made at the first call. Lifetime: the delta's.
  [[nodiscard]] std::span<const DeltaOp> ops() const;

  /// How many changes each() tells of.
  [[nodiscard]] std::size_t count() const;
  /// Calls function(const DeltaChange&) for one change after the other until it returns false. The order is that of
  /// ops(), but a row that is updated comes once, whichever of its fields.
  /// Errors: throws std::logic_error where no schema is known.
  void each(const std::function<bool(const DeltaChange&)>& function) const;

  /// For the wire: without tables that are not replicated.
  [[nodiscard]] std::vector<std::byte> encode() const;
  /// Of encode().
  [[nodiscard]] std::size_t byte_size() const;

  /// What happened to the rows of a table: inserted(Entity, const T&), updated(Entity, const RowUpdate<T>&), and
  /// removed(Entity), which comes for every entity that ended as well, whether it had such a row or not. Entities that
  /// ended come first. Texts live as long as the delta.
  /// Errors: throws std::logic_error where no schema is known, or none of its tables is T's.
  template <Component T, typename Inserted, typename Updated, typename Removed>
  void each(Inserted&& inserted, Updated&& updated, Removed&& removed) const {
    static_assert(!Encoded<T>, "stoa: each: a type with a Codec has no fields that change");
    const CompiledSchema& known = schema();
    const TableId table = known.table_of<T>();
    if (table == no_table) detail::throw_no_table(detail::pretty_name<T>());
    visit(table, {[&](Entity entity, const std::byte* row) { inserted(entity, *detail::row_as<T>(row)); },
                  [&](Entity entity, const std::byte* row, std::span<const std::uint16_t> fields) {
                    updated(entity, RowUpdate<T>(known, table, *detail::row_as<T>(row), fields));
                  },
                  [&](Entity entity) { removed(entity); }});
  }

 private:
  friend class detail::DeltaAccess;
  struct Content;

  explicit Delta(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  [[nodiscard]] const Content& content() const;
  [[nodiscard]] const CompiledSchema& schema() const;
  void visit(TableId table, const detail::DeltaVisitor& visitor) const;

  std::shared_ptr<const Content> content_;
};

/// What leads from one snapshot to the other, which may be the older one; applied to what the first holds it gives what
/// the second does. Costs what changed, and not what there is.
/// Errors: throws std::logic_error with snapshots of two databases; std::bad_alloc.
[[nodiscard]] Delta diff(const Snapshot& from, const Snapshot& to);

}  // namespace stoa
