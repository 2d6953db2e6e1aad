// The end of a transaction: it stands, or it is taken back, change by change from the last to the first.
#include "storage/write_buffer.h"

#include "storage/paged_array.h"

#include <cstring>

namespace stoa::storage {

using detail::EntitySlot;

void WriteBuffer::accept(std::vector<Entity>& ended) {
  settle_indexes();
  indexes_.accept();
  // Most transactions have neither, and may have very many others.
  const bool has_any = log_.has_had(Change::Kind::destroy) || log_.has_had(Change::Kind::page);
  for (const Change& change : has_any ? log_.changes() : std::span<const Change>()) {
    if (change.kind == Change::Kind::destroy) ended.push_back(change.entity);
    if (change.kind == Change::Kind::page) {
      pages_.discard(log_.replaced_page(change).before, account_of(change.table));
    }
  }
  for (const auto& [blob, table] : log_.blobs_gone()) pages_.discard(blob, account_of(table));
  archetypes_.accept();
  log_.clear();
}

void WriteBuffer::revert() {
  const memory::PagePool::SpareUse spare(pages_.pool());
  const auto changes = log_.changes();
  indexes_.begin_undo();
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) revert(*change);
  indexes_.finish_undo(pages_, root_);
  for (const void* blob : log_.blobs_born()) pages_.discard(blob);
  for (std::uint32_t page : log_.slot_pages_born()) take_out_slots(page);
  archetypes_.take_back();
  log_.clear();
}

void WriteBuffer::revert(const Change& change) {
  const bool sparse = change.table != no_table && is_sparse(change.table);
  const std::uint32_t bytes = change.table == no_table ? 0 : world_.tables[to_index(change.table)].cell_bytes;
  switch (change.kind) {
    case Change::Kind::create: {
      archetypes_.edit(change.store).pop();
      std::memcpy(static_cast<void*>(&edit_slot(change.entity)), log_.image(change), sizeof(EntitySlot));
      root_.slot_count = change.row;
      --root_.entity_count;
      break;
    }
    case Change::Kind::destroy: {
      return_to_row(change.entity, {change.store, change.row});
      ++root_.entity_count;
      break;
    }
    case Change::Kind::move: {
      const std::uint32_t left = detail::find_alive(root_, change.entity)->archetype - 1;
      const std::uint32_t left_row = detail::find_alive(root_, change.entity)->row;
      return_to_row(change.entity, {change.store, change.row});
      const ChunkStore& from = detail::archetype_at(root_, left);
      const StoreShape& shape = archetypes_.shape(change.store);
      for (std::size_t column = 1; column < shape.columns.size(); ++column) {
        const auto [table, cell_bytes] = shape.columns[column];
        const std::uint16_t shared = from.shape->column(table);
        if (shared == StoreShape::absent) continue;
        std::memcpy(archetypes_.edit(change.store).edit(change.row, column), from.cell(left_row, shared, cell_bytes),
                    cell_bytes);
      }
      archetypes_.edit(left).pop();
      break;
    }
    case Change::Kind::insert: {
      if (bytes != 0 && indexes_.covers(change.table)) {
        indexes_.row_removed(change.table, change.entity, find_row(change.table, change.entity));
      }
      if (sparse) edit_sparse(change.table).undo_insert(change.entity);
      break;  // a dense cell goes with the create or the move before it
    }
    case Change::Kind::remove: {
      if (sparse) edit_sparse(change.table).undo_remove(change.entity, change.row);
      if (bytes == 0) break;
      std::byte* cell = edit_row(change.table, change.entity);
      std::memcpy(cell, log_.image(change), bytes);
      if (indexes_.covers(change.table)) indexes_.row_added(change.table, change.entity, cell);
      break;
    }
    case Change::Kind::update: {
      std::byte* cell = edit_row(change.table, change.entity);
      std::memcpy(scratch_.data(), cell, bytes);
      std::memcpy(cell + change.offset, log_.image(change), change.image_bytes);
      if (indexes_.covers(change.table)) {
        indexes_.row_changed(change.table, change.entity, scratch_.data(), cell);
      }
      break;
    }
    case Change::Kind::floor: {
      std::memcpy(static_cast<void*>(&edit_slot(change.entity)), log_.image(change), sizeof(EntitySlot));
      root_.slot_count = change.row;
      break;
    }
    case Change::Kind::page_floor: {
      std::memcpy(&edit_cell<std::uint32_t>(pages_, root_.floors, change.store, detail::floor_page_bits),
                  log_.image(change), sizeof(std::uint32_t));
      root_.slot_count = change.row;
      break;
    }
    case Change::Kind::none: break;
    case Change::Kind::page: {
      const ReplacedPage replaced = log_.replaced_page(change);
      const std::uint16_t column = archetypes_.shape(change.store).column(change.table);
      const void* now = detail::archetype_at(root_, change.store).chunk_column(change.row, column);
      archetypes_.edit(change.store).put_back(change.row, column, replaced.before);
      if (now == replaced.adopted) {
        pages_.undo_revive(now, replaced.retirement);
      } else {
        pages_.discard(now);
      }
      break;
    }
  }
}

}  // namespace stoa::storage
