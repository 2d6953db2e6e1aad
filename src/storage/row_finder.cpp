#include <stoa/detail/row_finder.h>

#include <algorithm>

namespace stoa::detail {
namespace {

// Inlined by force: g++ takes a function that only prefetches for one without effect, and drops its calls.
[[gnu::always_inline]] inline void prefetch_slot(const Root& root, Entity entity) {
  if (const EntitySlot* slot = find_slot(root, entity.index())) __builtin_prefetch(slot);
}

[[gnu::always_inline]] inline void prefetch_cell(const std::byte* cell, std::size_t bytes) {
  __builtin_prefetch(cell);
  __builtin_prefetch(cell + bytes - 1);  // it may lie on two lines
}

[[gnu::always_inline]] inline void prefetch_leaf(const SparseSet& set, Entity entity) {
  const SparseLeaf* leaf = find_leaf(set, entity.index());
  if (leaf == nullptr) return;
  __builtin_prefetch(&leaf->bits[entity.index() % SparseLeaf::size / 64]);
  __builtin_prefetch(&leaf->rows[entity.index() % SparseLeaf::size]);
}

/// Where an archetype has the table's cells; kept from entity to entity, as most are of the same archetype.
struct ArchetypeColumn {
  const ChunkStore* store = nullptr;
  std::uint16_t column = StoreShape::absent;
};

}  // namespace

RowFinder::RowFinder(const Root& root, TableId table, std::span<const Entity> entities) noexcept
    : root_(root), table_(table), info_(root.world->tables[to_index(table)]), entities_(entities) {
  for (Entity entity : batch_at(0)) {
    if (info_.sparse == WorldInfo::dense) {
      prefetch_slot(root_, entity);
    } else {
      prefetch_leaf(sparse_at(root_, info_.sparse), entity);
    }
  }
}

std::span<const Entity> RowFinder::batch_at(std::size_t at) const noexcept {
  return entities_.subspan(at, std::min(batch, entities_.size() - at));
}

std::span<const std::byte* const> RowFinder::next() noexcept {
  const std::span now = batch_at(at_);
  const std::span ahead = batch_at(at_ + now.size());
  if (info_.sparse == WorldInfo::dense) {
    find_dense(now, ahead);
  } else {
    find_sparse(now, ahead);
  }
  at_ += now.size();
  return std::span(rows_).first(now.size());
}

void RowFinder::find_dense(std::span<const Entity> now, std::span<const Entity> ahead) noexcept {
  std::uint32_t archetype = 0;  // of `at`, as slots name it
  ArchetypeColumn at;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (i < ahead.size()) prefetch_slot(root_, ahead[i]);
    rows_[i] = nullptr;
    const EntitySlot* slot = find_alive(root_, now[i]);
    if (slot == nullptr) continue;
    if (slot->archetype != archetype) {
      archetype = slot->archetype;
      at.store = &archetype_at(root_, archetype - 1);
      at.column = at.store->shape->column(table_);
    }
    if (at.column >= StoreShape::membership) {
      rows_[i] = at.column == StoreShape::membership ? &tag_row : nullptr;
      continue;
    }
    rows_[i] = at.store->cell(slot->row, at.column, info_.cell_bytes);
    prefetch_cell(rows_[i], info_.cell_bytes);
  }
}

void RowFinder::find_sparse(std::span<const Entity> now, std::span<const Entity> ahead) noexcept {
  const SparseSet& set = sparse_at(root_, info_.sparse);
  std::array<std::uint32_t, batch> places;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (i < ahead.size()) prefetch_leaf(set, ahead[i]);
    rows_[i] = nullptr;
    const SparseLeaf* leaf = find_leaf(set, now[i].index());
    const std::uint32_t at = now[i].index() % SparseLeaf::size;
    if (leaf == nullptr || !leaf->has(at)) continue;
    places[i] = leaf->rows[at];
    __builtin_prefetch(set.rows->cell(places[i], 0, sizeof(Entity)));
    rows_[i] = info_.cell_bytes == 0 ? &tag_row : set.rows->cell(places[i], 1, info_.cell_bytes);
    if (info_.cell_bytes != 0) prefetch_cell(rows_[i], info_.cell_bytes);
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (rows_[i] != nullptr && set.rows->entity(places[i]) != now[i]) rows_[i] = nullptr;  // of another generation
  }
}

}  // namespace stoa::detail
