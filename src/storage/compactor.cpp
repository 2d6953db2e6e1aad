#include "storage/compactor.h"

#include "memory/page_pool.h"
#include "storage/paged_array.h"
#include "storage/sparse_set.h"

#include <stoa/text.h>

#include <chrono>
#include <cstring>
#include <utility>

namespace stoa::storage {
namespace {

using detail::TextCell;

constexpr std::size_t blocks_together = 1024;  // headers that are looked at between two looks at the clock
constexpr int rounds_max = 3;

}  // namespace

void Compactor::stop() noexcept {
  phase_ = Phase::idle;
  world_.pages.pool().end_evacuation();
}

Compactor::Came Compactor::step(detail::SteadyTime until) {
  memory::PagePool& pool = world_.pages.pool();
  if (phase_ == Phase::settle) {
    while (pool.give_back_some()) {
      if (std::chrono::steady_clock::now() >= until) return Came::on;
    }
    const bool may_have_missed = world_.root.version != version_ && pool.is_evacuating();
    phase_ = may_have_missed && ++rounds_ < rounds_max ? Phase::arrays : Phase::idle;
    version_ = world_.root.version;
    place_ = {};
    if (phase_ == Phase::idle) return Came::to_the_end;
  }
  do {
    if (advance()) continue;
    place_ = {};
    const Phase done = std::exchange(phase_, static_cast<Phase>(static_cast<std::uint8_t>(phase_) + 1));
    if (done == Phase::survey && !pool.evacuate()) phase_ = Phase::settle;
    if (phase_ == Phase::settle) return Came::on;  // what it retired is to be published first
    if (done == Phase::close) {
      version_ = world_.root.version;
      return Came::to_the_moving;
    }
  } while (std::chrono::steady_clock::now() < until);
  return Came::on;
}

// Something of the phase; false where nothing of it is left.
bool Compactor::advance() {
  std::size_t blocks = blocks_together;
  switch (phase_) {
    case Phase::archetypes_shrink: return shrink_next_archetype();
    case Phase::sparse_shrink: return shrink_next_sparse();
    case Phase::indexes_shrink: return shrink_index();
    case Phase::survey: return !world_.pages.pool().survey_some(blocks);
    case Phase::close: return !world_.pages.pool().close_some(blocks);
    case Phase::arrays: return relocate_next_page();
    case Phase::archetypes: return relocate_in_archetype();
    case Phase::sparse: return relocate_in_sparse();
    case Phase::indexes: return relocate_in_index();
    case Phase::settle:
    case Phase::idle: break;
  }
  return false;
}

// --- Less of it ---------------------------------------------------------------------------------------------------

bool Compactor::shrink_next_archetype() {
  if (place_.number == 0) dropped_ += world_.archetypes.drop_empty();
  const ChunkStore* store = detail::next_archetype(world_.root, place_.number);
  if (store == nullptr) return false;
  if (ChunkEditor::is_too_large(*store)) world_.archetypes.edit(place_.number).shrink();
  ++place_.number;
  return true;
}

bool Compactor::shrink_next_sparse() {
  if (place_.number == world_.sparse_shapes.size()) return false;
  const auto number = static_cast<std::uint16_t>(place_.number);
  if (ChunkEditor::is_too_large(*detail::sparse_at(world_.root, number).rows)) edit_sparse_rows(number).shrink();
  ++place_.number;
  return true;
}

bool Compactor::shrink_index() {
  if (place_.number == world_.info.indexes.size()) return false;
  if (!world_.indexes.merge_some(world_.pages, world_.root, place_.number, place_.walk)) {
    go_to(place_.number + 1);
  }
  return true;
}

// --- Elsewhere ----------------------------------------------------------------------------------------------------

// Of an array that has no entry with blocks of its own.
bool Compactor::relocate_in(detail::PagedArray& array) {
  if (detail::next_page(array, place_.page) == nullptr) return false;
  relocate_page(world_.pages, array, place_.page);
  ++place_.page;
  return true;
}

bool Compactor::relocate_next_page() {
  detail::Root& root = world_.root;
  detail::PagedArray* const arrays[] = {&root.slots, &root.floors, &root.archetypes, &root.sparse, &root.indexes};
  if (place_.number == std::size(arrays)) return false;
  if (!relocate_in(*arrays[place_.number])) go_to(place_.number + 1);
  return true;
}

bool Compactor::relocate_in_archetype() {
  const std::uint32_t before = place_.number;
  const ChunkStore* const found = detail::next_archetype(world_.root, place_.number);
  if (found == nullptr) return false;
  const std::uint32_t number = place_.number;
  if (number != before) place_.page = 0;
  if (place_.page == 0) world_.archetypes.relocate(number);
  const auto store = [this, number]() -> const ChunkStore& { return detail::archetype_at(world_.root, number); };
  const auto chunk = static_cast<std::uint32_t>(place_.page);
  if (chunk >= store().chunk_count()) {
    go_to(number + 1);
    return true;
  }
  relocate_chunk(store, chunk, [this, number] { return world_.archetypes.edit(number); });
  ++place_.page;
  return true;
}

// The rows of a table, and after them its leaves.
bool Compactor::relocate_in_sparse() {
  const std::uint32_t number = place_.number / 2;
  if (number == world_.sparse_shapes.size()) return false;
  const auto set = [this, number]() -> const SparseSet& {
    return detail::sparse_at(world_.root, static_cast<std::uint16_t>(number));
  };
  if (place_.number % 2 != 0) {
    if (detail::next_page(set().leaves, place_.page) == nullptr) {
      go_to(place_.number + 1);
      return true;
    }
    if (any_leaves(world_.pages, set().leaves, place_.page)) {
      relocate_page(world_.pages, edit_sparse(number).leaves, place_.page, account_of(world_.sparse_tables[number]));
    }
    ++place_.page;
    return true;
  }
  if (place_.page == 0) relocate_sparse_store(number);
  const auto chunk = static_cast<std::uint32_t>(place_.page);
  if (chunk >= set().rows->chunk_count()) {
    go_to(place_.number + 1);
    return true;
  }
  relocate_chunk([&]() -> const ChunkStore& { return *set().rows; }, chunk,
                 [this, number] { return edit_sparse_rows(number); });
  ++place_.page;
  return true;
}

bool Compactor::relocate_in_index() {
  if (place_.number == world_.info.indexes.size()) return false;
  if (!world_.indexes.relocate_some(world_.pages, world_.root, place_.number, place_.walk)) {
    go_to(place_.number + 1);
  }
  return true;
}

SparseSet& Compactor::edit_sparse(std::uint32_t number) {
  return edit_cell<SparseSet>(world_.pages, world_.root.sparse, number, detail::directory_page_bits);
}

ChunkEditor Compactor::edit_sparse_rows(std::uint32_t number) {
  SparseSet& set = edit_sparse(number);
  ChunkStore* const own = ChunkEditor::own(world_.pages, set.rows);
  set.rows = own;
  return {world_.pages, *own};
}

void Compactor::relocate_sparse_store(std::uint32_t number) {
  memory::PageWriter& pages = world_.pages;
  const ChunkStore* const now = detail::sparse_at(world_.root, static_cast<std::uint16_t>(number)).rows;
  const StoreShape* const shape = now->shape;
  if (!pages.leaves(now) && !pages.leaves(shape)) return;
  SparseSet& set = edit_sparse(number);
  pages.relocate(set.rows);
  if (!pages.leaves(shape)) return;
  world_.sparse_shapes[number] = make_shape(pages, world_.info, 0, shape->tables);
  const_cast<ChunkStore*>(set.rows)->shape = world_.sparse_shapes[number];
  pages.discard(shape);
}

// `store` gives the store as it is, and `edit` its editor, which may make another of it.
template <typename Store, typename Edit>
void Compactor::relocate_chunk(Store&& store, std::uint32_t chunk, Edit&& edit) {
  const StoreShape& shape = *store().shape;
  for (std::size_t column = 0; column != shape.columns.size(); ++column) {
    if (!any_leaves(world_.pages, store().columns()[column], chunk)) continue;
    edit().relocate(chunk);
    break;
  }
  for (std::size_t column = 1; column != shape.columns.size(); ++column) {
    const TableModel& table = world_.info.model(shape.columns[column].table);
    if (table.blobs.empty()) continue;
    const std::uint32_t first = chunk << shape.row_bits;
    for (std::uint32_t i = 0; i != store().rows_in(chunk); ++i) relocate_texts(store, first + i, column, table, edit);
  }
}

// Whatever may fail comes before the first change, text by text.
template <typename Store, typename Edit>
void Compactor::relocate_texts(Store&& store, std::uint32_t row, std::size_t column, const TableModel& table,
                               Edit&& edit) {
  for (std::uint32_t at : table.blobs) {
    const std::byte* const cell = store().cell(row, column, table.bytes);
    TextCell text;
    std::memcpy(static_cast<void*>(&text), cell + at, sizeof text);
    if (text.is_inline() || !world_.pages.leaves(text.data())) continue;
    const Entity entity = store().entity(row);
    const bool indexed = world_.indexes.covers(table.number);
    if (indexed) world_.indexes.borrow_from(world_.pages, world_.root, table.number, entity, cell);
    std::byte* const own = edit().edit(row, column);
    const TextCell moved(static_cast<const char*>(world_.pages.duplicate(text.data())), text.size());
    std::memcpy(own + at, &moved, sizeof moved);
    if (indexed) world_.indexes.borrow_from(world_.pages, world_.root, table.number, entity, own);
    world_.pages.discard(text.data(), account_of(table.number));
  }
}

}  // namespace stoa::storage
