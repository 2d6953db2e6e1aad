#include "schema/type_form.h"

#include <fmt/format.h>

#include <algorithm>

#include "schema/kinds.h"

namespace stoa::schema {
namespace {

enum class Form : std::uint8_t { memory, stored };

void append_type(const SchemaModel& schema, const FieldType& type, Form form, std::string& out);

void append_enum(const EnumModel& model, Form form, std::string& out) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, "enum {} {{", kind_name(model.base));
  std::string_view separator;
  for (const EnumVariant& variant : model.variants) {
    fmt::format_to(at, "{}{}={}", separator, variant.name, variant.value);
    if (form == Form::stored) fmt::format_to(at, "#{}", variant.number);
    separator = ", ";
  }
  out += '}';
}

void append_struct(const SchemaModel& schema, const StructModel& model, Form form, std::string& out) {
  out += "struct ";
  if (form == Form::memory) out += fmt::format("{} ", model.bytes);
  out += '{';
  std::string_view separator;
  for (const FieldModel& field : model.fields) {
    out += separator;
    append_type(schema, field.type, form, out);
    out += ' ';
    out += field.name;
    if (form == Form::memory) out += fmt::format("@{}", field.offset);
    separator = ", ";
  }
  out += '}';
}

void append_type(const SchemaModel& schema, const FieldType& type, Form form, std::string& out) {
  switch (type.kind) {
    case FieldKind::enumeration: append_enum(schema.enums[type.definition], form, out); break;
    case FieldKind::structure: append_struct(schema, schema.structs[type.definition], form, out); break;
    default: out += kind_name(type.kind);
  }
  if (type.extent != 0) out += fmt::format("[{}]", type.extent);
}

}  // namespace

void order_variants(SchemaModel& described) {
  for (EnumModel& model : described.enums) std::ranges::stable_sort(model.variants, {}, &EnumVariant::value);
}

std::string memory_form(const SchemaModel& schema, const FieldType& type) {
  std::string out;
  append_type(schema, type, Form::memory, out);
  return out;
}

std::string stored_form(const SchemaModel& schema, const FieldType& type) {
  std::string out;
  append_type(schema, type, Form::stored, out);
  return out;
}

}  // namespace stoa::schema
