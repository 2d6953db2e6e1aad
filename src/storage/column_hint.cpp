#include <stoa/detail/column_hint.h>

#include <cassert>

namespace stoa::detail {

const std::byte* ColumnHint::find_row(const Root& root, TableId table, Entity entity) noexcept {
  assert(root.id != 0);
  const WorldInfo::Table& info = root.world->tables[to_index(table)];
  if (info.sparse != WorldInfo::dense) return detail::find_row(root, table, entity);
  const EntitySlot* slot = find_alive(root, entity);
  if (slot == nullptr) return nullptr;
  if (!is_of(root)) {
    root_id_ = root.id;
    places_ = {};
  }
  const ChunkStore& store = archetype_at(root, slot->archetype - 1);
  const std::uint16_t column = store.shape->column(table);
  Place& place = places_[slot->archetype % places_.size()];
  PagedArray pages;
  if (column != StoreShape::absent) pages = store.columns()[column == StoreShape::membership ? 0 : column];
  place = {pages.top, slot->archetype, static_cast<std::uint16_t>(pages.bits), store.shape->row_bits};
  return row_at(store, slot->row, column);
}

}  // namespace stoa::detail
