// Compaction: the same world in fewer slabs. A walk over the write buffer's root that goes on from step to step,
// between batches, and survives what happens to the world meanwhile. It changes no row, no id and no version; when to
// take a step, and when to publish what it did, is its caller's.
#pragma once

#include "base/steady_time.h"
#include "memory/page_writer.h"
#include "storage/archetype_directory.h"
#include "storage/chunk_store.h"
#include "storage/index_set.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stoa::storage {

/// First it makes less of what there is: archetypes without rows go, chunks that have become too large shrink, leaves
/// of indexes that are neighbours merge. Then it looks at how full the pool's slabs are, has those emptied that are
/// half empty, and copies every block of theirs that the root leads to. Each is a page, node, text or description of
/// its own, which others may hold by their snapshots: it is retired as any other, and its slab goes back with the last.
///
/// Blocks that come to be meanwhile are in other slabs, so that it is enough to come by everything once. Only texts,
/// and nodes of indexes, can get from where it has not been to where it has: if there were commits it goes round again.
///
/// Threads: the writer only.
class Compactor {
 public:
  /// Lifetime: all of it is the write buffer's, and outlives this.
  struct World {
    const detail::WorldInfo& info;
    memory::PageWriter& pages;
    detail::Root& root;
    ArchetypeDirectory& archetypes;
    IndexSet& indexes;
    std::vector<const detail::StoreShape*>& sparse_shapes;  ///< by sparse number
    const std::vector<TableId>& sparse_tables;
  };
  explicit Compactor(const World& world) : world_(world) {}

  [[nodiscard]] bool is_running() const noexcept { return phase_ != Phase::idle; }
  /// Requires: not running.
  void begin() noexcept {
    phase_ = Phase::archetypes_shrink;
    place_ = {};
    rounds_ = 0;
  }
  /// Gives up where it is; what it did stands, and slabs that were to be emptied serve again.
  void stop() noexcept;

  enum class Came : std::uint8_t {
    on,
    to_the_moving,  ///< from here on is_leaving() of the pool says what is to move: whoever has more than a root does
                    ///< so
    to_the_end,     ///< slabs may be left whose blocks snapshots hold
  };
  /// Goes on until then, or to one of those. Requires: running; no transaction is under way; between two steps all that
  /// was done is published.
  /// Errors: throws std::bad_alloc; the root's content is as before, and another step may follow.
  [[nodiscard]] Came step(detail::SteadyTime until);

  /// Archetypes, since the start.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  // In their order.
  enum class Phase : std::uint8_t {
    archetypes_shrink,
    sparse_shrink,
    indexes_shrink,
    survey,
    close,
    arrays,
    archetypes,
    sparse,
    indexes,
    settle,
    idle,
  };
  struct Place {
    std::uint32_t number = 0;  // of an archetype, an index and so on
    std::uint64_t page = 0;    // of it
    BTreeWalk walk;
  };

  void go_to(std::uint32_t number) noexcept { place_ = {number, 0, {}}; }
  bool advance();
  bool shrink_next_archetype();
  bool shrink_next_sparse();
  bool relocate_next_page();
  bool relocate_in_archetype();
  bool relocate_in_sparse();
  bool shrink_index();
  bool relocate_in_index();
  bool relocate_in(detail::PagedArray& array);
  detail::SparseSet& edit_sparse(std::uint32_t number);
  ChunkEditor edit_sparse_rows(std::uint32_t number);
  void relocate_sparse_store(std::uint32_t number);
  template <typename Store, typename Edit>
  void relocate_chunk(Store&& store, std::uint32_t chunk, Edit&& edit);
  template <typename Store, typename Edit>
  void relocate_texts(Store&& store, std::uint32_t row, std::size_t column, const TableModel& table, Edit&& edit);

  World world_;
  Phase phase_ = Phase::idle;
  Place place_;
  int rounds_ = 0;
  Version version_ = 0;  // where the round began
  std::uint64_t dropped_ = 0;
};

}  // namespace stoa::storage
