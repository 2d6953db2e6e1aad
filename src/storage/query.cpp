#include <stoa/detail/query.h>
#include <stoa/query.h>

#include "storage/match_cache.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace stoa::detail {
namespace {

using Need = Term::Need;

bool gives_rows(const Term& term) { return term.need == Need::row || term.need == Need::maybe; }
bool demands(const Term& term) { return term.need == Need::row || term.need == Need::with; }

// The column's page after that chunk's; null where there is none.
const std::byte* page_after(const ChunkStore& store, std::uint32_t chunk, std::uint16_t column) {
  const bool has_page = column < StoreShape::membership && chunk + 1 < store.chunk_count();
  return has_page ? store.chunk_column(chunk + 1, column) : nullptr;
}

const Entity* entity_at(const ChunkStore& store, std::uint32_t row) {
  return reinterpret_cast<const Entity*>(store.cell(row, 0, sizeof(Entity)));
}

}  // namespace

void throw_no_table(std::string_view type) {
  throw std::logic_error("stoa: the database's schema has no table of " + type_name(type));
}

// --- The plan -----------------------------------------------------------------------------------------------------

QueryCursor::QueryCursor(const Root& root, std::span<const Term> terms) : root_(&root), terms_(terms) {
  std::uint32_t sets = 0;  // sparse tables that let through or keep out
  bool dense = false;
  for (const Term& term : terms) {
    if (!is_sparse(term.table)) {
      dense = dense || demands(term);
      only_sparse_ = false;
      continue;
    }
    lead_ = Lead::runs;
    if (term.need != Need::maybe) ++sets;
    if (!demands(term)) continue;
    if (leader_ != nullptr && set_of(term).rows->rows >= set_->rows->rows) continue;
    leader_ = &term;
    set_ = &set_of(term);
  }
  if ((leader_ == nullptr || dense) && root.archetype_count > archetypes_scanned)
    list_ = root.matches->find(root, terms);
  begin_matches();
  if (leader_ == nullptr || (dense && matching_rows_below(set_->rows->rows))) return;
  lead_ = sets > 1 ? Lead::bits : Lead::packed;
  for (const Term& term : terms) alone_ = alone_ && term.table == leader_->table;
}

bool QueryCursor::matches(const StoreShape& shape) const noexcept {
  for (const Term& term : terms_) {
    if (term.need == Need::maybe || is_sparse(term.table)) continue;
    if (shape.has(term.table) == (term.need == Need::without)) return false;
  }
  return true;
}

void QueryCursor::begin_matches() noexcept {
  const MatchList::Extent known = list_ == nullptr ? MatchList::Extent{} : list_->extent();
  match_ = 0;
  match_end_ = known.count;
  unknown_ = known.examined;
  archetype_ = root_->archetype_count;
}

// The next archetype that matches: of those in the list, and then of those that are not known yet.
bool QueryCursor::next_match() noexcept {
  chunk_ = 0;
  if (match_ < match_end_) {
    archetype_ = list_->at(match_++);
    if (archetype_ < root_->archetype_count) return true;
    match_ = match_end_;  // from here on the list is of newer roots
  }
  for (const ChunkStore* store; (store = next_archetype(*root_, unknown_)) != nullptr;) {
    archetype_ = unknown_++;
    if (matches(*store->shape)) return true;
  }
  archetype_ = root_->archetype_count;
  return false;
}

bool QueryCursor::matching_rows_below(std::size_t bound) noexcept {
  std::size_t rows = 0;
  while (rows < bound && next_match()) rows += archetype_at(*root_, archetype_).rows;
  begin_matches();
  return rows < bound;
}

// The archetype where the walk is, or the next one that matches, with chunks left. The store is looked up each time:
// the writer's may have got another place since.
const ChunkStore* QueryCursor::matching_store() noexcept {
  do {
    if (archetype_ == root_->archetype_count) continue;
    const ChunkStore& store = archetype_at(*root_, archetype_);
    if (chunk_ < store.chunk_count()) return &store;
  } while (next_match());
  return nullptr;
}

bool QueryCursor::next(Block& block, const std::byte** columns, const std::byte** ahead) {
  switch (lead_) {
    case Lead::chunks: return next_chunk(block, columns, ahead);
    case Lead::runs: return next_run(block, columns);
    case Lead::packed: return next_packed(block, columns, ahead);
    case Lead::bits: return next_bit(block, columns);
  }
  return false;
}

// --- Archetypes lead ----------------------------------------------------------------------------------------------

bool QueryCursor::next_chunk(Block& block, const std::byte** columns, const std::byte** ahead) {
  const ChunkStore* store = matching_store();
  if (store == nullptr) return false;
  const std::span entities = store->entities(chunk_);
  block = {entities.data(), static_cast<std::uint32_t>(entities.size()), archetype_, chunk_, true};
  for (const Term& term : terms_) {
    if (!gives_rows(term)) continue;
    const std::uint16_t column = store->shape->column(term.table);
    *columns++ = row_at(*store, chunk_ << store->shape->row_bits, column);
    if (ahead != nullptr) *ahead++ = page_after(*store, chunk_, column);
  }
  ++chunk_;
  return true;
}

