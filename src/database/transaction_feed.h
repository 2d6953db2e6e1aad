// Every transaction's delta, in the order of the versions, from those that the database keeps.
#pragma once

#include "database/core.h"
#include "database/feed.h"

#include <stoa/subscription.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace stoa::database {

/// One that takes on a backlog reads a pinned root to its end, and then has the snapshot of the very version that it is
/// at: what it misses then is a difference of two snapshots. Others pin while they copy a block of deltas, and no
/// longer.
class TransactionFeed final : public Feed {
 public:
  /// What comes after `start`. Requires: the core's history knows of a subscriber since before that was taken; it is
  /// this feed's, until close().
  TransactionFeed(detail::DatabaseCore& core, Snapshot start, const SubscribeOptions& options);
  ~TransactionFeed() override { close(); }
  TransactionFeed(const TransactionFeed&) = delete;
  TransactionFeed& operator=(const TransactionFeed&) = delete;

  [[nodiscard]] std::expected<std::optional<Delta>, Error> next() override;
  [[nodiscard]] bool is_due() const override;
  void close() noexcept override;

 private:
  std::expected<void, Error> fill();
  void coalesce();
  [[nodiscard]] Error too_late() const;

  detail::DatabaseCore& core_;
  const bool durable_;
  const bool coalesces_;
  std::shared_ptr<txn::Pace> pace_;  // where the writer waits
  bool closed_ = false;
  Version read_to_;
  Version due_;                     // there is nothing to read before this one is there
  std::optional<Snapshot> at_;      // coalesces_: of the version read_to_, if no target_ is being read
  std::optional<Snapshot> target_;  // coalesces_: what is being read
  std::vector<Delta> block_;
  std::size_t taken_ = 0;  // of the block
};

}  // namespace stoa::database
