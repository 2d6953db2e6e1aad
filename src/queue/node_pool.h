// The nodes that travel through a queue: reused by all threads, and never given back to the system one by one. It knows
// neither what a node holds nor whether it is queued; a node is either here or away.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "queue/sync.h"

namespace stoa::queue {

/// A free list (Treiber's stack) over blocks of nodes, each block twice as large as the one before. A node is
/// constructed once, with its block, and keeps what it has allocated from one use to the next.
///
/// The head is one word: the number of the top node, and a tag that every push counts up. A pop that read "A, then B"
/// and was overtaken by others that popped A and B and pushed A again finds another tag, and tries again (no ABA,
/// unless exactly a multiple of 2^32 pushes fall between its two accesses). It may read the link of a node that others
/// have meanwhile; nodes outlive that, since blocks are freed only with the pool.
///
/// Nodes may be away when the pool's owner goes. close() ends the free list and counts them, and the release() of the
/// last one says so: who gets `true`, from either, frees the pool.
template <typename Node, typename Sync = SystemSync>
class NodePool {
 public:
  NodePool() = default;
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  /// A node that is the caller's until it is released. Allocates a block when there is none.
  ///
  /// Requires: not closed.
  /// Errors:   std::bad_alloc and std::length_error (2^31 nodes), as a container.
  /// Threads:  any; lock-free but for a new block.
  [[nodiscard]] Node& acquire() {
    if (Cell* cell = pop()) return *cell;
    return grow();
  }

  /// Gives back a node of this pool. Returns true for the last node that came home to a closed pool: nobody uses the
  /// pool any more, and the caller frees it.
  ///
  /// Threads: any; lock-free; no allocation.
  [[nodiscard]] bool release(Node& node) noexcept {
    auto& cell = static_cast<Cell&>(node);
    if (push(cell, cell)) return false;
    // acq_rel: the last one sees that all the others are done with their nodes, and close() with its walk.
    return away_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  /// The owner goes: no acquire() runs or comes any more, release() may. Returns true if all nodes are at home: the
  /// caller frees the pool. Otherwise the pool may be gone when this returns.
  ///
  /// Threads: the owner, once.
  [[nodiscard]] bool close() noexcept {
    // acquire: pairs with the pushes, whose links are walked below. No release: those who find the pool closed need
    // nothing of this thread but its word on away_.
    const std::uint64_t head = head_.exchange(closed, std::memory_order_acquire);
    std::int64_t missing = 0;
    {
      const std::scoped_lock lock(growing_);
      missing = static_cast<std::int64_t>(node_count());
    }
    for (std::uint32_t number = top_of(head); number != no_node; --missing) {
      number = cell_at(number).below.load(std::memory_order_relaxed);  // relaxed: the list is this thread's own now
    }
    // Nodes that came home since the exchange have made the count negative, so that it reaches zero only with the last,
    // or here. acq_rel: as in release().
    return away_.fetch_add(missing, std::memory_order_acq_rel) == -missing;
  }

  /// Calls `visit(Node&)` for every node, at home or away.
  ///
  /// Requires: what `visit` touches is the caller's to touch.
  template <typename Visit>
  void for_each(Visit&& visit) {
    const std::scoped_lock lock(growing_);
    for (std::size_t block = 0; block < block_count_; ++block) {
      for (std::size_t at = 0; at < nodes_of_block(block); ++at) visit(static_cast<Node&>(blocks_[block][at]));
    }
  }

 private:
  // Derived from the node, so that the way back from a node is a cast that the language knows.
  struct Cell : Node {
    // The free node below this one. Atomic, as a late pop() may read it while its new owner pushes it.
    typename Sync::template Atomic<std::uint32_t> below{no_node};
    std::uint32_t number = no_node;  // of this node; constant once its block is there
  };

  static constexpr std::uint32_t no_node = 0;  // nodes are numbered from 1
  static constexpr std::uint64_t closed = ~std::uint64_t{0} >> 32U;
  static constexpr std::size_t first_block_nodes = 32;
  static constexpr std::size_t block_count_max = 26;  // 2^31 - 32 nodes: their numbers stay clear of `closed`

  static constexpr std::uint32_t top_of(std::uint64_t head) { return static_cast<std::uint32_t>(head); }
  static constexpr std::uint64_t head_of(std::uint32_t top, std::uint64_t tag) { return tag << 32U | top; }
  static constexpr std::uint64_t tag_of(std::uint64_t head) { return head >> 32U; }
  static constexpr std::size_t nodes_of_block(std::size_t block) { return first_block_nodes << block; }
  static constexpr std::size_t nodes_before_block(std::size_t block) {
    return nodes_of_block(block) - first_block_nodes;
  }

  Cell& cell_at(std::uint32_t number) noexcept {
    const std::size_t index = number - 1;
    const auto block = static_cast<std::size_t>(std::bit_width(index / first_block_nodes + 1)) - 1;
    return blocks_[block][index - nodes_before_block(block)];
  }

  // Guarded by growing_.
  std::size_t node_count() const noexcept { return nodes_before_block(block_count_); }

  Cell* pop() noexcept {
    // acquire: pairs with the swap in push(): the top node's link is there, its last user is done with it, and, for
    // the first time, its block is there.
    std::uint64_t head = head_.load(std::memory_order_acquire);
    while (top_of(head) != no_node) {
      assert(head != closed);
      Cell& cell = cell_at(top_of(head));
      // relaxed: came with the head. If the node has left the list since, the value may be any and the swap fails.
      const std::uint32_t below = cell.below.load(std::memory_order_relaxed);
      // acquire on failure: as the load. On success the tag says that this is the head that was acquired, and acquire
      // is only what the compiler asks for, no weaker than on failure. No release: the list below was released by those
      // who pushed it, and a read-modify-write passes that on.
      if (head_.compare_exchange_weak(head, head_of(below, tag_of(head)), std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        return &cell;
      }
    }
    return nullptr;
  }

  // Pushes the list from `top` down to `bottom`, linked already. Returns false where the pool is closed.
  bool push(Cell& top, Cell& bottom) noexcept {
    // relaxed, here and on failure: the word is compared and stored, never followed.
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed) return false;
      bottom.below.store(top_of(head), std::memory_order_relaxed);  // relaxed: published by the swap
      // release: pairs with the acquires in pop() and close(); link, block and the last user's accesses are behind it.
    } while (!head_.compare_exchange_weak(head, head_of(top.number, tag_of(head) + 1), std::memory_order_release,
                                          std::memory_order_relaxed));
    return true;
  }

