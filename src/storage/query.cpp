#include <stoa/detail/query.h>
#include <stoa/query.h>

#include <algorithm>

namespace stoa::detail {
namespace {

// Asks for the start of the page that a walk comes to next. The rest the hardware sees coming; the jump it does not.
// Inlined by force: g++ takes a function that only prefetches for one without effect, and drops its calls.
[[gnu::always_inline]] inline void prefetch_page(const ChunkStore& store, std::uint32_t chunk, std::uint16_t column) {
  constexpr std::size_t start_bytes = 1024;
  constexpr std::size_t line_bytes = 64;
  const std::byte* page = store.chunk_column(chunk, column);
  const std::size_t page_bytes = std::size_t{store.rows_in(chunk)} * store.shape->columns[column].cell_bytes;
  for (std::size_t at = 0; at < std::min(start_bytes, page_bytes); at += line_bytes) __builtin_prefetch(page + at);
}

}  // namespace

void throw_no_table() { throw std::logic_error("stoa: the database's schema has no table of that C++ type"); }

QueryCursor::QueryCursor(const Root& root, std::span<const Term> terms) : root_(root), terms_(terms) {
  for (const Term& term : terms) {
    if (!is_sparse(term.table)) continue;
    by_entity_ = true;
    if (term.need != Term::Need::row && term.need != Term::Need::with) continue;
    const ChunkStore* rows = sparse_at(root, root.world->tables[to_index(term.table)].sparse).rows;
    if (driver_ == nullptr || rows->rows < driver_->rows) driver_ = rows;
  }
}

bool QueryCursor::matches(const StoreShape& shape) const noexcept {
  for (const Term& term : terms_) {
    if (term.need == Term::Need::maybe || is_sparse(term.table)) continue;
    if (shape.has(term.table) == (term.need == Term::Need::without)) return false;
  }
  return true;
}

bool QueryCursor::next(Block& block, const std::byte** columns) {
  return by_entity_ ? next_entity(block, columns) : next_chunk(block, columns);
}

bool QueryCursor::next_chunk(Block& block, const std::byte** columns) {
  for (; archetype_ < root_.archetype_count; ++archetype_, chunk_ = 0) {
    const ChunkStore& store = archetype_at(root_, archetype_);
    if (chunk_ >= store.chunk_count() || (chunk_ == 0 && !matches(*store.shape))) continue;
    const std::span entities = store.entities(chunk_);
    block = {entities.data(), static_cast<std::uint32_t>(entities.size()), archetype_, chunk_, true};
    for (const Term& term : terms_) {
      if (term.need == Term::Need::with || term.need == Term::Need::without) continue;
      const std::uint16_t column = store.shape->column(term.table);
      *columns++ = column == StoreShape::absent       ? nullptr
                   : column == StoreShape::membership ? &tag_row
                                                      : store.chunk_column(chunk_, column);
      const bool has_page = column < StoreShape::membership;
      if (has_page && chunk_ + 1 < store.chunk_count()) prefetch_page(store, chunk_ + 1, column);
    }
    ++chunk_;
    return true;
  }
  return false;
}

bool QueryCursor::next_entity(Block& block, const std::byte** columns) {
  if (driver_ != nullptr) {
    while (row_ < driver_->rows) {
      const std::uint32_t row = row_++;
      const std::byte* at = driver_->cell(row, 0, sizeof(Entity));
      block = {reinterpret_cast<const Entity*>(at), 1, 0, 0, false};
      if (visit(*block.entities, columns)) return true;
    }
    return false;
  }
  // Only filters and optional rows are sparse: the dense tables lead.
  for (; archetype_ < root_.archetype_count; ++archetype_, row_ = 0) {
    const ChunkStore& store = archetype_at(root_, archetype_);
    if (row_ == 0 && !matches(*store.shape)) continue;
    while (row_ < store.rows) {
      const std::byte* at = store.cell(row_++, 0, sizeof(Entity));
      block = {reinterpret_cast<const Entity*>(at), 1, 0, 0, false};
      if (visit(*block.entities, columns)) return true;
    }
  }
  return false;
}

// Whether the entity is one of the query's; its rows then are in `columns`.
bool QueryCursor::visit(Entity entity, const std::byte** columns) const noexcept {
  for (const Term& term : terms_) {
    const std::byte* row = find_row(root_, term.table, entity);
    switch (term.need) {
      case Term::Need::row:
        if (row == nullptr) return false;
        *columns++ = row;
        break;
      case Term::Need::maybe: *columns++ = row; break;
      case Term::Need::with:
        if (row == nullptr) return false;
        break;
      case Term::Need::without:
        if (row != nullptr) return false;
        break;
    }
  }
  return true;
}

std::size_t QueryCursor::count() {
  std::size_t out = 0;
  if (!by_entity_) {
    for (std::uint32_t number = 0; number < root_.archetype_count; ++number) {
      const ChunkStore& store = archetype_at(root_, number);
      if (store.rows != 0 && matches(*store.shape)) out += store.rows;
    }
    return out;
  }
  if (terms_.size() == 1 && driver_ != nullptr) return driver_->rows;
  std::vector<const std::byte*> columns(terms_.size());
  for (Block block; next_entity(block, columns.data());) ++out;
  return out;
}

}  // namespace stoa::detail
