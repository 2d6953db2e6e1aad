// Whether the writer had better wait a moment before it begins a batch.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace stoa::txn {

/// Threads that slept until a batch was answered come back soon, each with its next transaction. Where a commit is
/// slow, a disk's sync say, a batch that begins without them keeps them waiting for two: its own commit and theirs. So
/// as many are waited for as were woken, for an eighth of what the commit took: what they would lose is more, and a
/// batch is never later by more than that.
///
/// Threads: the writer.
class Returning {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void note_commit(std::chrono::nanoseconds took) noexcept { patience_ = std::min(took / 8, patience_max); }
  /// The batch was answered, which woke so many threads.
  void note_answers(std::size_t woken, Time now) noexcept {
    woken_ = woken;
    until_ = now + patience_;
  }
  /// Those who came before the answers, or are still there, share the batch in any case. Whoever asks does so once for
  /// a batch.
  [[nodiscard]] std::size_t wanted_beside(std::size_t queued) noexcept {
    const std::size_t wanted = woken_ == 0 ? 0 : queued + woken_;
    woken_ = 0;
    return wanted;
  }
  [[nodiscard]] Time until() const noexcept { return until_; }

 private:
  // A thread is back in some ten microseconds, or it has other things to do.
  static constexpr std::chrono::nanoseconds patience_max{200'000};

  std::chrono::nanoseconds patience_{};
  std::size_t woken_ = 0;
  Time until_{};
};

}  // namespace stoa::txn
