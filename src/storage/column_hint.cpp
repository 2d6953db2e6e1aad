#include <stoa/detail/column_hint.h>

namespace stoa::detail {

const std::byte* ColumnHint::find_row(const Root& root, TableId table, Entity entity) noexcept {
  const WorldInfo::Table& info = root.world->tables[to_index(table)];
  if (info.sparse != WorldInfo::dense) return detail::find_row(root, table, entity);
  const EntitySlot* slot = find_alive(root, entity);
  if (slot == nullptr) return nullptr;
  if (!is_of(root)) {
    root_seq_ = root.root_seq;
    database_ = root.world->database;
    for (Place& place : places_) place.archetype = 0;
  }
  const ChunkStore& store = archetype_at(root, slot->archetype - 1);
  const std::uint16_t column = store.shape->column(table);
  Place& place = places_[slot->archetype % places_.size()];
  place = {slot->archetype, store.shape->row_bits, nullptr};
  if (column != StoreShape::absent) place.column = store.columns() + (column == StoreShape::membership ? 0 : column);
  return row_at(store, slot->row, column);
}

}  // namespace stoa::detail
