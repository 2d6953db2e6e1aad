#include <stoa/detail/op_target.h>

#include "schema/row_codec.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace stoa::detail {

const TableModel* OpTarget::find_table(std::string_view name) {
  const TableModel* table = world().schema->model().find(name);
  if (table == nullptr) fail(Error::not_found("table " + std::string(name)));
  return table;
}

bool OpTarget::check(const TableModel& table, const std::byte* rows, std::size_t count) {
  if (table.checked.empty() && table.blobs.empty()) return true;
  for (std::size_t i = 0; i != count; ++i) {
    if (auto checked = schema::check_row(world().schema->model(), table, rows + i * table.bytes); !checked) {
      fail(checked.error());
      return false;
    }
  }
  return true;
}

void OpTarget::named_row(RowOp op, std::string_view table, Entity entity, std::span<const NamedValue> fields) {
  const TableModel* model = find_table(table);
  if (model == nullptr) return;
  const SchemaModel& schema = world().schema->model();
  std::vector<std::byte> row(model->bytes);
  schema::default_row(schema, *model, row.data());
  for (const NamedValue& field : fields) {
    const FieldModel* found = model->find(field.name);
    if (found == nullptr) {
      fail(Error::not_found("field " + model->name + "." + std::string(field.name)));
      return;
    }
    if (auto set = schema::set_field(schema, *model, *found, row.data(), field.value); !set) {
      fail(set.error());
      return;
    }
  }
  this->row(op, model->number, entity, row.data());
}

void OpTarget::named_field(std::string_view table, Entity entity, std::string_view field, const Value& value) {
  const TableModel* model = find_table(table);
  if (model == nullptr) return;
  const FieldModel* found = model->find(field);
  if (found == nullptr) {
    fail(Error::not_found("field " + model->name + "." + std::string(field)));
    return;
  }
  std::vector<std::byte> row(model->bytes);
  if (auto set = schema::set_field(world().schema->model(), *model, *found, row.data(), value); !set) {
    fail(set.error());
    return;
  }
  this->field(model->number, entity, *found, row.data() + found->offset);
}

void OpTarget::named_remove(std::string_view table, Entity entity) {
  if (const TableModel* model = find_table(table)) remove(model->number, entity);
}

}  // namespace stoa::detail