// A run goes on as long as no sparse table has a row to give, which would not lie beside the last one.
bool QueryCursor::next_run(Block& block, const std::byte** columns) {
  while (const ChunkStore* store = matching_store()) {
    const std::span entities = store->entities(chunk_);
    Passes first = Passes::no;
    while (row_ < entities.size() && (first = passes(entities[row_])) == Passes::no) ++row_;
    if (row_ == entities.size()) {
      ++chunk_;
      row_ = 0;
      continue;
    }
    const std::uint32_t start = row_++;
    if (first == Passes::without_rows) {
      while (row_ < entities.size() && passes(entities[row_]) == Passes::without_rows) ++row_;
    }
    block = {entities.data() + start, row_ - start, archetype_, chunk_, false};
    const std::uint32_t row = (chunk_ << store->shape->row_bits) + start;
    for (const Term& term : terms_) {
      if (!gives_rows(term)) continue;
      *columns++ = is_sparse(term.table) ? find_row(*root_, term.table, entities[start])
                                         : row_at(*store, row, store->shape->column(term.table));
    }
    return true;
  }
  return false;
}

QueryCursor::Passes QueryCursor::passes(Entity entity) const noexcept {
  Passes out = Passes::without_rows;
  for (const Term& term : terms_) {
    if (!is_sparse(term.table)) continue;
    // The entity is alive: the bit of its index is its own.
    const SparseLeaf* leaf = find_leaf(set_of(term), entity.index());
    const bool there = leaf != nullptr && leaf->has(entity.index() % SparseLeaf::size);
    if (there ? term.need == Need::without : demands(term)) return Passes::no;
    if (there && gives_rows(term)) out = Passes::with_rows;
  }
  return out;
}

// --- A sparse table leads -----------------------------------------------------------------------------------------

bool QueryCursor::next_packed(Block& block, const std::byte** columns, const std::byte** ahead) {
  const ChunkStore& store = *set_->rows;
  while (row_ < store.rows) {
    const std::uint32_t row = row_++;
    block = {entity_at(store, row), 1, 0, 0, false};
    if (!alone_) {
      if (visit(*block.entities, columns)) return true;
      continue;
    }
    block.rows = store.rows_in(row >> store.shape->row_bits);
    row_ = row + block.rows;
    for (const Term& term : terms_) {
      if (!gives_rows(term)) continue;
      const std::uint32_t cell_bytes = root_->world->tables[to_index(term.table)].cell_bytes;
      *columns++ = cell_bytes == 0 ? &tag_row : store.cell(row, 1, cell_bytes);
      if (ahead != nullptr && cell_bytes != 0) *ahead++ = page_after(store, row >> store.shape->row_bits, 1);
    }
    return true;
  }
  return false;
}

bool QueryCursor::next_bit(Block& block, const std::byte** columns) {
  do {
    for (; leaf_ != nullptr && word_ < SparseLeaf::words; ++word_) {
      while (bits_[word_] != 0) {
        const auto at = word_ * 64 + static_cast<std::uint32_t>(std::countr_zero(bits_[word_]));
        bits_[word_] &= bits_[word_] - 1;
        block = {entity_at(*set_->rows, leaf_->rows[at]), 1, 0, 0, false};
        if (visit(*block.entities, columns)) return true;
      }
    }
  } while (next_leaf());
  return false;
}

// The leader's next leaf, its bits intersected with those of the other sets.
bool QueryCursor::next_leaf() noexcept {
  leaf_ = static_cast<const SparseLeaf*>(next_page(set_->leaves, page_));
  if (leaf_ == nullptr) return false;
  std::copy_n(leaf_->bits, SparseLeaf::words, bits_);
  for (const Term& term : terms_) {
    if (!is_sparse(term.table) || term.need == Need::maybe) continue;
    const auto* other = static_cast<const SparseLeaf*>(find_page(set_of(term).leaves, page_));
    for (std::uint32_t word = 0; word < SparseLeaf::words; ++word) {
      const std::uint64_t theirs = other == nullptr ? 0 : other->bits[word];
      bits_[word] &= term.need == Need::without ? ~theirs : theirs;
    }
  }
  ++page_;
  word_ = 0;
  return true;
}

// Whether the entity, which the leader has, is one of the query's; its rows then are in `columns`.
bool QueryCursor::visit(Entity entity, const std::byte** columns) const noexcept {
  for (const Term& term : terms_) {
    if (lead_ == Lead::bits && !gives_rows(term) && is_sparse(term.table)) continue;  // its bit has said so
    const std::byte* row = find_row(*root_, term.table, entity);
    if (row == nullptr ? demands(term) : term.need == Need::without) return false;
    if (gives_rows(term)) *columns++ = row;
  }
  return true;
}

// --- Counting -----------------------------------------------------------------------------------------------------

std::size_t QueryCursor::count() {
  std::size_t out = 0;
  if (lead_ == Lead::chunks) {
    while (next_match()) out += archetype_at(*root_, archetype_).rows;
    return out;
  }
  if (lead_ == Lead::packed && alone_) return set_->rows->rows;
  if (lead_ == Lead::bits && only_sparse_) {
    while (next_leaf()) {
      for (std::uint64_t word : bits_) out += static_cast<std::size_t>(std::popcount(word));
    }
    return out;
  }
  std::vector<const std::byte*> columns(terms_.size());
  for (Block block; next(block, columns.data()); out += block.rows) {
  }
  return out;
}

}  // namespace stoa::detail
