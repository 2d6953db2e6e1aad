// Blocks of memory for pages, nodes and blobs: exact sizes carved from slabs that grow exponentially. It knows neither
// what a block holds nor who may still read it: that is the reclaimer's part.
#pragma once

#include "memory/leaving_slabs.h"

#include <stoa/detail/page.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace stoa::memory {

struct PoolOptions {
  std::size_t slab_bytes_first = std::size_t{256} << 10U;
  double slab_growth = 2.0;
  std::size_t slab_bytes_max = std::size_t{64} << 20U;
  std::size_t spare_bytes = std::size_t{16} << 20U;
  std::size_t bytes_max =
      std::numeric_limits<std::size_t>::max();  ///< as if the system had no more, but for the spare slab
};

/// The header of a block from its payload. Readers hold payloads as const; the header is the writer's alone.
[[nodiscard]] inline BlockHeader* header_of(const void* payload) noexcept {
  return static_cast<BlockHeader*>(const_cast<void*>(payload)) - 1;
}
[[nodiscard]] inline void* payload_of(BlockHeader* header) noexcept { return header + 1; }

/// A block that was given back serves the next request of its size. Where sizes drift, so that none comes, free blocks
/// that lie side by side are merged, and larger ones split, before another slab is taken; each time as much is looked
/// at as would be taken. Blocks of more than 256 KiB come from the system one by one; of those given back some are
/// kept, up to a slab's size together.
///
/// Threads: the writer only.
///
/// Beside its slabs it holds a spare one, which nobody has touched, for work that must not fail. It costs address space
/// and no memory before it is needed, and is in no statistics before that.
class PagePool {
 public:
  explicit PagePool(PoolOptions options = {});
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  /// A block whose payload is 64-byte aligned and holds at least `bytes`; its contents are undefined.
  /// Errors: throws std::bad_alloc; the pool is then as before.
  [[nodiscard]] void* allocate(std::size_t bytes, std::uint64_t birth);

  /// Gives a block back. Nobody may read it any more.
  void release(void* payload) noexcept;

  /// Replaces the spare slab where much of it is used up. Where there is no memory for that, it stays as it is.
  void refill_spare() noexcept;
  /// While one lives, blocks come from the spare slab where there is no memory.
  class SpareUse {
   public:
    explicit SpareUse(PagePool& pool) noexcept : pool_(pool) { pool_.may_use_spare_ = true; }
    ~SpareUse() { pool_.may_use_spare_ = false; }
    SpareUse(const SpareUse&) = delete;
    SpareUse& operator=(const SpareUse&) = delete;

   private:
    PagePool& pool_;
  };

  [[nodiscard]] static std::size_t block_bytes(const void* payload) noexcept {
    return std::size_t{header_of(payload)->units} * unit_bytes;
  }
  /// Of a block for a payload of so many bytes.
  [[nodiscard]] static constexpr std::size_t block_bytes_for(std::size_t bytes) noexcept {
    return (bytes + sizeof(BlockHeader) + unit_bytes - 1) / unit_bytes * unit_bytes;
  }
  // Evacuation, in steps of a few blocks: slabs that are at most half in use are to be emptied by whoever knows what
  // points to their blocks. From evacuate() on they get no new ones, and each goes back with its last.

  /// Counts what of each slab is in use, looking at `blocks` blocks and taking off how many it was. True once it has
  /// looked at all; the next call begins anew.
  [[nodiscard]] bool survey_some(std::size_t& blocks) noexcept;
  /// Chooses slabs by the last survey, and gives back what large blocks were kept. False where too little would be
  /// gained. Errors: throws std::bad_alloc; nothing was chosen.
  [[nodiscard]] bool evacuate();
  /// Takes their free blocks out of use, as survey_some() goes. True once it is done: no block of theirs is given out.
  [[nodiscard]] bool close_some(std::size_t& blocks) noexcept;
  /// Gives some of what is empty of them back to the system, as much as takes a part of a millisecond. False where
  /// nothing of it is left.
  bool give_back_some() noexcept;
  [[nodiscard]] bool is_to_give_back() const noexcept { return leaving_.any_empty(); }
  /// Whether the block, or what else it is, lies in a slab that is to be emptied.
  [[nodiscard]] bool is_leaving(const void* at) const noexcept { return leaving_.contains(at); }
  [[nodiscard]] bool is_evacuating() const noexcept { return !leaving_.empty(); }
  /// The slabs that are not empty stay, and serve again. The pool does so by itself where the system has no memory.
  void end_evacuation() noexcept;
  /// Free, and not to be had, being in slabs that are to be emptied.
  [[nodiscard]] std::size_t bytes_leaving() const noexcept { return leaving_.bytes_free(); }

  [[nodiscard]] std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
  [[nodiscard]] std::size_t bytes_reserved() const noexcept { return bytes_reserved_; }  ///< from the system
  /// Given back to the system since the start.
  [[nodiscard]] std::uint64_t bytes_given_back() const noexcept { return bytes_given_back_; }
  /// Slabs and large blocks taken from the system since the start; steady where a steady load is.
  [[nodiscard]] std::uint64_t system_allocations() const noexcept { return system_allocations_; }

 private:
  static constexpr std::size_t unit_bytes = Slab::unit_bytes;

  /// What of a slab no block was carved from yet.
  struct Room {
    std::size_t slab = 0;
    std::byte* at = nullptr;
    std::byte* end = nullptr;
    [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(end - at); }
  };

  BlockHeader* carve(Room& room, std::uint32_t units) noexcept;
  BlockHeader* make_block(std::uint32_t units);
  BlockHeader* split_larger(std::uint32_t units) noexcept;
  void merge_some() noexcept;
  void merge_in(Slab& slab) noexcept;
  void grow(std::size_t at_least);
  Room map_slab(std::size_t bytes);
  [[nodiscard]] Room room_of(std::size_t slab) const noexcept;
  void free_rest(Room& room) noexcept;
  BlockHeader* allocate_large(std::uint32_t units);
  void release_large(BlockHeader* block) noexcept;
  void unmap_large(BlockHeader* block) noexcept;
  void unmap_slab(const Slab& slab) noexcept;
  [[nodiscard]] bool may_leave(std::size_t slab) const noexcept;
  [[nodiscard]] std::optional<std::size_t> next_slab_bytes_after_leaving() const noexcept;
  void let_leave(std::size_t slab) noexcept;

  PoolOptions options_;
  FreeBlocks free_;
  std::vector<Slab> slabs_;
  LeavingSlabs leaving_;      // and not in slabs_
  std::size_t surveyed_ = 0;  // so many of slabs_, and of the next one the blocks up to:
  BlockHeader* survey_at_ = nullptr;
  std::size_t survey_in_use_ = 0;
  std::size_t merged_next_ = 0;           // the slab that is looked at next
  std::size_t released_ = 0;              // bytes, since slabs were looked at
  std::vector<BlockHeader*> large_kept_;  // oldest first
  std::size_t large_bytes_kept_ = 0;
  Room room_;
  Room spare_;
  bool may_use_spare_ = false;
  bool spare_is_new_ = false;  // nobody has touched it
  std::size_t slab_bytes_next_;
  std::size_t bytes_in_use_ = 0;
  std::size_t bytes_reserved_ = 0;
  std::uint64_t bytes_given_back_ = 0;
  std::uint64_t system_allocations_ = 0;
};

}  // namespace stoa::memory
