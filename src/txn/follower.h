// What a replica knows of the database that it follows: whose history it is on, and what it has applied, so that it
// tells a delta that came twice from another of the same number.
#pragma once

#include "delta/delta_access.h"
#include "txn/applied_deltas.h"

#include <stoa/error.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <utility>

namespace stoa::txn {

/// Threads: the writer only.
class Follower {
 public:
  using Content = detail::DeltaAccess::Content;
  enum class Step : std::uint8_t { apply, known };

  [[nodiscard]] bool is_following() const noexcept { return following_; }

  /// What to do with a delta, whose body for a replica is `body`, where the database is at `now` by `history`.
  /// Errors: schema_mismatch; fork — of another history, with commits of one's own, or other content than was applied
  /// up to that version; invalid_argument — it does not lead from `now`.
  [[nodiscard]] std::expected<Step, Error> look_at(const Content& delta, std::span<const std::byte> body, Version now,
                                                   const detail::HistoryId& history, const SchemaHash& schema) const;
  /// Room for the next note(). Errors: throws std::bad_alloc.
  void make_room() { applied_.make_room(); }
  /// It was applied. Requires: make_room().
  void note(const Content& delta, std::span<const std::byte> body) noexcept;
  /// It is a replica from before, and of what it has applied that is known.
  void follow(AppliedDeltas&& applied) noexcept {
    following_ = true;
    applied_ = std::move(applied);
  }
  /// Goes on by itself.
  void promote() noexcept {
    following_ = false;
    applied_.clear();
  }

 private:
  bool following_ = false;
  AppliedDeltas applied_;
};

}  // namespace stoa::txn
