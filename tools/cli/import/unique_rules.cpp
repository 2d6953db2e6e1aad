#include "cli/import/unique_rules.h"

#include <stoa/cell_text.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cli/cell_printer.h"
#include "cli/text.h"

namespace stoa::cli {

UniqueRule& UniqueRules::rule(const TableModel& table, std::vector<const FieldModel*> fields) {
  const auto found = std::ranges::find_if(
      rules_, [&](const UniqueRule& rule) { return rule.table == &table && rule.fields == fields; });
  if (found != rules_.end()) return *found;
  UniqueRule& made = rules_.emplace_back();
  made.table = &table;
  made.fields = std::move(fields);
  if (!has_index(made)) enter_rows_of_database(made);
  return made;
}

std::uint32_t UniqueRules::enter(UniqueRule& rule, std::string_view value) const {
  const std::uint32_t number = rule.values.add(value);
  if (number < rule.holders.size()) return number;
  Holder& holder = rule.holders.emplace_back();
  if (has_index(rule)) {
    holder.entity = find_in_database(rule, value);
    if (holder.entity) holder.kind = Holder::Kind::database;
  }
  return number;
}

void UniqueRules::forget_values() {
  for (UniqueRule& rule : rules_) {
    rule.values = TextIndex();
    const bool is_key = rule.fields.size() == 1 && rule.fields.front()->key;
    if (!is_key) rule.holders = std::vector<Holder>();
  }
}

// Of a reference the rule has the target's key, and of several fields nothing that find() could take: there all rows of
// the database are entered beforehand.
bool UniqueRules::has_index(const UniqueRule& rule) const {
  return rule.fields.size() == 1 && rule.fields.front()->type.kind != FieldKind::entity;
}

Entity UniqueRules::find_in_database(const UniqueRule& rule, std::string_view value) const {
  if (snapshot_.version() == 0) return {};
  const FieldModel& field = *rule.fields.front();
  const auto parsed = parse_value(snapshot_.schema().model(), field, value);
  return parsed ? snapshot_.find(rule.table->name, field.name, *parsed).value_or(Entity()) : Entity();
}

void UniqueRules::enter_rows_of_database(UniqueRule& rule) const {
  const CellPrinter printer(snapshot_);
  std::string value;
  const auto enter_row = [&](Entity entity, const RowView& row) {
    value.clear();
    for (const FieldModel* field : rule.fields) {
      const FieldView cell = row.field(*field);
      if (field->type.kind == FieldKind::entity && cell.value().is_null()) return;  // null never collides
      append_part(value, rule.fields.size(), printer.exact(cell));
    }
    rule.values.add(value);
    rule.holders.push_back({.kind = Holder::Kind::database, .record = {}, .entity = entity});
  };
  [[maybe_unused]] const auto visited = snapshot_.each(rule.table->name, enter_row);
}

}  // namespace stoa::cli
