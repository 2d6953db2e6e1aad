// Deadlines: points of the steady clock.
#pragma once

#include <chrono>

namespace stoa::detail {

using SteadyTime = std::chrono::steady_clock::time_point;  ///< as a deadline, max() is none

/// Looks at the clock, unless there is no deadline: a look takes some 20 ns.
[[nodiscard]] inline bool is_past(SteadyTime deadline) {
  return deadline != SteadyTime::max() && std::chrono::steady_clock::now() > deadline;
}

}  // namespace stoa::detail
