#include "txn/prefetch.h"

#include <algorithm>

namespace stoa::txn {
namespace {

using detail::ChunkStore;
using detail::StoreShape;

// The cell, and the page's header, which says whether it must be copied.
void prefetch_cell(const ChunkStore& store, std::uint32_t row, std::size_t column) noexcept {
  const std::byte* page = store.chunk_column(row >> store.shape->row_bits, column);
  __builtin_prefetch(page - sizeof(detail::BlockHeader));
  const std::size_t in_chunk = row & (store.shape->chunk_rows() - 1);
  __builtin_prefetch(page + in_chunk * store.shape->columns[column].cell_bytes);
}

// One that leaves its place takes all its cells along, and another row comes there.
void prefetch_row(const ChunkStore& store, std::uint32_t row) noexcept {
  constexpr std::size_t columns_max = 8;
  const std::size_t columns = std::min(store.shape->columns.size(), columns_max);
  for (std::size_t column = 0; column != columns; ++column) prefetch_cell(store, row, column);
}

}  // namespace

void prefetch_rows(const detail::Root& root, Entity entity) noexcept {
  const detail::EntitySlot* slot = detail::find_alive(root, entity);
  if (slot != nullptr) prefetch_row(detail::archetype_at(root, slot->archetype - 1), slot->row);
}

void prefetch_rows(const detail::Root& root, const WriteOp& op) noexcept {
  const bool is_dense =
      op.table == no_table || root.world->tables[to_index(op.table)].sparse == detail::WorldInfo::dense;
  const detail::EntitySlot* slot = is_dense ? detail::find_alive(root, op.entity) : nullptr;
  if (slot == nullptr) return;
  const ChunkStore& store = detail::archetype_at(root, slot->archetype - 1);
  const bool stays = op.kind == WriteOp::Kind::update || op.kind == WriteOp::Kind::set_field;
  if (!stays) return prefetch_row(store, slot->row);
  const std::uint16_t column = store.shape->column(op.table);
  if (column < StoreShape::membership) prefetch_cell(store, slot->row, column);
}

}  // namespace stoa::txn
