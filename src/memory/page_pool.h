// Blocks of memory for pages, nodes and blobs: exact size classes carved from slabs that grow exponentially. It knows
// neither what a block holds nor who may still read it: that is the reclaimer's part.
#pragma once

#include <stoa/detail/page.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stoa::memory {

using detail::BlockHeader;

struct PoolOptions {
  std::size_t slab_bytes_first = std::size_t{256} << 10U;
  double slab_growth = 2.0;
  std::size_t slab_bytes_max = std::size_t{64} << 20U;
  std::size_t spare_bytes = std::size_t{16} << 20U;
};

/// The header of a block from its payload. Readers hold payloads as const; the header is the writer's alone.
[[nodiscard]] inline BlockHeader* header_of(const void* payload) noexcept {
  return static_cast<BlockHeader*>(const_cast<void*>(payload)) - 1;
}
[[nodiscard]] inline void* payload_of(BlockHeader* header) noexcept { return header + 1; }

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
  static constexpr std::size_t pooled_units_max = 4096;  // 256 KiB: larger blocks come from the system one by one

  struct Slab {
    std::byte* base;
    std::size_t bytes;
  };
  /// What of a slab no block was carved from yet.
  struct Room {
    std::byte* at = nullptr;
    std::byte* end = nullptr;
    [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(end - at); }
  };

  void* carve(std::uint32_t units);
  void grow(std::size_t at_least);
  std::byte* map_slab(std::size_t bytes);
  void carve_from(Room room) noexcept;
  void* allocate_large(std::uint32_t units);

  PoolOptions options_;
  std::vector<BlockHeader*> free_;  // by units
  std::vector<Slab> slabs_;
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
