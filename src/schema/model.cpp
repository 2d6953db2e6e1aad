#include <stoa/schema_model.h>

#include <algorithm>

namespace stoa {

const FieldModel* TableModel::find(std::string_view field) const {
  const auto found = std::ranges::find(fields, field, &FieldModel::name);
  return found == fields.end() ? nullptr : &*found;
}

const FieldModel& TableModel::field(FieldId number_of_field) const {
  return fields[by_number[to_index(number_of_field)]];
}

const FieldModel* TableModel::key() const {
  const auto found = std::ranges::find(fields, true, &FieldModel::key);
  return found == fields.end() ? nullptr : &*found;
}

const TableModel* SchemaModel::find(std::string_view name_of_table) const {
  const auto name_of = [this](TableId id) -> std::string_view { return tables[to_index(id)].name; };
  const auto found = std::ranges::lower_bound(by_name, name_of_table, {}, name_of);
  return found == by_name.end() || name_of(*found) != name_of_table ? nullptr : &tables[to_index(*found)];
}

const TableModel& SchemaModel::table(TableId number) const { return tables[to_index(number)]; }

}  // namespace stoa
