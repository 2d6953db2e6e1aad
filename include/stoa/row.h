// Rows and fields by name, for tables that are known only at run time.
#pragma once

#include <stoa/describe.h>
#include <stoa/detail/type_index.h>
#include <stoa/error.h>
#include <stoa/schema.h>
#include <stoa/value.h>

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace stoa {
namespace detail {

/// Two types with the same form have the same meaning, byte for byte.
[[nodiscard]] std::string memory_form(SchemaModel definitions, const FieldType& type);

}  // namespace detail

/// A field of one row.
///
/// Lifetime: borrows the snapshot.
class FieldView {
 public:
  FieldView(const SchemaModel& schema, const FieldModel& field, const std::byte* row)
      : schema_(&schema), field_(&field), row_(row) {}

  [[nodiscard]] const FieldModel& model() const { return *field_; }
  /// Any field's value; a text is copied.
  [[nodiscard]] Value value() const;
  /// The field as the C++ type that it has: float for f32, an array for an array; an enum with the same variants, a
  /// struct with the same members.
  /// Errors: invalid_argument if it has another.
  template <typename T>
  [[nodiscard]] std::expected<T, Error> try_as() const {
    if (!is<T>()) return std::unexpected(other_type(detail::pretty_name<T>()));
    return read<T>();
  }
  /// The same; throws std::logic_error if it has another.
  template <typename T>
  [[nodiscard]] T as() const {
    if (!is<T>()) throw_other_type(detail::pretty_name<T>());
    return read<T>();
  }

 private:
  template <typename T>
  [[nodiscard]] bool is() const {
    using Element = detail::element_of<T>;
    if (!has_shape(kind_of<T>(), detail::ArrayTraits<T>::extent, sizeof(T))) return false;
    if constexpr (detail::DescribedEnum<Element> || kind_of<T>() == FieldKind::structure) {
      static const std::string form = [] {
        SchemaModel definitions;
        const FieldType type = detail::describe_type<T>(definitions);
        return detail::memory_form(std::move(definitions), type);
      }();
      return has_form(form);
    }
    return true;
  }
  template <typename T>
  [[nodiscard]] T read() const {
    T out;
    copy_to(&out, sizeof(T));
    return out;
  }
  [[nodiscard]] bool has_shape(FieldKind kind, std::size_t extent, std::size_t bytes) const;
  [[nodiscard]] bool has_form(std::string_view form) const;
  void copy_to(void* out, std::size_t bytes) const;
  [[nodiscard]] Error other_type(std::string_view asked) const;
  [[noreturn]] void throw_other_type(std::string_view asked) const;

  const SchemaModel* schema_;
  const FieldModel* field_;
  const std::byte* row_;
};

/// One row.
///
/// Lifetime: borrows the snapshot.
class RowView {
 public:
  RowView(const CompiledSchema& schema, const TableModel& table, const std::byte* row)
      : schema_(&schema), table_(&table), row_(row) {}

  [[nodiscard]] const TableModel& model() const { return *table_; }
  /// Errors: not_found, naming table and field.
  [[nodiscard]] std::expected<FieldView, Error> field(std::string_view name) const;
  /// Requires: a field of model().
  [[nodiscard]] FieldView field(const FieldModel& field) const { return {schema_->model(), field, row_}; }
  /// The row as the C++ type that is bound to its table, zero-copy.
  /// Errors: schema_mismatch if the type is not bound to it.
  template <Component T>
  [[nodiscard]] std::expected<const T*, Error> view_as() const {
    static_assert(!Encoded<T>, "stoa: rows of a type with a Codec have no address as that type: use decode()");
    if (auto checked = check_type(detail::type_index<T>()); !checked) return std::unexpected(checked.error());
    return reinterpret_cast<const T*>(row_);
  }

 private:
  [[nodiscard]] std::expected<void, Error> check_type(std::uint32_t type_index) const;

  const CompiledSchema* schema_;
  const TableModel* table_;
  const std::byte* row_;
};

}  // namespace stoa
