// How a thread sleeps until others have something for it, and how they wake it: without lost wake-ups, and without a
// system call while nobody sleeps. It does not carry the something: that is a queue, or a number.
#pragma once

#include "queue/sync.h"

namespace stoa::queue {

/// A sleeper announces its sleep, looks once more for work, and sleeps; a ringer publishes work, then looks for a
/// sleeper. No wake-up is lost, because four accesses are seq_cst and so stand in one order that all threads agree on:
///
///     ringer:   publish the work (W), then load the word (L) in ring();
///     sleeper:  announce in the word (A) in wait(), then look for work (R).
///
/// If L does not see the announcement then L is before A, so W < L < A < R, and R sees the work. Otherwise the ringer
/// changes the word, and the futex does not let the sleeper sleep on a word that has changed.
///
/// Relies on its users: the work is published by a seq_cst write and looked for by a seq_cst load (MpscQueue::push and
/// empty are such).
///
/// The word's low bit says that somebody sleeps; ring() adds one to a word that has it, which clears the bit and counts
/// in the bits above. The count keeps a sleeper, delayed between its look and its sleep, from taking the announcement
/// of another for its own; it would have to be rung 2^31 times in that moment to be fooled. Any number may sleep; all
/// of them wake.
template <typename Sync = SystemSync>
class BasicDoorbell {
 public:
  BasicDoorbell() = default;
  BasicDoorbell(const BasicDoorbell&) = delete;
  BasicDoorbell& operator=(const BasicDoorbell&) = delete;

  /// Wakes all who sleep. Call it after every publication of work.
  ///
  /// Threads: any; while nobody sleeps, one load of a line that nobody writes.
  void ring() noexcept {
    // seq_cst: L of the class comment.
    std::uint32_t word = word_.load(std::memory_order_seq_cst);
    if ((word & sleeping) == 0) return;
    // relaxed: passes nothing on; a sleeper looks for work with its own seq_cst load, and this load L is already before
    // its next announcement, which will find the word changed. One swap is enough: where it fails, another ringer has
    // changed the word since L and wakes those that L saw, and those that came later look after L.
    if (word_.compare_exchange_strong(word, word + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
      Sync::wake_all(word_);
    }
  }

  /// Returns true as soon as `has_work()` does, false if it still does not when `deadline` has passed.
  /// Looks `spins` times before it sleeps, where there is a second core.
  ///
  /// Threads: any, any number at once.
  template <typename HasWork>
  bool wait(HasWork&& has_work, unsigned spins = 0, Deadline deadline = no_deadline) {
    if (has_work()) return true;
    if (Sync::can_spin()) {
      for (; spins != 0; --spins) {
        Sync::pause();
        if (has_work()) return true;
      }
    }
    for (bool in_time = true;;) {
      // seq_cst: A of the class comment. A bit that is left behind by one that did not sleep costs one spare wake.
      const std::uint32_t word = word_.fetch_or(sleeping, std::memory_order_seq_cst) | sleeping;
      if (has_work()) return true;
      if (!in_time) return false;
      in_time = Sync::wait(word_, word, deadline);
    }
  }

 private:
  static constexpr std::uint32_t sleeping = 1;

  // Alone on its line: ringers read it after every publication, and it is written only around sleeps.
  alignas(cache_line_bytes) typename Sync::template Atomic<std::uint32_t> word_{0};
};

using Doorbell = BasicDoorbell<>;

}  // namespace stoa::queue
