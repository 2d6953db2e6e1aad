// What a rule or an index is called, wherever people read of it.
#pragma once

#include <stoa/schema_model.h>

#include <string>
#include <vector>

namespace stoa::schema {

/// "docked.port".
[[nodiscard]] inline std::string rule_name(const TableModel& table, const FieldModel& field) {
  return table.name + "." + field.name;
}

/// The same of one field, and "docked(port, gate)" of several.
[[nodiscard]] inline std::string rule_name(const TableModel& table, const std::vector<FieldId>& fields) {
  if (fields.size() == 1) return rule_name(table, table.field(fields[0]));
  std::string out = table.name + "(";
  for (FieldId field : fields) {
    if (out.back() != '(') out += ", ";
    out += table.field(field).name;
  }
  return out + ")";
}

}  // namespace stoa::schema
