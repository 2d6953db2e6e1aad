// Snapshots that the database itself holds for a while, so that programs can look back. Which, the options say.
#pragma once

#include <stoa/snapshot.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace stoa::txn {

/// The writer never waits for those who look: what it cannot add at once it adds with the next.
class KeptSnapshots {
 public:
  /// At most `most` of them; one for each root, or, with an interval, the first of each interval.
  KeptSnapshots(std::size_t most, std::chrono::nanoseconds interval) : most_(most), interval_(interval) {}

  /// A root was published. Errors: throws std::bad_alloc; it is not kept then. Threads: the writer.
  void add(const std::function<Snapshot()>& take);
  /// The one with the highest version that is not above `version`. Errors: throws std::bad_alloc. Threads: any.
  [[nodiscard]] std::optional<Snapshot> find(Version version) const;
  /// Threads: the owner, when nobody else is there.
  void clear() noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  const std::size_t most_;
  const std::chrono::nanoseconds interval_;
  Clock::time_point next_at_{};  // the writer's, as the next
  std::vector<Snapshot> not_yet_kept_;
  mutable std::mutex mutex_;   // the writer only tries it
  std::deque<Snapshot> kept_;  // ascending by version
};

}  // namespace stoa::txn
