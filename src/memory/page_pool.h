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
};

/// The header of a block from its payload. Readers hold payloads as const; the header is the writer's alone.
[[nodiscard]] inline BlockHeader* header_of(const void* payload) noexcept {
  return static_cast<BlockHeader*>(const_cast<void*>(payload)) - 1;
}
[[nodiscard]] inline void* payload_of(BlockHeader* header) noexcept { return header + 1; }

/// Threads: the writer only.
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

  void* carve(std::uint32_t units);
  void grow(std::size_t at_least);
  void* allocate_large(std::uint32_t units);

  PoolOptions options_;
  std::vector<BlockHeader*> free_;  // by units
  std::vector<Slab> slabs_;
  std::byte* carve_at_ = nullptr;
  std::byte* carve_end_ = nullptr;
  std::size_t slab_bytes_next_;
  std::size_t bytes_in_use_ = 0;
  std::size_t bytes_reserved_ = 0;
  std::uint64_t system_allocations_ = 0;
};

}  // namespace stoa::memory
