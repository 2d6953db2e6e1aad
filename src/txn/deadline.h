// A point in time that work must not pass, looked at cheaply.
#pragma once

#include <chrono>
#include <cstddef>

namespace stoa::txn {

/// Looks at the clock now and then.
class Deadline {
 public:
  static constexpr std::size_t operations_between_looks = 64;

  explicit Deadline(std::chrono::steady_clock::time_point at = std::chrono::steady_clock::time_point::max())
      : at_(at) {}

  [[nodiscard]] std::chrono::steady_clock::time_point at() const { return at_; }
  /// Whether it has passed, as far as it looked, when so many more operations are done.
  [[nodiscard]] bool passed_after(std::size_t operations) {
    if (at_ == std::chrono::steady_clock::time_point::max()) return false;
    done_ += operations;
    if (done_ < operations_between_looks) return false;
    done_ = 0;
    return std::chrono::steady_clock::now() > at_;
  }

 private:
  std::chrono::steady_clock::time_point at_;
  std::size_t done_ = 0;
};

}  // namespace stoa::txn
