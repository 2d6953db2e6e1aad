// What the lock-free parts of this layer stand on: atomics, and sleeping on one. They take it as a template parameter
// so that a test can put a scheduler in its place and walk their interleavings; programs use SystemSync. This is the
// only file that knows Linux's futex.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace stoa::queue {

inline constexpr std::size_t cache_line_bytes = 64;

/// Absolute, so that a wait that wakes early goes back to sleep without any arithmetic.
using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline no_deadline = Deadline::max();

/// The moment `timeout` from now; no_deadline where it is too far away to be told.
[[nodiscard]] inline Deadline deadline_after(std::chrono::nanoseconds timeout,
                                             Deadline now = std::chrono::steady_clock::now()) noexcept {
  return timeout < no_deadline - now ? now + timeout : no_deadline;
}

struct SystemSync {
  template <typename T>
  using Atomic = std::atomic<T>;

  /// Sleeps while `word` is `expected`, at most until `deadline`. May return for no reason: the caller looks again.
  /// Returns false once the deadline has passed.
  static bool wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline) noexcept;

  /// Wakes all who sleep on `word`. Uses its address only and never reads it: memory that has a new owner, or none, is
  /// no harm. At worst a sleeper of the new owner wakes for nothing, as it may at any time.
  static void wake_all(const std::atomic<std::uint32_t>& word) noexcept;

  /// Looks for `done()` before a sleep, for as long as `most`, where there is a core to spare; false if it was not
  /// seen. In time and not in looks: a pause takes ten cycles on one processor and 140 on another. After a while it
  /// lets others have the core between two looks.
  template <typename Done>
  static bool spin(Done&& done, std::chrono::nanoseconds most, Deadline deadline = no_deadline) {
    if (most.count() <= 0 || !can_spin()) return false;
    constexpr int looks = 16;  // for one at the clock, which costs as much as two
    Deadline now = std::chrono::steady_clock::now();
    const Deadline yields_from = now + spin_short;
    const Deadline end = std::min(now + most, deadline);
    do {
      for (int i = 0; i < looks; ++i) {
        pause();
        if (done()) return true;
      }
      now = std::chrono::steady_clock::now();
      if (now >= yields_from) yield();
    } while (now < end);
    return false;
  }

  /// One wait, of those who may be more than there are cores, for what is mostly there soon: as many spin as leave a
  /// core to whom they wait for, and others do not. It is for long only where the last wait of the process that went
  /// beyond a moment was not much longer than that.
  class Wait {
   public:
    template <typename Done>
    bool spin(Done&& done, Deadline deadline = no_deadline) {
      if (!take_turn()) return false;
      const bool seen = SystemSync::spin(done, spin_most(), deadline);
      end_turn();
      return seen;
    }
    /// What was waited for came after all, during a sleep.
    void note_end() const noexcept { note_wait(std::chrono::steady_clock::now() - began_); }

   private:
    Deadline began_ = std::chrono::steady_clock::now();
  };

  /// Lets the system run another thread on this core, if one is ready.
  static void yield() noexcept;

 private:
  // A commit that does not sync is there by then; a sleep and its end cost more than twice as much.
  static constexpr std::chrono::microseconds spin_short{20};
  // A disk's sync, if it is a fast one. A sleep there would end a third of its time later than the sync, as a core of a
  // virtual machine that went to sleep wakes so slowly.
  static constexpr std::chrono::microseconds spin_long{250};

  [[nodiscard]] static std::chrono::nanoseconds spin_most() noexcept;
  static void note_wait(std::chrono::nanoseconds took) noexcept;
  [[nodiscard]] static bool can_spin() noexcept;
  [[nodiscard]] static bool take_turn() noexcept;
  static void end_turn() noexcept;

  /// Tells the core that this is a spin loop.
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
};

}  // namespace stoa::queue
