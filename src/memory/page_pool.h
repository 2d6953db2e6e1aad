// Blocks of memory for pages, nodes and blobs: exact sizes carved from slabs that grow exponentially. It knows neither
// what a block holds nor who may still read it: that is the reclaimer's part.
#pragma once

#include "memory/free_blocks.h"

#include <stoa/detail/page.h>

#include <cstddef>
#include <cstdint>
#include <limits>
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
  [[nodiscard]] std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
  [[nodiscard]] std::size_t bytes_reserved() const noexcept { return bytes_reserved_; }  ///< from the system
  /// Slabs and large blocks taken from the system since the start; steady where a steady load is.
  [[nodiscard]] std::uint64_t system_allocations() const noexcept { return system_allocations_; }

 private:
  static constexpr std::size_t unit_bytes = 64;

  struct Slab {
    std::byte* base;
    std::size_t bytes;
    std::byte* carved;  // blocks stand side by side from the first one's header to here
  };
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
  void free_rest(Room& room) noexcept;
  BlockHeader* allocate_large(std::uint32_t units);
  void release_large(BlockHeader* block) noexcept;
  void unmap_large(BlockHeader* block) noexcept;

  PoolOptions options_;
  FreeBlocks free_;
  std::vector<Slab> slabs_;
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
  std::uint64_t system_allocations_ = 0;
};

}  // namespace stoa::memory
