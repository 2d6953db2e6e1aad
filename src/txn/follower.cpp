#include "txn/follower.h"

#include <string>

namespace stoa::txn {

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
    if (!applied_.has_other(delta.from, delta.to, body)) return Step::known;
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

void Follower::note(const Content& delta, std::span<const std::byte> body) noexcept {
  applied_.add(delta.from, delta.to, body);
  following_ = true;
}

}  // namespace stoa::txn
