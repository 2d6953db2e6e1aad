// When a batch is to end though more is queued. What a batch copies comes free only once it is published: while that is
// little, the next copies are written over what was just read, in the cache; what has grown past the cache costs a trip
// to memory for each line. A batch that grows saves copies only where its transactions come to the same pages again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stoa::txn {

/// Threads: the writer only.
class CopyBound {
 public:
  /// Of copies: with the pages that they were copied from, a part of a second-level cache.
  static constexpr std::uint64_t bytes_max = std::uint64_t{256} << 10U;
  static constexpr std::uint64_t transactions_at_once = 16;

  /// After each transaction, with a count of bytes that only grows. True once the batch has copied much, and
  /// its transactions still copy about as much as the early ones did: then few of them have come to the same pages, and
  /// few of the next ones would.
  [[nodiscard]] bool is_reached(std::uint64_t copied) noexcept {
    if (++transactions_ % transactions_at_once != 0) return false;
    const std::uint64_t group = transactions_ / transactions_at_once;
    if (group == 1) begin_ = copied;  // what they copied was also what every batch needs
    if (group == 2) early_ = copied - begin_;
    if (group <= 2) return false;
    const std::uint64_t bytes = copied - begin_;
    return bytes >= bytes_max && bytes >= early_ * (group - 1) / 4 * 3;
  }

 private:
  std::uint64_t transactions_ = 0;
  std::uint64_t begin_ = 0;  // after the first group of transactions
  std::uint64_t early_ = 0;  // what the second one copied
};

}  // namespace stoa::txn
