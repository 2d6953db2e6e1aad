// Counters that one thread writes and any reads.
#pragma once

#include <atomic>

namespace stoa {

/// Adds without a read-modify-write, which would wait until all writes before it have left the core.
/// Requires: no other thread writes the count.
template <typename Number>
void count_alone(std::atomic<Number>& count, Number by) noexcept {
  // relaxed, both: statistics, which order nothing.
  count.store(count.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace stoa
