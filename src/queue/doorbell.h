// How a thread sleeps until others have something for it, and how they wake it: without lost wake-ups, and without a
// system call while nobody sleeps. It does not carry the something: that is a queue, or a number.
#pragma once

#include "queue/sync.h"

namespace stoa::queue {

/// A sleeper announces its sleep, looks once more for work, and sleeps; a ringer publishes work, then looks for
/// announcements. No wake-up is lost, because four accesses are seq_cst and so stand in one order that all threads
/// agree on:
///
///     ringer:   publish the work (W), then load the count of announcements (L) in ring();
///     sleeper:  announce (A) in wait(), then look for work (R).
///
/// If L does not see the announcement then L is before A, so W < L < A < R, and R sees the work. Otherwise the ringer
/// changes the word that the sleeper sleeps on, then wakes all who sleep on it. The sleeper has read the word before it
/// announced, so not as the ringer left it: either it sleeps by the time of the wake-up, or the futex does not let it.
///
/// Relies on its users: the work is published by a seq_cst write and looked for by a seq_cst load (MpscQueue::push and
/// empty are such).
///
/// A ringer says that announcements are served once it has woken them, and only then do others leave them to it: one
/// that is suspended anywhere in ring() keeps nobody asleep whom another rings for. Any number may sleep; all of them
/// wake.
template <typename Sync = SystemSync>
class BasicDoorbell {
 public:
  BasicDoorbell() = default;
  BasicDoorbell(const BasicDoorbell&) = delete;
  BasicDoorbell& operator=(const BasicDoorbell&) = delete;

  /// Wakes all who sleep. Call it after every publication of work.
  ///
  /// Threads: any; wait-free; while nobody sleeps, two loads of a line that nobody writes.
  void ring() noexcept {
    // seq_cst: L of the class comment.
    const std::uint64_t announced = announced_.load(std::memory_order_seq_cst);
    // relaxed: a number too old costs a spare wake-up; one as high as `announced` says that a ringer which saw those
    // announcements too has changed the word and woken since.
    if (served_.load(std::memory_order_relaxed) >= announced) return;
    // relaxed: passes nothing on. A sleeper looks for work with its own seq_cst load; and L, which saw its
    // announcement, puts this change after its read of the word.
    rung_.fetch_add(1, std::memory_order_relaxed);
    Sync::wake_all(rung_);
    // relaxed: as its load. A ringer that comes late may set it back, which costs a spare wake-up.
    served_.store(announced, std::memory_order_relaxed);
  }

  /// Returns true as soon as `has_work()` does, false if it still does not when `deadline` has passed.
  /// Spins for as long as `spin_most` before it sleeps, where there is a second core: for one at a time.
  ///
  /// Threads: any, any number at once.
  template <typename HasWork>
  bool wait(HasWork&& has_work, std::chrono::nanoseconds spin_most = {}, Deadline deadline = no_deadline) {
    if (has_work() || Sync::spin(has_work, spin_most, deadline)) return true;
    for (bool in_time = true;;) {
      // relaxed: too old a value costs a spare look, as the futex then does not let it sleep; it cannot be that of a
      // ringer which sees the announcement, as that one changes the word after it.
      const std::uint32_t rung = rung_.load(std::memory_order_relaxed);
      // seq_cst: A of the class comment. One left behind by a thread that did not sleep costs one spare wake-up.
      announced_.fetch_add(1, std::memory_order_seq_cst);
      if (has_work()) return true;
      if (!in_time) return false;
      in_time = Sync::wait(rung_, rung, deadline);
    }
  }

 private:
  // Together on a line, alone: ringers read the first two after every publication, and all are written only around
  // sleeps.
  alignas(cache_line_bytes) typename Sync::template Atomic<std::uint64_t> announced_{0};  // sleeps so far
  typename Sync::template Atomic<std::uint64_t> served_{0};  // of those, how many need no more waking
  typename Sync::template Atomic<std::uint32_t> rung_{0};    // the word to sleep on; 2^32 rings in a moment fool it
};

using Doorbell = BasicDoorbell<>;

}  // namespace stoa::queue
