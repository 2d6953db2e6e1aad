// Publishes roots and pins them: where the writer's work becomes visible, all tables at once, and where what no reader
// can reach any more goes back to the pool. It knows nothing of what a root holds but the entities that ended.
#pragma once

#include "memory/page_pool.h"
#include "memory/pins.h"
#include "memory/reclaimer.h"
#include "storage/entity_allocator.h"
#include "storage/write_buffer.h"

#include <stoa/detail/world.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace stoa::storage {

/// What a snapshot holds: a root, and the slot that keeps it.
struct PinnedRoot {
  const Root* root = nullptr;
  memory::PinSlot* slot = nullptr;
};

class BufferManager {
 public:
  BufferManager(detail::WorldInfo world, memory::PoolOptions pool);
  BufferManager(const BufferManager&) = delete;
  BufferManager& operator=(const BufferManager&) = delete;

  [[nodiscard]] const detail::WorldInfo& world() const noexcept { return world_; }
  /// For reserving; what becomes of the ids is told here.
  [[nodiscard]] EntityAllocator& entities() noexcept { return entities_; }
  [[nodiscard]] memory::Pins& pins() noexcept { return pins_; }

  /// Pins the newest root. Threads: any; wait-free after a thread's first.
  [[nodiscard]] PinnedRoot pin();
  [[nodiscard]] Version version() const noexcept {
    // seq_cst: pairs with publish(); a snapshot taken next has at least this version. And it is the look of a sleeper
    // that waits for a version by a doorbell.
    return version_.load(std::memory_order_seq_cst);
  }

  // What follows is the writer's.

  /// The buffer that the next transactions go to; always begun.
  [[nodiscard]] WriteBuffer& write_buffer() noexcept { return buffer_; }
  /// The id was reserved and will not begin. Its index comes back after offer_burnt().
  void burn(Entity entity) noexcept;
  void offer_burnt() noexcept { entities_.offer_burnt(buffer_.root()); }
  /// The newest root, and those after it, are of that line of versions. Errors: throws std::bad_alloc.
  void begin_history(const detail::HistoryId& history);
  /// After recovery, and where the database has followed another: ids go on from those that the write buffer has.
  void resume_entities(EntityAllocator::Unused unused = EntityAllocator::Unused::offered);
  /// Sees to it that commit_batch() will allocate nothing that it needs. Errors: throws std::bad_alloc.
  void prepare_commit();
  /// Seals the write buffer and makes it the newest root, then begins the next. `ended` are the entities that ended in
  /// it. Requires: prepare_commit() since the last one.
  void commit_batch(Version version, const std::vector<Entity>& ended);
  /// Whether commit_batch() put off giving memory back: with many pins it does not look at all of them each time, where
  /// nobody reads it waits for some KiB, and to the system it gives little at a time.
  [[nodiscard]] bool is_behind() const noexcept { return behind_ || pool_.is_to_give_back(); }
  /// Does what was put off, or some of it. For a moment when nobody waits for the writer.
  void catch_up();
  /// For statistics: what memory() says from here on. A commit does so by itself.
  void note_memory() noexcept;

  /// A step of compaction: of that under way, or of a new one. What it did becomes visible with the next
  /// commit_batch(), which is to come before the next step. Requires: prepare_commit(), and that nothing was written
  /// since the last commit. Errors: throws std::bad_alloc; the world is as it was, and compaction under way.
  [[nodiscard]] Compactor::Came compact_some(detail::SteadyTime until);
  /// Gives it up. What was done stands.
  void stop_compaction() noexcept;
  [[nodiscard]] bool is_compacting() const noexcept { return buffer_.compactor().is_running(); }
  /// Whether so much of what is reserved is free, and more than the last compaction left, that another one pays.
  [[nodiscard]] bool wants_compaction(double free_share) const noexcept;

  struct Memory {
    std::size_t bytes_in_use = 0;    ///< by what lives, what is retired and pinned, and what waits to be given back
    std::size_t bytes_retired = 0;   ///< held back by pins alone
    std::size_t bytes_reserved = 0;  ///< from the system
    std::uint64_t pin_count = 0;
    std::uint64_t oldest_root = 0;  ///< root number of the oldest pin; 0 where there is none
    std::uint64_t newest_root = 0;
    std::uint64_t system_allocations = 0;
    std::uint64_t bytes_given_back = 0;  ///< to the system, since the start
    memory::PageWriter::Moved moved;     ///< by compaction, since the start
    std::uint64_t archetypes_dropped = 0;
    std::uint64_t compactions_begun = 0;
    std::uint64_t compactions_ended = 0;  ///< of these; also those without success
  };
  /// As of the last commit. Threads: any.
  [[nodiscard]] Memory memory() const noexcept;
  /// Of the bytes that are retired, those of the table. Threads: any.
  [[nodiscard]] std::size_t bytes_retired(TableId table) const noexcept {
    return reclaimer_.bytes_held(account_of(table));
  }

 private:
  void publish(const Root& root);
  [[nodiscard]] bool reclaim_pays() const noexcept;
  [[nodiscard]] bool see_pins() noexcept;
  void reclaim();
  void fold_dead_slots() noexcept;
  [[nodiscard]] std::size_t bytes_free() const noexcept;
  void end_compaction() noexcept;

  detail::WorldInfo world_;
  memory::PagePool pool_;
  memory::Pins pins_;
  EntityAllocator entities_;
  WriteBuffer buffer_;

  // Readers load these two; nothing that is written more often shares their line.
  alignas(64) std::atomic<const Root*> newest_{nullptr};
  std::atomic<std::uint64_t> newest_seq_{0};
  std::atomic<Version> version_{0};

  alignas(64) memory::Reclaimer reclaimer_;
  memory::PinSet pin_set_;
  std::vector<const Root*> live_roots_;  // ascending; the published ones whose blocks may be looked into
  void* next_root_ = nullptr;            // a block for the root that commit_batch() will publish
  std::uint64_t next_root_id_ = 0;       // where divisible by root_ids_together: none is left
  bool behind_ = false;                  // a reclaim was put off
  std::size_t bytes_that_wait_;          // where nobody reads; little beside a slab
  std::size_t free_left_ = 0;            // by the last compaction

  // Statistics: written by the writer after each commit, read by anyone.
  std::atomic<std::size_t> bytes_in_use_{0};
  std::atomic<std::size_t> bytes_retired_{0};
  std::atomic<std::size_t> bytes_reserved_{0};
  std::atomic<std::uint64_t> pin_count_{0};
  std::atomic<std::uint64_t> oldest_root_{0};
  std::atomic<std::uint64_t> system_allocations_{0};
  std::atomic<std::uint64_t> bytes_given_back_{0};
  std::atomic<std::uint64_t> blocks_moved_{0};
  std::atomic<std::uint64_t> bytes_moved_{0};
  std::atomic<std::uint64_t> archetypes_dropped_{0};
  std::atomic<std::uint64_t> compactions_begun_{0};
  std::atomic<std::uint64_t> compactions_ended_{0};
};

}  // namespace stoa::storage
