// Where a subscriber's news come from, one after the other. A feed looks at the database when it is asked, like any
// other reader, and so holds nobody up.
#pragma once

#include <stoa/delta.h>
#include <stoa/entity.h>
#include <stoa/error.h>

#include <expected>
#include <optional>

namespace stoa::database {

/// Threads: one at a time, but for what is said.
class Feed {
 public:
  Feed() = default;
  virtual ~Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// The next delta; none where there is none yet. Errors end the feed: history_gone.
  [[nodiscard]] virtual std::expected<std::optional<Delta>, Error> next() = 0;
  /// Whether next() is worth a call. Looks at nothing but what its own thread wrote, or others wrote seq_cst.
  [[nodiscard]] virtual bool is_due() const = 0;
  /// See Subscription::refilter(). Threads: any.
  virtual void refilter() noexcept {}
  /// No more is wanted; the database is there still.
  virtual void close() noexcept {}
};

}  // namespace stoa::database
