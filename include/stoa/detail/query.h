// Which rows a query visits, block by block: as many rows at a time as lie side by side. The typed loops over a block
// are in <stoa/query.h>.
#pragma once

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa::detail {

struct Term {
  enum class Need : std::uint8_t { row, maybe, with, without };
  TableId table = no_table;
  Need need = Need::row;
};

/// Rows that lie side by side. `columns` has, for each term with need row or maybe and in their order, the address of
/// its first row: of tag_row for a tag, null where a `maybe` has none.
struct Block {
  const Entity* entities = nullptr;
  std::uint32_t rows = 0;
  std::uint32_t archetype = 0;
  std::uint32_t chunk = 0;
  bool whole_chunk = false;  ///< of an archetype, whose number is set, as is the chunk's
};

class MatchList;

/// Visits each entity that has all rows it must have, once. The smallest set of those that an entity must be in leads:
/// the matching archetypes together, or a sparse table.
///
/// The root may get new pages while the walk is under way, as long as no row moves and no page is freed.
class QueryCursor {
 public:
  /// Lifetime: borrows root and terms.
  QueryCursor(const Root& root, std::span<const Term> terms);

  /// The next block, or false after the last. `columns` has room for each term, as has `ahead`, where it is given: it
  /// gets the address of the page that comes after the column's; null where there is none, or none to tell. It is
  /// written to only by walks that have such pages, so it must be all null before the first call.
  bool next(Block& block, const std::byte** columns, const std::byte** ahead = nullptr);

  /// How many entities the walk would visit. Requires: next() was not called.
  [[nodiscard]] std::size_t count();

 private:
  enum class Lead : std::uint8_t {
    chunks,  ///< no sparse table has a say: whole chunks of the matching archetypes
    runs,    ///< runs of rows of the matching archetypes, as the sparse tables let them through
    packed,  ///< the rows of a sparse table, in their order
    bits,    ///< the entities that several sparse tables have, or have not, together; in the order of their indices
  };
  /// What the sparse tables say to an entity of a matching archetype.
  enum class Passes : std::uint8_t { no, without_rows, with_rows };

  [[nodiscard]] bool is_sparse(TableId table) const noexcept {
    return root_->world->tables[to_index(table)].sparse != WorldInfo::dense;
  }
  [[nodiscard]] const SparseSet& set_of(const Term& term) const noexcept {
    return sparse_at(*root_, root_->world->tables[to_index(term.table)].sparse);
  }
  [[nodiscard]] bool matches(const StoreShape& shape) const noexcept;
  void begin_matches() noexcept;
  [[nodiscard]] bool next_match() noexcept;
  [[nodiscard]] bool matching_rows_below(std::size_t bound) noexcept;
  [[nodiscard]] const ChunkStore* matching_store() noexcept;

  bool next_chunk(Block& block, const std::byte** columns, const std::byte** ahead);
  bool next_run(Block& block, const std::byte** columns);
  bool next_packed(Block& block, const std::byte** columns, const std::byte** ahead);
  bool next_bit(Block& block, const std::byte** columns);
  bool next_leaf() noexcept;
  [[nodiscard]] Passes passes(Entity entity) const noexcept;
  bool visit(Entity entity, const std::byte** columns) const noexcept;

  const Root* root_;  // a pointer, so that iterators can be assigned
  std::span<const Term> terms_;
  Lead lead_ = Lead::chunks;
  bool alone_ = true;                // packed: no other table has a say
  bool only_sparse_ = true;          // bits: the sets say all there is to say of who is visited
  const Term* leader_ = nullptr;     // packed, bits: the smallest sparse table
  const SparseSet* set_ = nullptr;   // packed, bits: of the leader
  const MatchList* list_ = nullptr;  // chunks, runs: the matching archetypes, as far as they are known
  std::uint32_t match_ = 0;          // of the list, the next
  std::uint32_t match_end_ = 0;
  std::uint32_t unknown_ = 0;    // the first archetype that the list says nothing of
  std::uint32_t archetype_ = 0;  // the one that is walked; archetype_count where there is none
  std::uint32_t chunk_ = 0;
  std::uint32_t row_ = 0;
  std::uint64_t page_ = 0;                   // bits: of the leaf after this one
  const SparseLeaf* leaf_ = nullptr;         // bits: of the leader
  std::uint32_t word_ = 0;                   // bits: the one that is walked
  std::uint64_t bits_[SparseLeaf::words]{};  // bits: of all sets together, less those that were visited
};

}  // namespace stoa::detail
