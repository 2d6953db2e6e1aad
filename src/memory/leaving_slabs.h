// Slabs on their way back to the system: what is free of them is given to nobody, so that they empty once their blocks
// are copied elsewhere. It maps and unmaps nothing.
#pragma once

#include "memory/free_blocks.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace stoa::memory {

/// A run of memory from the system. Blocks stand side by side from first() to end().
struct Slab {
  static constexpr std::size_t unit_bytes = 64;

  std::byte* base;
  std::size_t bytes;
  std::byte* carved;             ///< no block was made of what is behind it
  std::size_t bytes_in_use = 0;  ///< as it was counted last

  /// Headers stand at 32 modulo 64, so that payloads stand at 0.
  [[nodiscard]] BlockHeader* first() const noexcept {
    return reinterpret_cast<BlockHeader*>(base + sizeof(BlockHeader));
  }
  [[nodiscard]] BlockHeader* end() const noexcept { return reinterpret_cast<BlockHeader*>(carved); }
  [[nodiscard]] bool contains(const void* at) const noexcept { return at >= base && at < base + bytes; }
  [[nodiscard]] static std::size_t bytes_of(const BlockHeader& block) noexcept {
    return std::size_t{block.units} * unit_bytes;
  }
  [[nodiscard]] static BlockHeader* after(BlockHeader* block) noexcept {
    return reinterpret_cast<BlockHeader*>(reinterpret_cast<std::byte*>(block) + bytes_of(*block));
  }
};

/// Threads: the writer only.
class LeavingSlabs {
 public:
  [[nodiscard]] bool empty() const noexcept { return slabs_.empty(); }
  [[nodiscard]] std::size_t count() const noexcept { return slabs_.size(); }
  [[nodiscard]] bool contains(const void* at) const noexcept { return find(at) != nullptr; }
  /// What is free of them, and what was never carved.
  [[nodiscard]] std::size_t bytes_free() const noexcept;

  /// Room for so many more. Errors: throws std::bad_alloc.
  void reserve(std::size_t more) { slabs_.reserve(slabs_.size() + more); }
  /// Requires: reserve(), and that nothing is carved from it any more.
  void add(const Slab& slab) noexcept;
  /// Takes free blocks out of the lists, looking at `blocks` of them and taking off how many it was; what lies behind
  /// comes into no list any more. True once it has looked at all.
  bool close_some(FreeBlocks& free, std::size_t& blocks) noexcept;

  /// A block comes back. False where it belongs into a list: it is in none of these slabs, or in a part that is not
  /// closed yet.
  [[nodiscard]] bool keep_out(BlockHeader& block) noexcept;
  /// Whether one has no block in use.
  [[nodiscard]] bool any_empty() const noexcept { return any_empty_; }
  /// The end of one that has none, of `bytes` at most and from a multiple of them on, which then is no part of it; with
  /// its beginning it is gone.
  [[nodiscard]] std::span<std::byte> take_empty(std::size_t bytes) noexcept;
  /// Takes one as it is, its free blocks in the lists again. Requires: not any_empty().
  [[nodiscard]] std::optional<Slab> take_open(FreeBlocks& free) noexcept;

 private:
  struct Leaving {
    Slab slab;            // bytes_in_use: of the blocks before `closed`
    BlockHeader* closed;  // free blocks before it are in no list
  };
  [[nodiscard]] static bool is_empty(const Leaving& one) noexcept {
    return one.closed >= one.slab.end() && one.slab.bytes_in_use == 0;
  }
  [[nodiscard]] const Leaving* find(const void* at) const noexcept;

  std::vector<Leaving> slabs_;  // ascending
  bool any_empty_ = false;
};

}  // namespace stoa::memory
