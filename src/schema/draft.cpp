#include <stoa/detail/schema_draft.h>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "schema/value_codec.h"

namespace stoa::detail {
namespace {

bool is_same(const EnumModel& a, const EnumModel& b) {
  const auto same_variant = [](const EnumVariant& x, const EnumVariant& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.name == b.name && a.base == b.base && std::ranges::equal(a.variants, b.variants, same_variant);
}

bool is_same(const StructModel& a, const StructModel& b) {
  const auto same_field = [](const FieldModel& x, const FieldModel& y) { return x.name == y.name && x.type == y.type; };
  return a.name == b.name && a.bytes == b.bytes && std::ranges::equal(a.fields, b.fields, same_field);
}

/// The index of an equal definition, which is added where there is none.
template <typename Definition>
std::uint16_t intern(std::vector<Definition>& definitions, Definition definition) {
  const auto found =
      std::ranges::find_if(definitions, [&](const Definition& other) { return is_same(other, definition); });
  const auto index = static_cast<std::uint16_t>(found - definitions.begin());
  if (found == definitions.end()) definitions.push_back(std::move(definition));
  return index;
}

/// Adds the enums and structs that `type` uses to the schema's, and returns its fields in terms of those.
std::vector<FieldModel> adopt(SchemaModel& schema, const RowDescription& type) {
  std::vector<std::uint16_t> enums;  // from the description's index to the schema's
  std::vector<std::uint16_t> structs;
  const auto renumbered = [&](std::vector<FieldModel> fields) {
    for (FieldModel& field : fields) {
      if (field.type.kind == FieldKind::enumeration) field.type.definition = enums[field.type.definition];
      if (field.type.kind == FieldKind::structure) field.type.definition = structs[field.type.definition];
    }
    return fields;
  };
  for (EnumModel model : type.definitions.enums) {
    std::ranges::stable_sort(model.variants, {}, &EnumVariant::value);
    enums.push_back(intern(schema.enums, std::move(model)));
  }
  for (StructModel model : type.definitions.structs) {  // inner ones come first
    model.fields = renumbered(std::move(model.fields));
    structs.push_back(intern(schema.structs, std::move(model)));
  }
  return renumbered(type.row.fields);
}

}  // namespace

void declare_table(SchemaDraft& draft, std::string name, RowDescription type) {
  TableModel table;
  table.name = name;
  table.fields = adopt(draft.model, type);
  draft.model.tables.push_back(std::move(table));
  draft.bindings.push_back({.type = std::move(type), .table = std::move(name), .declares = true});
}

void bind_table(SchemaDraft& draft, std::string name, RowDescription type) {
  draft.bindings.push_back({.type = std::move(type), .table = std::move(name), .declares = false});
}

TableModel* find_table(SchemaDraft& draft, std::string_view table) {
  const auto found = std::ranges::find(draft.model.tables, table, &TableModel::name);
  return found == draft.model.tables.end() ? nullptr : &*found;
}

FieldModel* find_field(SchemaDraft& draft, std::string_view table, std::string_view field) {
  TableModel* model = find_table(draft, table);
  if (model == nullptr) return nullptr;
  const auto found = std::ranges::find(model->fields, field, &FieldModel::name);
  return found == model->fields.end() ? nullptr : &*found;
}

void add_mistake(SchemaDraft& draft, std::string_view table, std::string_view field, std::string reason) {
  draft.mistakes.push_back({fmt::format("tables.{}.fields.{}", table, field), std::move(reason)});
}

void add_unique_together(SchemaDraft& draft, std::string_view table, const std::vector<std::string_view>& fields) {
  draft.compound_uniques.push_back({.table = std::string(table),
                                    .fields = {fields.begin(), fields.end()},
                                    .path = fmt::format("tables.{}.unique", table)});
}

void set_default(SchemaDraft& draft, std::string_view table, std::string_view field, const void* value) {
  if (FieldModel* model = find_field(draft, table, field)) {
    model->default_value = schema::read_value(draft.model, model->type, value);
  }
}

void set_range(SchemaDraft& draft, std::string_view table, std::string_view field, const void* min, const void* max) {
  if (FieldModel* model = find_field(draft, table, field)) {
    const FieldType element{.kind = model->type.kind, .extent = 0, .definition = model->type.definition};
    model->min = schema::read_value(draft.model, element, min);
    model->max = schema::read_value(draft.model, element, max);
  }
}

}  // namespace stoa::detail
