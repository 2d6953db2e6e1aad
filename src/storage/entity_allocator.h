// Gives out entity ids. It stands outside the versions: what it has given out it never gives out again, whatever
// becomes of the transaction. Which entities are alive is the root's knowledge, not its.
#pragma once

#include "memory/pins.h"

#include <stoa/detail/world.h>
#include <stoa/entity.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace stoa::storage {

/// Fresh indices come from a counter; those of ended entities come back, with the next generation, through a ring that
/// only the writer fills and any thread takes from. An index comes back only when no pinned root has its entity alive.
/// Where there is no memory to remember an index, it does not come back before the database is opened again.
class EntityAllocator {
 public:
  static constexpr std::uint32_t index_max = 0xFFFF'FFFEU;

  EntityAllocator();

  /// A new id; null once all 2^32 indices are in use.
  /// Threads: any; lock-free, no allocation.
  [[nodiscard]] Entity reserve() noexcept;

  /// The entity ended in root `root_seq`; its index waits until no pin needs it. Threads: writer.
  void ended(Entity entity, std::uint64_t root_seq) noexcept;
  /// The id was reserved and never committed: it is burnt, its index may come back at once. Threads: writer.
  void burn(Entity entity) noexcept;
  /// After recovery: goes on from the ids that the root has. Every index below its slot_count that is not alive comes
  /// back, with the generation after its last one; a run of indices that were never used is kept as a run.
  /// Threads: the only one there is.
  void resume(const detail::Root& root);

  /// Offers again the indices that no pin in `pins` holds. `alive_in` says whether the pinned root with that number has
  /// the entity alive. Threads: writer, after a root was published.
  void recycle(const memory::PinSet& pins, const std::function<bool(std::uint64_t, Entity)>& alive_in) noexcept;

 private:
  struct Ended {
    Entity entity;
    std::uint64_t root_seq;
  };
  struct Run {
    std::uint32_t first;
    std::uint32_t end;
  };
  struct Bucket {
    std::uint64_t pin;  // 0: held by a pin under way
    std::vector<Ended> entities;
  };

  static constexpr std::size_t ring_size = 4096;

  void offer(Entity entity) noexcept;
  [[nodiscard]] Entity next_free() noexcept;
  void refill() noexcept;
  void hold(std::uint64_t pin, const Ended& ended) noexcept;
  void keep_list(std::vector<Ended>& list) noexcept;

  alignas(64) std::atomic<std::uint64_t> next_index_{0};
  alignas(64) std::atomic<std::uint64_t> take_at_{0};  // positions of the ring; both only grow
  alignas(64) std::atomic<std::uint64_t> fill_at_{0};
  std::unique_ptr<std::atomic<std::uint64_t>[]> ring_;

  // Writer only.
  std::vector<Ended> fresh_;
  std::vector<Bucket> held_;                     // ascending by pin
  std::vector<std::vector<Ended>> spare_lists_;  // of buckets that went: kept for their memory
  std::vector<Ended> undecided_;                 // kept for its memory
  std::vector<Entity> spare_;                    // free, and not in the ring because it was full
  std::vector<Run> unused_;                      // indices that no entity ever had, left over by recovery
};

}  // namespace stoa::storage
