// The writer's side of a sparse table: rows come and go, and nothing of any other table moves. It knows nothing of what
// the rows' bytes mean.
#pragma once

#include "storage/chunk_store.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>

namespace stoa::storage {

using detail::SparseSet;

/// Errors: whatever allocates throws std::bad_alloc; the set then is as before.
/// Threads: the writer only.
class SparseEditor {
 public:
  /// `set` is the write buffer's own, to be changed in place.
  SparseEditor(PageWriter& pages, SparseSet& set) : pages_(pages), set_(set) {}

  /// Adds a row at the end, its cells undefined, and returns its number; no_row where the entity has one.
  std::uint32_t insert(Entity entity);
  /// Undoes insert() of the entity, whose row is the last.
  void undo_insert(Entity entity) noexcept;
  /// Takes the entity's row out, which the last one replaces; returns the number that it had. Requires: it has one.
  std::uint32_t remove(Entity entity);
  /// Undoes remove(), which returned `row`. The row's cells are undefined.
  void undo_remove(Entity entity, std::uint32_t row);

  /// The row's cell to write to. Requires: the table has cells.
  [[nodiscard]] std::byte* edit(std::uint32_t row) { return edit_rows().edit(row, 1); }

 private:
  ChunkEditor edit_rows();
  detail::SparseLeaf& edit_leaf(Entity entity);
  void clear(Entity entity, detail::SparseLeaf& leaf) noexcept;
  [[nodiscard]] memory::Account account() const noexcept;

  PageWriter& pages_;
  SparseSet& set_;
};

}  // namespace stoa::storage
