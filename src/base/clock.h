// The two clocks a database reads, injected so that a run can be replayed. Order never depends on either.
#pragma once

#include <cstdint>

namespace stoa {

/// Threads: any.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  /// Nanoseconds since 1970 (UTC): a label for people; it may jump either way.
  [[nodiscard]] virtual std::int64_t now_wall_ns() const = 0;
  /// Nanoseconds since some fixed moment; never goes back: for deadlines and latencies.
  [[nodiscard]] virtual std::int64_t now_steady_ns() const = 0;
};

/// The operating system's clocks.
[[nodiscard]] const Clock& system_clock();

}  // namespace stoa
