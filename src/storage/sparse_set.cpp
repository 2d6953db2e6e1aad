#include "storage/sparse_set.h"

#include "storage/paged_array.h"

#include <algorithm>

namespace stoa::storage {

using detail::SparseLeaf;

ChunkEditor SparseEditor::edit_rows() {
  if (rows_ == nullptr) set_.rows = rows_ = ChunkEditor::own(pages_, set_.rows);
  return {pages_, *rows_};
}

SparseLeaf& SparseEditor::edit_leaf(std::uint32_t number) {
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
  leaf_ = leaf_of_last_ = {};
}

memory::Account SparseEditor::account() const noexcept { return account_of(set_.rows->shape->tables.front()); }

std::size_t SparseEditor::insert(std::span<const Entity> entities) {
  ChunkEditor rows = edit_rows();
  const auto some = entities.first(std::min<std::size_t>(entities.size(), rows.room_in_chunk()));
  std::uint32_t row = rows_->rows;
  rows.append(some);
  std::size_t count = 0;
  const auto take_back_the_rest = [&] {
    for (std::size_t left = some.size() - count; left != 0; --left) rows.pop();
  };
  try {
    for (; count != some.size(); ++count, ++row) {
      const std::uint32_t at = some[count].index() % SparseLeaf::size;
      SparseLeaf& leaf = edit_leaf(some[count], leaf_);
      if (leaf.has(at)) break;
      leaf.rows[at] = row;
      leaf.bits[at / 64] |= std::uint64_t{1} << (at % 64);
    }
  } catch (...) {
    for (; count != 0; --count) {
      const Entity entity = some[count - 1];
      clear(entity, const_cast<SparseLeaf&>(*detail::find_leaf(set_, entity.index())));
    }
    take_back_the_rest();
    throw;
  }
  take_back_the_rest();
  return count;
}

void SparseEditor::undo_insert(Entity entity) noexcept {
  edit_rows().pop();
  clear(entity, const_cast<SparseLeaf&>(*detail::find_leaf(set_, entity.index())));
}

std::uint32_t SparseEditor::find(Entity entity) const noexcept {
  const bool is_at_hand = leaf_.leaf != nullptr && leaf_.number == entity.index() / SparseLeaf::size;
  return detail::find_row_in(is_at_hand ? leaf_.leaf : detail::find_leaf(set_, entity.index()), set_, entity);
}

void SparseEditor::remove(Entity entity, std::uint32_t row) {
  // What can fail comes first: both leaves, and in swap_remove() the row's pages.
  SparseLeaf& leaf = edit_leaf(entity, leaf_);
  const Entity last = set_.rows->entity(set_.rows->rows - 1);
  SparseLeaf& leaf_of_last = edit_leaf(last, leaf_of_last_);
  edit_rows().swap_remove(row);
  leaf_of_last.rows[last.index() % SparseLeaf::size] = row;
  clear(entity, leaf);
}

void SparseEditor::undo_remove(Entity entity, std::uint32_t row) {
  const std::uint32_t end = set_.rows->rows;
  const Entity occupant = edit_rows().swap_insert(row, entity);
  if (occupant) edit_leaf(occupant, leaf_of_last_).rows[occupant.index() % SparseLeaf::size] = end;
  SparseLeaf& leaf = edit_leaf(entity, leaf_);
  const std::uint32_t at = entity.index() % SparseLeaf::size;
  leaf.rows[at] = row;
  leaf.bits[at / 64] |= std::uint64_t{1} << (at % 64);
}

}  // namespace stoa::storage
