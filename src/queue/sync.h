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
  /// seen. In time and not in looks: a pause takes ten cycles on one processor and 140 on another.
  template <typename Done>
  static bool spin(Done&& done, std::chrono::nanoseconds most, Deadline deadline = no_deadline) {
    if (most.count() <= 0 || !can_spin()) return false;
    constexpr int looks = 16;  // for one at the clock, which costs as much as two
    const Deadline end = std::min(std::chrono::steady_clock::now() + most, deadline);
    do {
      for (int i = 0; i < looks; ++i) {
        pause();
        if (done()) return true;
      }
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }

  /// The same for those of whom there may be more than cores: as many spin as leave a core to whom they wait for, and
  /// others do not. After `most` it goes on for as long as `longer`, and lets other threads have the core between two
  /// looks: one that computes keeps it for milliseconds, so that this is for waits that take their time anyway.
  template <typename Done>
  static bool spin_in_turn(Done&& done, std::chrono::nanoseconds most, std::chrono::nanoseconds longer = {},
                           Deadline deadline = no_deadline) {
    if (!take_turn()) return false;
    bool seen = spin(done, most, deadline);
    if (!seen && longer.count() > 0) {
      const Deadline end = std::min(std::chrono::steady_clock::now() + longer, deadline);
      while (!(seen = done()) && std::chrono::steady_clock::now() < end) yield();
    }
    end_turn();
    return seen;
  }

  /// Lets the system run another thread on this core, if one is ready.
  static void yield() noexcept;

 private:
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
