#include "txn/kept_snapshots.h"

#include "queue/sync.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace stoa::txn {

void KeptSnapshots::add(const std::function<Snapshot()>& take) {
  if (most_ == 0) return;
  if (interval_.count() != 0) {
    const Clock::time_point now = Clock::now();
    if (now < next_at_) return;
    next_at_ = queue::deadline_after(interval_);
  }
  if (not_yet_kept_.size() == most_) not_yet_kept_.erase(not_yet_kept_.begin());
  not_yet_kept_.push_back(take());
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  while (!not_yet_kept_.empty()) {
    kept_.push_back(std::move(not_yet_kept_.front()));  // where it throws, nothing has moved
    not_yet_kept_.erase(not_yet_kept_.begin());
  }
  while (kept_.size() > most_) kept_.pop_front();
}

std::optional<Snapshot> KeptSnapshots::find(Version version) const {
  const std::scoped_lock lock(mutex_);
  const auto after = std::upper_bound(kept_.begin(), kept_.end(), version,
                                      [](Version asked, const Snapshot& kept) { return asked < kept.version(); });
  if (after == kept_.begin()) return std::nullopt;
  return std::prev(after)->clone();
}

void KeptSnapshots::clear() noexcept {
  kept_.clear();
  not_yet_kept_.clear();
}

}  // namespace stoa::txn
