#include "storage/sparse_set.h"

#include "storage/paged_array.h"

#include <algorithm>

namespace stoa::storage {

using detail::SparseLeaf;

ChunkEditor SparseEditor::edit_rows() {
  ChunkStore* own = ChunkEditor::own(pages_, set_.rows);
  set_.rows = own;
  return {pages_, *own};
}

SparseLeaf& SparseEditor::edit_leaf(Entity entity) {
  const std::uint32_t number = entity.index() / SparseLeaf::size;
  if (void* own = find_own_page(pages_, set_.leaves, number)) return *static_cast<SparseLeaf*>(own);
  if (detail::find_page(set_.leaves, number) != nullptr) {
    return *static_cast<SparseLeaf*>(
        make_own_page(pages_, set_.leaves, number, sizeof(SparseLeaf), sizeof(SparseLeaf), account()));
  }
  auto* leaf = static_cast<SparseLeaf*>(pages_.allocate(sizeof(SparseLeaf)));
  std::fill_n(leaf->bits, SparseLeaf::words, 0);  // of the places, those are read that have a bit
  try {
    set_page(pages_, set_.leaves, number, leaf);
  } catch (...) {
    pages_.discard(leaf);
    throw;
  }
  return *leaf;
}

// Requires: the leaf is the entity's, and the write buffer's own.
void SparseEditor::clear(Entity entity, SparseLeaf& leaf) noexcept {
  const std::uint32_t at = entity.index() % SparseLeaf::size;
  leaf.bits[at / 64] &= ~(std::uint64_t{1} << (at % 64));
  if (std::any_of(leaf.bits, leaf.bits + SparseLeaf::words, [](std::uint64_t word) { return word != 0; })) return;
  set_page(pages_, set_.leaves, entity.index() / SparseLeaf::size, nullptr);  // its path is our own: nothing can fail
  pages_.discard(&leaf, account());
}

memory::Account SparseEditor::account() const noexcept { return account_of(set_.rows->shape->tables.front()); }

std::uint32_t SparseEditor::insert(Entity entity) {
  if (detail::find_sparse_row(set_, entity) != detail::no_row) return detail::no_row;
  ChunkEditor rows = edit_rows();
  const std::uint32_t row = rows.append(entity);
  try {
    SparseLeaf& leaf = edit_leaf(entity);
    const std::uint32_t at = entity.index() % SparseLeaf::size;
    leaf.rows[at] = row;
    leaf.bits[at / 64] |= std::uint64_t{1} << (at % 64);
  } catch (...) {
    rows.pop();
    throw;
  }
  return row;
}

void SparseEditor::undo_insert(Entity entity) noexcept {
  edit_rows().pop();
  clear(entity, const_cast<SparseLeaf&>(*detail::find_leaf(set_, entity.index())));
}

std::uint32_t SparseEditor::remove(Entity entity) {
  // What can fail comes first: both leaves, and in swap_remove() the row's pages.
  SparseLeaf& leaf = edit_leaf(entity);
  const Entity last = set_.rows->entity(set_.rows->rows - 1);
  SparseLeaf& leaf_of_last = edit_leaf(last);
  const std::uint32_t row = leaf.rows[entity.index() % SparseLeaf::size];
  edit_rows().swap_remove(row);
  leaf_of_last.rows[last.index() % SparseLeaf::size] = row;
  clear(entity, leaf);
  return row;
}

void SparseEditor::undo_remove(Entity entity, std::uint32_t row) {
  const std::uint32_t end = set_.rows->rows;
  const Entity occupant = edit_rows().swap_insert(row, entity);
  if (occupant) edit_leaf(occupant).rows[occupant.index() % SparseLeaf::size] = end;
  SparseLeaf& leaf = edit_leaf(entity);
  const std::uint32_t at = entity.index() % SparseLeaf::size;
  leaf.rows[at] = row;
  leaf.bits[at / 64] |= std::uint64_t{1} << (at % 64);
}

}  // namespace stoa::storage
