// Gives out entity ids. It stands outside the versions: what it has given out it never gives out again while it
// lives, whatever becomes of the transaction. Which entities are alive is the root's knowledge, not its.
#pragma once

#include "memory/pins.h"
#include "storage/free_indices.h"

#include <stoa/detail/world.h>
#include <stoa/entity.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace stoa::storage {

/// Fresh indices come from a counter; those of ended entities come back, with the generation after the root's, through
/// a ring that only the writer fills and any thread takes from. An index comes back only when no pinned root has its
/// entity alive. Where there is no memory to remember an index, it does not come back before the database is opened
/// again.
class EntityAllocator {
 public:
  static constexpr std::uint32_t index_max = 0xFFFF'FFFEU;

  EntityAllocator();

  /// A new id; null once all 2^32 indices are in use.
  /// Threads: any; lock-free, no allocation.
  [[nodiscard]] Entity reserve() noexcept;
  /// As many new ids as `out` has room for, most of them in one step. Returns how many there are: fewer only once all
  /// indices are in use. Threads: as above.
  [[nodiscard]] std::size_t reserve(std::span<Entity> out) noexcept;

  /// The entity ended in root `root_seq`; its index waits until no pin needs it. Threads: writer.
  void ended(Entity entity, std::uint64_t root_seq) noexcept;
  /// Entities that had ended are alive again; `revived` is sorted. Threads: writer.
  void forget_ends_of(std::span<const Entity> revived) noexcept;
  /// The id was reserved and never committed, of which no root knows; its index may come back at once, after
  /// offer_burnt() or the next recycle(). Threads: writer.
  void burn(Entity entity) noexcept;
  /// `root` is the newest. Threads: writer.
  void offer_burnt(const detail::Root& root) noexcept;
  /// What becomes of indices that no entity ever had: kept back where somebody here may have reserved them.
  enum class Unused : std::uint8_t { offered, kept_back };
  /// After recovery, and after entities came from elsewhere: goes on from the ids that the root has. Every index below
  /// its slot_count that is not alive comes back, with the generation after its last one; those that were never used
  /// as `unused` says, a run of them as a run. Requires: ended() and recycle() have had nothing to do.
  /// Threads: writer.
  void resume(const detail::Root& root, Unused unused = Unused::offered);
  /// Entities came from elsewhere: new indices begin behind those. Threads: writer.
  void skip_to(std::uint32_t slot_count) noexcept;

  /// Offers again the indices that no pin in `pins` holds. `alive_in` says whether the pinned root with that number has
  /// the entity alive; `root` is the newest. Threads: writer, after a root was published.
  void recycle(const memory::PinSet& pins, const detail::Root& root,
               const std::function<bool(std::uint64_t, Entity)>& alive_in) noexcept;

  /// The number of a slot page that no entity has an index of, alive or reserved. None of them is given out until the
  /// page comes back by folded(), whether it was folded or not. Threads: writer.
  [[nodiscard]] std::optional<std::uint32_t> take_dead_page() noexcept { return free_.take_complete(); }
  void folded(std::uint32_t page) noexcept;

 private:
  struct Ended {
    Entity entity;
    std::uint64_t root_seq;
  };
  struct Bucket {
    std::uint64_t pin;  // 0: held by a pin under way
    std::vector<Ended> entities;
  };

  /// Its cells are positions modulo its size, a power of two.
  struct Ring {
    explicit Ring(std::size_t cells) : size(cells), ids(std::make_unique<std::atomic<std::uint64_t>[]>(cells)) {}
    [[nodiscard]] std::atomic<std::uint64_t>& cell(std::uint64_t at) const noexcept { return ids[at & (size - 1)]; }

    std::size_t size;
    std::unique_ptr<std::atomic<std::uint64_t>[]> ids;
  };

  static constexpr std::size_t ring_first = 4096;
  static constexpr std::size_t ring_max = std::size_t{1} << 24U;
  static constexpr std::size_t recall_first = 4 * ring_first;

  std::size_t take_offered(std::span<Entity> out) noexcept;
  void set_free(Entity entity) noexcept;
  [[nodiscard]] Entity next_free(const detail::Root& root) noexcept;
  void refill(const detail::Root& root) noexcept;
  void grow_ring_if_drained() noexcept;
  void make_ring(std::size_t size);
  void recall(const detail::Root& root) noexcept;
  void hold(std::uint64_t pin, const Ended& ended) noexcept;
  void keep_list(std::vector<Ended>& list) noexcept;

  alignas(64) std::atomic<std::uint64_t> next_index_{0};
  alignas(64) std::atomic<std::uint64_t> take_at_{0};  // positions of the ring; both only grow
  alignas(64) std::atomic<std::uint64_t> fill_at_{0};
  std::atomic<const Ring*> ring_{nullptr};

  // Writer only.
  std::vector<std::unique_ptr<const Ring>> rings_;  // the last is in use
  std::vector<Ended> fresh_;
  std::vector<Bucket> held_;                     // ascending by pin
  std::vector<std::vector<Ended>> spare_lists_;  // of buckets that went: kept for their memory
  bool any_came_back_ = false;                   // by forget_ends_of()
  std::vector<Ended> undecided_;                 // kept for its memory
  FreeIndices free_;                             // and not in the ring; they go on from the root
  std::vector<Entity> after_burnt_;              // the same, but these are the next ids, above what the root has
  std::size_t recall_at_ = recall_first;         // so many scattered indices
};

}  // namespace stoa::storage
