// The free blocks of a pool, by their size. It links them through their headers and knows nothing of slabs.
#pragma once

#include <stoa/detail/page.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace stoa::memory {

using detail::BlockHeader;

/// Lists of blocks of equal size, doubly linked, so that a block that merges with its neighbour can leave its list.
/// While a block is in one of them its `birth` says so, which no root's number does, and `retire` has the block before
/// it. Taking a list's first block touches no other.
///
/// Threads: the writer only.
class FreeBlocks {
 public:
  static constexpr std::uint32_t units_max = 4096;

  [[nodiscard]] static bool is_free(const BlockHeader& block) noexcept { return block.birth == mark; }

  /// It is free, and in no list.
  static void mark_free(BlockHeader& block) noexcept { block.birth = mark; }
  /// Out of its list, and free all the same.
  void set_aside(BlockHeader& block) noexcept {
    take(block);
    mark_free(block);
  }

  /// Requires: `units` is set, and at most units_max.
  void push(BlockHeader& block) noexcept {
    BlockHeader*& head = heads_[block.units];
    block.birth = mark;
    block.next = head;
    if (head == nullptr) {
      filled_[block.units / 64] |= bit(block.units);
    } else {
      head->retire = std::bit_cast<std::uint64_t>(&block);
    }
    head = &block;
  }

  void take(BlockHeader& block) noexcept {
    BlockHeader*& head = heads_[block.units];
    if (head == &block) {
      head = block.next;  // whose `retire` is stale from here on: a first block's is not read
      if (head == nullptr) filled_[block.units / 64] &= ~bit(block.units);
    } else {
      auto* before = std::bit_cast<BlockHeader*>(block.retire);
      before->next = block.next;
      if (block.next != nullptr) block.next->retire = block.retire;
    }
    block.birth = 0;
  }

  /// One of exactly so many units, taken; nullptr where there is none.
  [[nodiscard]] BlockHeader* take_exact(std::uint32_t units) noexcept {
    BlockHeader* block = heads_[units];
    if (block == nullptr) return nullptr;
    take(*block);
    __builtin_prefetch(heads_[units], 1);  // the next to be taken, most likely
    return block;
  }

  /// One of the smallest that have at least so many units, taken; nullptr where there is none.
  [[nodiscard]] BlockHeader* take_at_least(std::uint32_t units) noexcept {
    std::uint64_t word = filled_[units / 64] & (~std::uint64_t{0} << (units % 64));
    for (std::uint32_t at = units / 64;; word = filled_[at]) {
      if (word != 0) return take_exact(at * 64 + static_cast<std::uint32_t>(std::countr_zero(word)));
      if (++at == filled_.size()) return nullptr;
    }
  }

 private:
  static constexpr std::uint64_t mark = ~std::uint64_t{0};
  static constexpr std::uint64_t bit(std::uint32_t units) noexcept { return std::uint64_t{1} << (units % 64); }

  std::array<BlockHeader*, units_max + 1> heads_{};
  std::array<std::uint64_t, units_max / 64 + 1> filled_{};  // which lists have blocks
};

}  // namespace stoa::memory
