// The unbounded queue from many producers to one consumer. It carries nodes that its users own; it does not sleep
// (Doorbell), bound itself (InFlightLimit) or know what a node holds.
#pragma once

#include "queue/sync.h"

namespace stoa::queue {

/// The link of one queued item, which derives from it.
struct QueueNode {
  QueueNode* next = nullptr;  // the pusher's until push() returns, then the consumer's
};

/// A stack that producers push onto by compare-and-swap and that the consumer takes whole and turns around: what was
/// pushed first comes out first. A producer that is suspended, at whatever instruction, delays nobody: before its swap
/// its node is not there, after it the node is there complete. There is no pop of single nodes, hence no ABA.
template <typename Sync = SystemSync>
class BasicMpscQueue {
 public:
  BasicMpscQueue() = default;
  BasicMpscQueue(const BasicMpscQueue&) = delete;
  BasicMpscQueue& operator=(const BasicMpscQueue&) = delete;

  /// Appends `node`, which from here on is the consumer's. The pusher rings the consumer's Doorbell next, whatever was
  /// in the queue: were it left to the one that found the queue empty, that one, suspended before it rings, would keep
  /// asleep the consumer of all the others' nodes.
  ///
  /// Threads: any; lock-free; no allocation.
  void push(QueueNode& node) noexcept {
    // relaxed: `top` is only compared and stored, never followed; the swap below decides.
    QueueNode* top = top_.load(std::memory_order_relaxed);
    do {
      node.next = top;
      // seq_cst: as release, pairs with take_all(), which then sees the node complete, and, since every push is a
      // read-modify-write of `top_`, all nodes below it; and the push stands before the load in Doorbell::ring() in the
      // one order of all seq_cst accesses. relaxed on failure: as above.
    } while (!top_.compare_exchange_weak(top, &node, std::memory_order_seq_cst, std::memory_order_relaxed));
  }

  /// Takes all that was pushed, oldest first and linked by `next`; nullptr where there is nothing.
  ///
  /// Threads: the consumer only; wait-free but for the walk over what it took.
  [[nodiscard]] QueueNode* take_all() noexcept {
    // acquire: pairs with the swap in push().
    QueueNode* newest = top_.exchange(nullptr, std::memory_order_acquire);
    QueueNode* oldest = nullptr;
    while (newest != nullptr) {
      QueueNode* below = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = below;
    }
    return oldest;
  }

  /// Threads: any; only the consumer can rely on `false`, as only it takes.
  [[nodiscard]] bool empty() const noexcept {
    // seq_cst: the look that Doorbell::wait() takes after it has announced its sleep.
    return top_.load(std::memory_order_seq_cst) == nullptr;
  }

 private:
  // Alone on its line: all producers write it, and what lies beside it must not pay for that.
  alignas(cache_line_bytes) typename Sync::template Atomic<QueueNode*> top_{nullptr};
};

using MpscQueue = BasicMpscQueue<>;

}  // namespace stoa::queue
