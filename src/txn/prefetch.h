// Asks for the memory that operations will touch, so that their cache misses pass while the operations before them are
// applied. It changes nothing; what it asks for in vain costs nothing but the asking.
#pragma once

#include "txn/op_buffer.h"

#include <stoa/detail/world.h>

#include <cstddef>

namespace stoa::txn {

inline void prefetch_slot(const detail::Root& root, Entity entity) noexcept {
  if (const detail::EntitySlot* slot = detail::find_slot(root, entity.index())) __builtin_prefetch(slot);
}

/// Walks ahead of a Reader of the same operations: first to the slots of their entities, which say where the rows are,
/// and, once those should have come, to the rows.
///
/// Relies on: `root` is whole between operations; it may change with each.
class Prefetcher {
 public:
  Prefetcher(const OpBuffer& ops, const detail::Root& root)
      : root_(root), slots_(ops), rows_(ops), has_time_(ops.count() > 1) {
    if (!has_time_) return;
    for (std::size_t ahead = 0; ahead < slots_ahead && fetch_slot(); ++ahead) {
      if (ahead >= slots_ahead - rows_ahead) fetch_row();
    }
  }

  /// Before each operation.
  void advance() noexcept {
    if (!has_time_) return;
    fetch_slot();
    fetch_row();
  }

 private:
  static constexpr std::size_t slots_ahead = 12;
  static constexpr std::size_t rows_ahead = 6;

  bool fetch_slot() noexcept {
    const WriteOp* op = slots_.next();
    if (op == nullptr) return false;
    prefetch_slot(root_, op->entity);
    return true;
  }

  void fetch_row() noexcept {
    const WriteOp* op = rows_.next();
    if (op == nullptr || op->table == no_table) return;
    const detail::WorldInfo::Table& table = root_.world->tables[to_index(op->table)];
    const detail::EntitySlot* slot = detail::find_alive(root_, op->entity);
    if (slot == nullptr || table.sparse != detail::WorldInfo::dense) return;
    const detail::ChunkStore& store = detail::archetype_at(root_, slot->archetype - 1);
    const std::uint16_t column = store.shape->column(op->table);
    if (column >= detail::StoreShape::membership) return;
    const std::byte* page = store.chunk_column(slot->row >> store.shape->row_bits, column);
    __builtin_prefetch(page - sizeof(detail::BlockHeader));  // says whether the page must be copied
    __builtin_prefetch(page + std::size_t{slot->row & (store.shape->chunk_rows() - 1)} * table.cell_bytes);
  }

  const detail::Root& root_;
  OpBuffer::Reader slots_;
  OpBuffer::Reader rows_;
  bool has_time_;  // a single operation has nothing before it
};

}  // namespace stoa::txn
