#include "schema/binding.h"

#include <fmt/format.h>

#include <algorithm>

#include "schema/type_form.h"

namespace stoa::schema {
namespace {

std::string place_and_type(const SchemaModel& schema, const FieldModel& field) {
  return fmt::format("{} at offset {}", memory_form(schema, field.type), field.offset);
}

const FieldModel* find(const std::vector<FieldModel>& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &FieldModel::name);
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> differences(const SchemaModel& schema, const TableModel& table,
                                     const detail::RowDescription& type) {
  SchemaModel described = type.definitions;
  order_variants(described);

  std::vector<std::string> out;
  for (const FieldModel& ours : table.fields) {
    const std::string our_side = place_and_type(schema, ours);
    const FieldModel* theirs = find(type.row.fields, ours.name);
    if (theirs == nullptr) {
      out.push_back(fmt::format("{}: the table has {}, {} has no such member", ours.name, our_side, type.type_name));
      continue;
    }
    const std::string their_side = place_and_type(described, *theirs);
    if (our_side != their_side) {
      out.push_back(fmt::format("{}: the table has {}, {} has {}", ours.name, our_side, type.type_name, their_side));
    }
  }
  for (const FieldModel& theirs : type.row.fields) {
    if (find(table.fields, theirs.name) == nullptr) {
      out.push_back(fmt::format("{}: the table has no such field, {} has {}", theirs.name, type.type_name,
                                place_and_type(described, theirs)));
    }
  }
  if (table.bytes != type.row.bytes) {
    out.push_back(
        fmt::format("the table's row is {} bytes, {} is {} bytes", table.bytes, type.type_name, type.row.bytes));
  }
  if (table.align != type.row.align) {
    out.push_back(
        fmt::format("the table's row is aligned to {}, {} to {}", table.align, type.type_name, type.row.align));
  }
  return out;
}

}  // namespace stoa::schema
