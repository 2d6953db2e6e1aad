// Entities that end, with all their rows.
#include "storage/write_buffer.h"

namespace stoa::storage {

using detail::EntitySlot;

Counted WriteBuffer::destroy(std::span<const Entity> entities) {
  for (std::size_t done = 0; done != entities.size();) {
    const EntitySlot* slot = detail::find_alive(root_, entities[done]);
    if (slot == nullptr) return {done, Outcome::no_entity};
    done += end_alike(entities.subspan(done), slot->archetype - 1);
  }
  return {.count = entities.size()};
}

// Returns of how many, from the first on: up to one that is not in the archetype. Requires: the first is.
std::size_t WriteBuffer::end_alike(std::span<const Entity> entities, std::uint32_t archetype) {
  ChunkEditor rows = archetypes_.edit(archetype);
  const ChunkStore& store = detail::archetype_at(root_, archetype);
  find_ending_tables(*store.shape);
  std::size_t image_bytes = 0;
  std::size_t blobs = 0;
  for (const EndingTable& table : ending_tables_) {
    image_bytes += table.model->bytes;
    blobs += table.model->blobs.size();
  }
  std::size_t count = 0;
  for (; count != entities.size(); ++count) {
    const Entity entity = entities[count];
    const EntitySlot* alive = detail::find_alive(root_, entity);
    if (alive == nullptr || alive->archetype != archetype + 1) break;
    const std::uint32_t row = alive->row;
    if (!sparse_tables_.empty()) remove_sparse_rows(entity);
    log_.reserve(ending_tables_.size() + 1, image_bytes);
    if (blobs != 0) log_.reserve_blobs(blobs);
    for (const auto& [model, column, is_indexed] : ending_tables_) {
      // The cells themselves go with the entity's row.
      const std::byte* cells = detail::row_at(store, row, column);
      log_.push({.kind = Change::Kind::remove, .table = model->number, .entity = entity}, cells, model->bytes);
      if (is_indexed) indexes_.row_removed(model->number, entity, cells);
      if (!model->blobs.empty()) let_go_of_blobs(*model, cells);
    }
    EntitySlot& dead = edit_slot(entity);
    leave_row(row, rows, store);
    dead.archetype = 0;
    dead.row = 0;
    log_.push({.kind = Change::Kind::destroy, .store = archetype, .row = row, .entity = entity});
    --root_.entity_count;
  }
  return count;
}

void WriteBuffer::find_ending_tables(const StoreShape& shape) {
  ending_tables_.clear();
  for (TableId table : shape.tables) {
    ending_tables_.push_back({&world_.model(table), shape.column(table), indexes_.covers(table)});
  }
}

void WriteBuffer::remove_sparse_rows(Entity entity) {
  for (TableId table : sparse_tables_) {
    const std::uint32_t row = sparse_row(table, entity);
    if (row == detail::no_row) continue;
    const TableModel& model = world_.model(table);
    log_.reserve(1, model.bytes);
    log_.reserve_blobs(model.blobs.size());
    SparseEditor set = edit_sparse(table);
    remove_sparse(model, entity, row, set);
  }
}

}  // namespace stoa::storage
