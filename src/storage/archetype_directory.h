// The archetypes of the root being filled: their stores, and which of them readers' queries need to look at. It decides
// when an archetype comes to be and when it is given up; who moves between them is the write buffer's.
#pragma once

#include "memory/page_writer.h"
#include "memory/pins.h"
#include "storage/archetypes.h"
#include "storage/chunk_store.h"
#include "storage/match_cache.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace stoa::storage {

/// Errors: what may allocate throws std::bad_alloc; the root's content is then as before.
/// Threads: the writer only.
class ArchetypeDirectory {
 public:
  /// Lifetime: `root` is the write buffer's, and outlives this.
  ArchetypeDirectory(const detail::WorldInfo& world, memory::PageWriter& pages, detail::Root& root);

  /// The root is a new one, over that which was filled last.
  void begin();

  /// The archetype with one table more, or one less. It has a store from then on: edit() and taking back need no memory
  /// for that.
  [[nodiscard]] std::uint32_t with(std::uint32_t number, TableId table);
  [[nodiscard]] std::uint32_t without(std::uint32_t number, TableId table);
  [[nodiscard]] const detail::StoreShape& shape(std::uint32_t number) const noexcept {
    return archetypes_.shape(number);
  }
  /// Its store for writing. Requires: from with() or without(), or in the root.
  [[nodiscard]] ChunkEditor edit(std::uint32_t number);

  /// Another block for its store and its shape, where one of them lies in a slab that is to be emptied.
  void relocate(std::uint32_t number);
  /// Gives up the archetypes without rows, however few; returns how many those are. Requires: no transaction is under
  /// way.
  std::size_t drop_empty();

  /// The archetypes that came since the last call of either: they stay, or go again. Requires, for the latter: they
  /// have no rows.
  void accept() noexcept {
    root_.archetypes_accepted = root_.archetype_count;
    archetypes_.accept();
  }
  void take_back() noexcept;

  /// Frees what queries remembered of roots that no pin reaches any more; `newest` is the published one.
  void release_matches(const memory::PinSet& pins, std::uint64_t newest) noexcept;

 private:
  struct OldMatches {
    std::uint64_t birth;   // the first root that has them
    std::uint64_t retire;  // the first that does not
    std::unique_ptr<detail::MatchCache> matches;
  };

  [[nodiscard]] const detail::ChunkStore*& entry(std::uint32_t number);
  void grow();
  void give_up() noexcept;
  void give_up_empty();
  void drop_page_of(std::uint32_t number);

  memory::PageWriter& pages_;
  detail::Root& root_;
  Archetypes archetypes_;
  std::unique_ptr<detail::MatchCache> matches_;  // of root_
  std::uint64_t matches_since_ = 0;              // the first root that has them
  std::vector<OldMatches> old_matches_;
  std::size_t give_up_at_ = detail::archetypes_kept;  // archetypes
};

}  // namespace stoa::storage
