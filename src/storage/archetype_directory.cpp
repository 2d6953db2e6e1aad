#include "storage/archetype_directory.h"

#include "storage/paged_array.h"

#include <algorithm>
#include <new>
#include <utility>

namespace stoa::storage {
namespace {

// Also one without rows may, where there was no memory to take them out.
bool has_pages(const detail::ChunkStore& store) {
  return std::any_of(store.columns(), store.columns() + store.shape->columns.size(),
                     [](const detail::PagedArray& column) { return column.top != nullptr; });
}

bool is_to_go(const detail::ChunkStore& store) { return store.rows == 0 && !has_pages(store); }

}  // namespace

ArchetypeDirectory::ArchetypeDirectory(const detail::WorldInfo& world, memory::PageWriter& pages, detail::Root& root)
    : pages_(pages), root_(root), archetypes_(world, pages), matches_(std::make_unique<detail::MatchCache>()) {}

void ArchetypeDirectory::begin() {
  root_.matches = matches_.get();
  if (root_.archetype_count == 0) grow();
  give_up();
  accept();
}

std::uint32_t ArchetypeDirectory::with(std::uint32_t number, TableId table) {
  const std::uint32_t to = archetypes_.with(number, table);
  grow();
  return to;
}

std::uint32_t ArchetypeDirectory::without(std::uint32_t number, TableId table) {
  const std::uint32_t to = archetypes_.without(number, table);
  grow();
  return to;
}

const ChunkStore*& ArchetypeDirectory::entry(std::uint32_t number) {
  return edit_cell<const ChunkStore*>(pages_, root_.archetypes, number, detail::directory_page_bits);
}

ChunkEditor ArchetypeDirectory::edit(std::uint32_t number) {
  const ChunkStore& now = detail::archetype_at(root_, number);
  if (pages_.owns(&now)) return {pages_, const_cast<ChunkStore&>(now)};
  const ChunkStore*& at = entry(number);
  ChunkStore* own = ChunkEditor::own(pages_, &now);
  at = own;
  return {pages_, *own};
}

void ArchetypeDirectory::relocate(std::uint32_t number) {
  const ChunkStore& now = detail::archetype_at(root_, number);
  const bool shape_leaves = pages_.leaves(now.shape);
  if (!shape_leaves && !pages_.leaves(&now)) return;
  const ChunkStore*& at = entry(number);
  pages_.relocate(at);
  if (shape_leaves) const_cast<ChunkStore*>(at)->shape = &archetypes_.relocate_shape(number);
}

std::size_t ArchetypeDirectory::drop_empty() {
  std::uint32_t number = 1;
  const ChunkStore* store = detail::next_archetype(root_, number);
  while (store != nullptr && !is_to_go(*store)) store = detail::next_archetype(root_, ++number);
  if (store == nullptr) return 0;
  const std::size_t before = archetypes_.count();
  try {
    give_up_empty();
  } catch (...) {
    archetypes_.forget_edges();
    throw;
  }
  archetypes_.forget_edges();
  return before - archetypes_.count();
}

// In the order of the numbers: one that has no store once a higher one has was given up, and readers rely on that.
void ArchetypeDirectory::grow() {
  while (root_.archetype_count < archetypes_.end()) {
    const std::uint32_t number = root_.archetype_count;
    const ChunkStore*& at = entry(number);
    at = ChunkEditor::make(pages_, archetypes_.shape(number));
    root_.archetype_count = number + 1;
  }
}

// Nothing here needs memory: what leads to them was made, or copied, for this root.
void ArchetypeDirectory::take_back() noexcept {
  if (archetypes_.end() == root_.archetypes_accepted) return;
  while (root_.archetype_count != root_.archetypes_accepted) {
    const std::uint32_t number = root_.archetype_count - 1;
    const ChunkStore& store = detail::archetype_at(root_, number);
    if (has_pages(store)) break;
    entry(number) = nullptr;
    pages_.discard(&store);
    drop_page_of(number);
    --root_.archetype_count;
  }
  archetypes_.take_back(root_.archetype_count);
  accept();
}

// Archetypes that have lost their rows may get some again soon, so they are given up only where they are many, and then
// together: what readers remember of matches ends with it. Many are twice as many as were left the last time, and more
// than half of all without an entity for them.
void ArchetypeDirectory::give_up() noexcept {
  const bool mostly_empty = archetypes_.count() > detail::archetypes_kept + 2 * root_.entity_count;
  if (archetypes_.count() <= give_up_at_ && !mostly_empty) return;
  try {
    grow();  // also those for whose stores there was no memory
    give_up_empty();
    give_up_at_ = std::max<std::size_t>(detail::archetypes_kept, 2 * archetypes_.count());
  } catch (const std::bad_alloc&) {
    give_up_at_ = archetypes_.count() + 1;  // what is left stays until there are more of them
  }
  archetypes_.forget_edges();
}

void ArchetypeDirectory::give_up_empty() {
  old_matches_.reserve(old_matches_.size() + 1);
  auto fresh = std::make_unique<detail::MatchCache>();
  old_matches_.push_back({matches_since_, root_.root_seq, std::exchange(matches_, std::move(fresh))});
  matches_since_ = root_.root_seq;
  root_.matches = matches_.get();
  std::uint32_t number = 1;  // the one without tables stays
  for (const ChunkStore* store; (store = detail::next_archetype(root_, number)) != nullptr; ++number) {
    if (!is_to_go(*store)) continue;
    entry(number) = nullptr;
    pages_.discard(store);
    archetypes_.give_up(number);
    drop_page_of(number);
  }
}

// Where no archetype of the page is left. Requires: the page is the write buffer's own.
void ArchetypeDirectory::drop_page_of(std::uint32_t number) {
  const std::uint32_t page_number = number >> detail::directory_page_bits;
  const auto* page = static_cast<const void* const*>(detail::page_unchecked(root_.archetypes, page_number));
  const auto* end = page + (std::size_t{1} << detail::directory_page_bits);
  if (std::any_of(page, end, [](const void* store) { return store != nullptr; })) return;
  set_page(pages_, root_.archetypes, page_number, nullptr);
  pages_.discard(page);
}

void ArchetypeDirectory::release_matches(const memory::PinSet& pins, std::uint64_t newest) noexcept {
  std::erase_if(old_matches_,
                [&](const OldMatches& old) { return old.retire <= newest && !pins.holds(old.birth, old.retire); });
}

}  // namespace stoa::storage