  Node& grow() {
    const std::scoped_lock lock(growing_);
    if (Cell* cell = pop()) return *cell;  // another thread has grown the pool meanwhile, or a node came home
    if (block_count_ == block_count_max) throw std::length_error("stoa::queue::NodePool: 2^31 nodes are away");
    const std::size_t count = nodes_of_block(block_count_);
    auto fresh = std::make_unique<Cell[]>(count);
    for (std::size_t at = 0; at < count; ++at) {
      fresh[at].number = static_cast<std::uint32_t>(node_count() + at + 1);
      // relaxed: published by push().
      if (at + 1 < count) fresh[at].below.store(fresh[at].number + 1, std::memory_order_relaxed);
    }
    blocks_[block_count_] = std::move(fresh);
    Cell* const block = blocks_[block_count_++].get();
    (void)push(block[1], block[count - 1]);  // not closed, as this is an acquire()
    return block[0];
  }

  // Alone on its line: all threads write it.
  alignas(cache_line_bytes) typename Sync::template Atomic<std::uint64_t> head_{head_of(no_node, 0)};
  // Nodes still to come home after close(); before it, less those that are home since its exchange.
  alignas(cache_line_bytes) typename Sync::template Atomic<std::int64_t> away_{0};
  // Each pointer is set once, under growing_, and read without it by those who got a node's number from the head.
  std::array<std::unique_ptr<Cell[]>, block_count_max> blocks_;
  std::size_t block_count_ = 0;  // guarded by growing_
  std::mutex growing_;
};

}  // namespace stoa::queue
