// The one-shot answer from the consumer of a queue to the holder of one ticket. It says that the answer is there; what
// the answer is lies beside it in the node that both share.
#pragma once

#include <cassert>

#include "queue/sync.h"

namespace stoa::queue {

/// Who gives a node back to its pool after the ticket was dropped.
enum class Dropped : std::uint8_t {
  writer_recycles,  ///< not answered yet: complete() will return true
  recycle_now,      ///< answered: whoever dropped the ticket does
};

/// What the writer's answer met.
enum class Answered : std::uint8_t {
  held,     ///< the node is the holder's
  woken,    ///< likewise, and a thread slept until it came
  dropped,  ///< nobody holds the ticket: whoever answered recycles the node
};

/// Two parties share a node: the writer until it completes the response, the ticket holder until it drops the ticket.
/// Both set their bit by a read-modify-write of one word, so exactly one of them sees the other's bit already set: the
/// second one, and it recycles the node. The first one's swap is its last access to the node.
///
/// With one exception, which is harmless: complete() may wake a sleeper by the word's address after the holder has
/// woken for another reason, dropped the ticket and recycled the node. See SystemSync::wake_all(): the next user's
/// sleeper wakes for nothing and looks again.
///
/// A ticket may outlive the queue's owner: all responses are completed first, then NodePool::close() counts the nodes
/// that tickets still hold.
///
/// An answer that is to be handed on rather than waited for needs nothing more here: the holder leaves in the node what
/// is to be done, then drops the ticket; whoever recycles the node does it first.
template <typename Sync = SystemSync>
class BasicResponse {
 public:
  BasicResponse() = default;
  BasicResponse(const BasicResponse&) = delete;
  BasicResponse& operator=(const BasicResponse&) = delete;

  /// Threads: the node's only owner, before it is queued.
  void reset() noexcept {
    // relaxed: nobody else has the node; queueing it publishes the word along with the rest.
    word_.store(0, std::memory_order_relaxed);
  }

  /// Answers. Unless the ticket is already dropped the node is no longer the caller's.
  ///
  /// Threads: the writer, once.
  [[nodiscard]] Answered complete() noexcept {
    // acq_rel: release pairs with the loads in done() and wait_until() and with the swap in drop(): the answer beside
    // this word is visible. acquire pairs with drop(): the holder's last access is behind a reuse of the node.
    const std::uint32_t before = word_.fetch_or(done_bit, std::memory_order_acq_rel);
    assert((before & done_bit) == 0);
    if ((before & dropped_bit) != 0) return Answered::dropped;
    if ((before & waiting_bit) == 0) return Answered::held;
    Sync::wake_all(word_);
    return Answered::woken;
  }

  /// Threads: the holder of the ticket, as all that follow.
  [[nodiscard]] bool done() const noexcept {
    // acquire: pairs with complete(); the answer is visible.
    return (word_.load(std::memory_order_acquire) & done_bit) != 0;
  }

  /// `longer` than a moment the thread looks for the answer before it sleeps, where it is known to take about so long.
  void wait(std::chrono::nanoseconds longer = {}) noexcept { (void)wait_until(no_deadline, longer); }

  /// Returns whether the answer came in time.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds timeout, std::chrono::nanoseconds longer = {}) noexcept {
    return done() || (timeout.count() > 0 && wait_until(deadline_after(timeout), longer));
  }

  [[nodiscard]] bool wait_until(Deadline deadline, std::chrono::nanoseconds longer = {}) noexcept {
    if (done()) return true;
    if (Sync::spin_in_turn([this] { return done(); }, spin_most, longer, deadline)) return true;
    for (bool in_time = true; in_time;) {
      // acquire: as in done(). Nothing is released: the bit speaks for itself. It and done_bit are in one word, so
      // either complete() sees this bit and wakes, or this sees done_bit, or the futex finds that the word has changed.
      const std::uint32_t before = word_.fetch_or(waiting_bit, std::memory_order_acquire);
      if ((before & done_bit) != 0) return true;
      in_time = Sync::wait(word_, before | waiting_bit, deadline);
    }
    // acquire: as above. Nobody is to be woken any more, and nobody is taken for one who was.
    return (word_.fetch_and(~waiting_bit, std::memory_order_acquire) & done_bit) != 0;
  }

  /// The holder is done with the node, but for recycling it where the answer says so.
  [[nodiscard]] Dropped drop() noexcept {
    // acq_rel: release pairs with complete(): the holder's last access is behind a reuse of the node; acquire pairs
    // with complete() too: the writer's last access is behind a reuse by this thread.
    const std::uint32_t before = word_.fetch_or(dropped_bit, std::memory_order_acq_rel);
    assert((before & dropped_bit) == 0);
    return (before & done_bit) != 0 ? Dropped::recycle_now : Dropped::writer_recycles;
  }

 private:
  static constexpr std::uint32_t done_bit = 1;
  static constexpr std::uint32_t dropped_bit = 2;
  static constexpr std::uint32_t waiting_bit = 4;
  // A commit that does not sync is there by then; a sleep and its end cost more than twice as much.
  static constexpr std::chrono::microseconds spin_most{20};

  typename Sync::template Atomic<std::uint32_t> word_{0};
};

using Response = BasicResponse<>;

}  // namespace stoa::queue
