// Which rows a query visits, block by block: a chunk at a time where the tables are dense, a row at a time where a
// sparse table has a say. The typed loops over a block are in <stoa/query.h>.
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
  bool whole_chunk = false;  ///< archetype and chunk are set
};

/// Visits each entity that has all rows it must have, once. The root may get new pages while the walk is under way, as
/// long as no row moves and no page is freed.
class QueryCursor {
 public:
  /// Lifetime: borrows root and terms.
  QueryCursor(const Root& root, std::span<const Term> terms);

  /// The next block, or false after the last. `columns` has room for each term.
  bool next(Block& block, const std::byte** columns);

  /// How many entities the walk would visit. Requires: next() was not called.
  [[nodiscard]] std::size_t count();

 private:
  [[nodiscard]] bool is_sparse(TableId table) const noexcept {
    return root_.world->tables[to_index(table)].sparse != WorldInfo::dense;
  }
  [[nodiscard]] bool matches(const StoreShape& shape) const noexcept;
  bool next_chunk(Block& block, const std::byte** columns);
  bool next_entity(Block& block, const std::byte** columns);
  bool visit(Entity entity, const std::byte** columns) const noexcept;

  const Root& root_;
  std::span<const Term> terms_;
  const ChunkStore* driver_ = nullptr;  // the smallest sparse table that entities must have a row in
  bool by_entity_ = false;              // a sparse table has a say
  std::uint32_t archetype_ = 0;
  std::uint32_t chunk_ = 0;
  std::uint32_t row_ = 0;
};

}  // namespace stoa::detail
