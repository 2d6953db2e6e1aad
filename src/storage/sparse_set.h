// The writer's side of a sparse table: rows come and go, and nothing of any other table moves. It knows nothing of what
// the rows' bytes mean.
#pragma once

#include "storage/chunk_store.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa::storage {

using detail::SparseSet;

/// It remembers what it made writable: several operations in turn are cheaper with one of them. No other may change the
/// set meanwhile.
/// Errors: whatever allocates throws std::bad_alloc; the set then is as before.
/// Threads: the writer only.
class SparseEditor {
 public:
  /// `set` is the write buffer's own, to be changed in place.
  SparseEditor(PageWriter& pages, SparseSet& set) : pages_(pages), set_(set) {}

  /// Adds rows at the end, their cells undefined and side by side. Returns for how many entities, from the first on: as
  /// far as a chunk has room, and no further than one that has a row.
  [[nodiscard]] std::size_t insert(std::span<const Entity> entities);
  /// Undoes insert() of the entity, whose row is the last.
  void undo_insert(Entity entity) noexcept;
  /// The entity's row, or no_row.
  [[nodiscard]] std::uint32_t find(Entity entity) const noexcept;
  /// Its cell. Requires: the table has cells.
  [[nodiscard]] const std::byte* cell(std::uint32_t row, std::size_t cell_bytes) const noexcept {
    return set_.rows->cell(row, 1, cell_bytes);
  }
  /// Takes the entity's row out, which the last one replaces. Requires: find(entity) is `row`.
  void remove(Entity entity, std::uint32_t row);
  /// Undoes it. The row's cells are undefined.
  void undo_remove(Entity entity, std::uint32_t row);

  /// Asks for the memory that says where the entity's row is.
  void prefetch(Entity entity) const noexcept {
    const detail::SparseLeaf* leaf = detail::find_leaf(set_, entity.index());
    if (leaf == nullptr) return;
    __builtin_prefetch(leaf->bits);
    __builtin_prefetch(&leaf->rows[entity.index() % detail::SparseLeaf::size]);
  }

  /// The row's cell to write to. Requires: the table has cells.
  [[nodiscard]] std::byte* edit(std::uint32_t row) { return edit_rows().edit(row, 1); }

 private:
  // Where many entities' rows are; both are the write buffer's own.
  struct Leaf {
    std::uint32_t number = 0;
    detail::SparseLeaf* leaf = nullptr;
  };

  ChunkEditor edit_rows();
  detail::SparseLeaf& edit_leaf(Entity entity, Leaf& last) {
    const std::uint32_t number = entity.index() / detail::SparseLeaf::size;
    if (last.leaf == nullptr || last.number != number) last = {number, &edit_leaf(number)};
    return *last.leaf;
  }
  detail::SparseLeaf& edit_leaf(std::uint32_t number);
  void clear(Entity entity, detail::SparseLeaf& leaf) noexcept;
  [[nodiscard]] memory::Account account() const noexcept;

  PageWriter& pages_;
  SparseSet& set_;
  ChunkStore* rows_ = nullptr;
  Leaf leaf_;
  Leaf leaf_of_last_;
};

}  // namespace stoa::storage
