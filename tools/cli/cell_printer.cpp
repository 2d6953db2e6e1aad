#include "cli/cell_printer.h"

namespace stoa::cli {

const FieldModel* CellPrinter::target_key(const FieldModel& field) const {
  if (!field.reference || field.reference->target == no_table) return nullptr;
  return snapshot_.schema().model().table(field.reference->target).key();
}

Value CellPrinter::key_of(const FieldModel& field, Entity target) const {
  const TableModel& table = snapshot_.schema().model().table(field.reference->target);
  const auto row = snapshot_.row(table.name, target);
  if (!row) return {};
  return row->field(*table.key()).value();
}

std::string CellPrinter::printed(const FieldView& cell, Print& print) const {
  const SchemaModel& schema = snapshot_.schema().model();
  const Value value = cell.value();
  const FieldModel* key = target_key(cell.model());
  if (key == nullptr || value.is_null()) return print(schema, cell.model(), value);
  return print(schema, *key, key_of(cell.model(), std::get<Entity>(value.variant())));
}

}  // namespace stoa::cli
