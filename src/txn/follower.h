// What a replica knows of the database that it follows: whose history it is on, and what it has applied, so that it
// tells a delta that came twice from another of the same number.
#pragma once

#include "delta/delta_access.h"

#include <stoa/error.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

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
  void make_room();
  /// It was applied. Requires: make_room().
  void note(const Content& delta, std::span<const std::byte> body) noexcept;
  /// It is a replica from before: what it has applied is not known any more.
  void follow() noexcept { following_ = true; }
  /// Goes on by itself.
  void promote() noexcept {
    following_ = false;
    applied_.clear();
  }

 private:
  struct Applied {
    Version from;
    Version to;
    std::uint64_t content;
  };

  bool following_ = false;
  std::vector<Applied> applied_;  // the newest, a ring once it is full
  std::size_t oldest_ = 0;
};

}  // namespace stoa::txn
