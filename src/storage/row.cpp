#include <stoa/row.h>

#include "schema/kinds.h"
#include "schema/row_codec.h"
#include "schema/type_form.h"

#include <cstring>
#include <stdexcept>
#include <string>

namespace stoa {

std::string detail::memory_form(SchemaModel definitions, const FieldType& type) {
  schema::order_variants(definitions);
  return schema::memory_form(definitions, type);
}

Value FieldView::value() const { return schema::get_field(*schema_, *field_, row_); }

bool FieldView::has_shape(FieldKind kind, std::size_t extent, std::size_t bytes) const {
  return field_->type.kind == kind && field_->type.extent == extent && field_->bytes == bytes;
}

bool FieldView::has_form(std::string_view form) const { return schema::memory_form(*schema_, field_->type) == form; }

void FieldView::copy_to(void* out, std::size_t bytes) const { std::memcpy(out, row_ + field_->offset, bytes); }

Error FieldView::other_type(std::string_view asked) const {
  return Error::invalid("field " + field_->name + " is " + schema::type_text(*schema_, field_->type) + ", not " +
                        detail::type_name(asked));
}

void FieldView::throw_other_type(std::string_view asked) const {
  throw std::logic_error("stoa: " + other_type(asked).message());
}

std::expected<FieldView, Error> RowView::field(std::string_view name) const {
  const FieldModel* found = table_->find(name);
  if (found == nullptr) return std::unexpected(Error::not_found("field " + table_->name + "." + std::string(name)));
  return FieldView(schema_->model(), *found, row_);
}

std::expected<void, Error> RowView::check_type(std::uint32_t type_index) const {
  if (schema_->table_of(type_index) == table_->number) return {};
  return std::unexpected(Error(ErrorCode::schema_mismatch, "the C++ type is not bound to table " + table_->name));
}

}  // namespace stoa
