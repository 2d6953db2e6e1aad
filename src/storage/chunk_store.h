// The writer's side of a chunk store: rows appended, removed and made writable, chunk by chunk. It knows neither whose
// rows they are nor what their bytes mean.
#pragma once

#include "memory/page_writer.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace stoa::storage {

using detail::ChunkStore;
using detail::StoreShape;
using memory::PageWriter;

/// Under which a table's retired pages and texts are told.
[[nodiscard]] inline memory::Account account_of(TableId table) noexcept {
  return static_cast<memory::Account>(to_index(table) + 1);  // of no table: 0
}

/// The shape of rows that have the given tables; their order does not matter. The chunk's size is chosen so that its
/// widest column stays within a page's bound.
[[nodiscard]] const StoreShape* make_shape(PageWriter& pages, const detail::WorldInfo& world, std::uint32_t number,
                                           std::span<const TableId> tables);

/// Edits one chunk store of the write buffer. Relies on the store itself being owned: own() comes first.
///
/// Rows past the count that readers may have seen are written in place, also in pages that are shared; everything else
/// is copied first. New rows hold undefined bytes until they are written. Errors: every call that may allocate throws
/// std::bad_alloc and leaves rows and contents as they were. Threads: the writer only.
class ChunkEditor {
 public:
  ChunkEditor(PageWriter& pages, ChunkStore& store) : pages_(pages), store_(store) {}

  [[nodiscard]] static ChunkStore* make(PageWriter& pages, const StoreShape& shape);
  /// The store itself if the write buffer owns it, else a copy of it; the pages stay shared. The old one is discarded.
  [[nodiscard]] static ChunkStore* own(PageWriter& pages, const ChunkStore* store);

  /// Adds a row for the entity at the end and returns its number.
  std::uint32_t append(Entity entity) {
    append(std::span(&entity, 1));
    return store_.rows - 1;
  }
  /// The same for several. Requires: no more than room_in_chunk().
  void append(std::span<const Entity> entities);
  /// How many rows the last chunk has still room for, or a new one has.
  [[nodiscard]] std::uint32_t room_in_chunk() const noexcept {
    return store_.shape->chunk_rows() - (store_.rows & (store_.shape->chunk_rows() - 1));
  }
  /// Undoes append() of one: takes the last row off. Its cells' bytes are gone.
  void pop() noexcept;

  /// Takes a row out; the last row takes its place. Returns the entity that moved, null if the row was the last.
  Entity swap_remove(std::uint32_t row);
  /// Undoes swap_remove(): the row's occupant goes back to the end, and the row is the entity's again, its cells
  /// undefined. Returns the occupant, null where the row was the last.
  Entity swap_insert(std::uint32_t row, Entity entity);

  /// The cell's address to write to.
  [[nodiscard]] std::byte* edit(std::uint32_t row, std::size_t column);
  /// A whole chunk's column, copied also where the write buffer owns it; `replaced` is the page it was and the caller's
  /// to discard or to put back with put_back().
  [[nodiscard]] std::byte* replace(std::uint32_t chunk, std::size_t column, const void*& replaced);
  /// A page that has the column's rows in an older root, put in the place of the one that is there, which is the
  /// caller's as in replace().
  void adopt(std::uint32_t chunk, std::size_t column, const void* page);
  /// Undoes replace() or adopt(); the page that was there is the caller's.
  void put_back(std::uint32_t chunk, std::size_t column, const void* replaced) noexcept;

  /// Copies of what of the chunk lies in a slab that is to be emptied take its place.
  void relocate(std::uint32_t chunk);
  /// Whether the only chunk has four times the room that its rows need.
  [[nodiscard]] static bool is_too_large(const ChunkStore& store) noexcept {
    return store.rows != 0 && store.rows_first > detail::chunk_rows_first && store.rows <= store.rows_first / 4;
  }
  /// Gives it as much as an append would. Requires: is_too_large().
  void shrink() { resize_first_chunk(store_.rows); }

 private:
  [[nodiscard]] std::size_t room(std::uint32_t chunk) const noexcept;
  [[nodiscard]] memory::Account account(std::size_t column) const noexcept;
  void make_room(std::uint32_t chunk, std::uint32_t first, std::uint32_t count);
  void resize_first_chunk(std::uint32_t rows_wanted);
  void bound_first_chunk(std::size_t column, const void* replaced) noexcept;
  void drop_chunk(std::uint32_t chunk) noexcept;
  void copy_row(std::uint32_t from, std::uint32_t to);

  PageWriter& pages_;
  ChunkStore& store_;
};

}  // namespace stoa::storage
