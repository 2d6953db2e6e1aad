#include "txn/follower.h"

#include "base/hash.h"
#include "base/reuse.h"

#include <algorithm>
#include <string>

namespace stoa::txn {
namespace {

constexpr std::size_t remembered_max = 65'536;

}  // namespace

std::expected<Follower::Step, Error> Follower::look_at(const Content& delta, std::span<const std::byte> body,
                                                       Version now, const detail::HistoryId& history,
                                                       const SchemaHash& schema) const {
  if (delta.schema_mark != delta::schema_mark(schema)) {
    return std::unexpected(Error(ErrorCode::schema_mismatch, "the delta is of another schema"));
  }
  if (delta.filtered) {
    return std::unexpected(Error(ErrorCode::invalid_argument, "the delta is filtered: it has not all that changed"));
  }
  if (!following_ && now != 0) {
    return std::unexpected(Error(ErrorCode::fork, "the database has commits of its own"));
  }
  if (following_ && delta.history != history) {
    return std::unexpected(Error(ErrorCode::fork, "the delta is of another history"));
  }
  if (following_ && delta.to <= now) {
    const std::uint64_t content = hash64(body);
    const bool differs = std::ranges::any_of(applied_, [&](const Applied& other) {
      return other.from == delta.from && other.to == delta.to && other.content != content;
    });
    if (!differs) return Step::known;
    return std::unexpected(
        Error(ErrorCode::fork, "version " + std::to_string(delta.to) + " was applied with other content"));
  }
  if (delta.from != now || delta.to < delta.from || (delta.to == delta.from && !body.empty())) {
    return std::unexpected(Error(ErrorCode::invalid_argument,
                                 "the delta leads from version " + std::to_string(delta.from) + " to " +
                                     std::to_string(delta.to) + ", and the replica is at " + std::to_string(now)));
  }
  return Step::apply;
}

void Follower::make_room() {
  if (applied_.size() < remembered_max) stoa::make_room(applied_, 1);
}

void Follower::note(const Content& delta, std::span<const std::byte> body) noexcept {
  const Applied applied{delta.from, delta.to, hash64(body)};
  if (applied_.size() < remembered_max) {
    applied_.push_back(applied);
  } else {
    applied_[oldest_] = applied;
    oldest_ = (oldest_ + 1) % remembered_max;
  }
  following_ = true;
}

}  // namespace stoa::txn
