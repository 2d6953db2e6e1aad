#include "database/version_feed.h"

#include "delta/delta_access.h"
#include "delta/kept_deltas.h"

#include <stoa/detail/snapshot_access.h>

#include <memory>
#include <utility>

namespace stoa::database {
namespace {

constexpr std::size_t ahead_max = 1024;

}  // namespace

VersionFeed::VersionFeed(detail::DatabaseCore& core, Version start)
    : core_(core), own_history_(detail::SnapshotAccess::root(core.snapshot()).history), told_(start) {}

std::expected<std::optional<Delta>, Error> VersionFeed::next() {
  if (ahead_.empty()) look();
  if (ahead_.empty()) return std::nullopt;
  auto content = std::make_shared<detail::DeltaAccess::Content>();
  content->from = std::exchange(told_, ahead_.front());
  content->to = told_;
  ahead_.pop_front();
  return detail::DeltaAccess::make(std::move(content));
}

// A replica may come from one version to another far ahead, as the deltas say that it keeps; where it keeps none, the
// newest is told, and elsewhere each number.
void VersionFeed::look() {
  // First: a snapshot may be of a later version, of which Database::version() does not know yet.
  const Version limit = core_.engine().version_to_tell(false);
  if (limit <= told_) return;
  const Snapshot newest = core_.snapshot();
  delta::KeptDeltaReader reader(detail::SnapshotAccess::root(newest), told_);
  if (reader.is_there()) {
    delta::KeptDelta kept;
    while (ahead_.size() != ahead_max && reader.next(kept) && kept.to <= limit) ahead_.push_back(kept.to);
    return;
  }
  if (detail::SnapshotAccess::root(newest).history != own_history_) {
    ahead_.push_back(limit);
    return;
  }
  for (Version version = told_; version != limit && ahead_.size() != ahead_max;) ahead_.push_back(++version);
}

}  // namespace stoa::database
