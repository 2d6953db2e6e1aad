#include "txn/applied_deltas.h"

#include "base/hash.h"
#include "base/reuse.h"

#include <algorithm>

namespace stoa::txn {

void AppliedDeltas::make_room() {
  if (newest_.size() < count_max) stoa::make_room(newest_, 1);
}

void AppliedDeltas::add(Version from, Version to, std::span<const std::byte> body) noexcept {
  const Applied applied{from, to, hash64(body)};
  if (newest_.size() < count_max) {
    newest_.push_back(applied);
    return;
  }
  newest_[oldest_] = applied;
  oldest_ = (oldest_ + 1) % count_max;
}

bool AppliedDeltas::has_other(Version from, Version to, std::span<const std::byte> body) const noexcept {
  const std::uint64_t content = hash64(body);
  return std::ranges::any_of(
      newest_, [&](const Applied& other) { return other.from == from && other.to == to && other.content != content; });
}

void AppliedDeltas::clear() noexcept {
  newest_ = std::vector<Applied>();
  oldest_ = 0;
}

}  // namespace stoa::txn
