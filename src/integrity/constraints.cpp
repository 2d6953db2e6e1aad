#include "integrity/constraints.h"

namespace stoa::integrity {

Constraints::Constraints(const detail::WorldInfo& world)
    : rules_(world.tables.size()), referring_(world.tables.size()) {
  using Kind = detail::IndexInfo::Kind;
  for (std::uint32_t number = 0; number < world.indexes.size(); ++number) {
    const detail::IndexInfo& index = world.indexes[number];
    if (index.kind == Kind::unique) {
      rules_[to_index(index.table)].unique_indexes.push_back(number);
    } else if (index.kind == Kind::reference) {
      const FieldModel& field = world.model(index.table).field(index.fields[0]);
      keys_.push_back({index.table, &field, field.reference->target, field.reference->on_delete, number});
    }
  }
  for (const ForeignKey& key : keys_) {
    rules_[to_index(key.table)].references.push_back(&key);
    (key.target == no_table ? referring_to_any_ : referring_[to_index(key.target)]).push_back(&key);
  }
  for (const TableModel& table : world.schema->model().tables) {
    RowRules& rules = rules_[to_index(table.number)];
    for (const FieldModel& field : table.fields) {
      const bool can_lack =
          field.type.extent == 0 && (field.type.kind == FieldKind::entity || field.type.kind == FieldKind::text ||
                                     field.type.kind == FieldKind::bytes);
      if ((field.required || field.key) && can_lack) rules.required.push_back(&field);
      if (field.min || field.max) rules.ranged.push_back(&field);
    }
    empty_ = empty_ && rules.empty();
    if (table.storage == Storage::sparse && !referring_to(table.number).empty())
      sparse_targets_.push_back(table.number);
  }
}

}  // namespace stoa::integrity
