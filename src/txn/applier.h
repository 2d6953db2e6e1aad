// Applies one transaction to the write buffer, whole or not at all: operations or function, consequences, rules, delta.
// It knows neither queue nor batch.
#pragma once

#include "base/reuse.h"
#include "delta/replay.h"
#include "delta/transaction_delta.h"
#include "integrity/judge.h"
#include "storage/buffer_manager.h"
#include "txn/commit_sink.h"
#include "txn/delta_history.h"
#include "txn/restorer.h"
#include "txn/transaction_node.h"
#include "txn/writer_context.h"

#include <stoa/options.h>

#include <cstddef>
#include <expected>
#include <span>
#include <vector>

namespace stoa::txn {

/// Threads: the writer only.
class Applier {
 public:
  Applier(storage::BufferManager& buffers, CommitSink& sink, DeltaHistory& history, const Options& options);

  /// On success returns whether there was an effect, which sink and history then have been given as `version`. On an
  /// error the write buffer is as before.
  [[nodiscard]] std::expected<bool, Error> apply(detail::TransactionNode& node, Version version);

  /// The same of another database's delta. On success the write buffer has all of it, and the sink too if it leads to
  /// another version.
  [[nodiscard]] std::expected<void, Error> apply_delta(const Committed& delta);

  /// Whether the last apply() failed for good: the sink did, or what was applied could not be taken back. Nothing of
  /// the write buffer may be published then.
  [[nodiscard]] bool is_lost() const { return lost_; }

  /// The entities that ended since the last call to clear_ended().
  [[nodiscard]] const std::vector<Entity>& ended() const { return ended_; }
  void clear_ended() { clear_for_reuse(ended_); }

 private:
  std::expected<void, Error> run(detail::TransactionNode& node);
  std::expected<void, Error> call(const detail::TransactionNode& node);
  void forget_ends_of_revived() noexcept;
  [[nodiscard]] std::expected<void, Error> meet_expectations(const detail::TransactionNode& node) const;
  std::expected<void, Error> keep_rules(detail::SteadyTime deadline);
  std::expected<void, Error> apply(const integrity::Consequences& follow, detail::SteadyTime deadline);
  std::expected<void, Error> expect_rules_kept();
  bool take_back() noexcept;
  std::expected<bool, Error> settle(Version version, std::uint64_t tag);
  std::expected<void, Error> give_to_sink(const Committed& committed);
  void make_room_for_ended();
  void burn_reserved(const detail::TransactionNode& node);

  storage::BufferManager& buffers_;
  storage::WriteBuffer& buffer_;
  CommitSink& sink_;
  DeltaHistory& history_;
  integrity::Constraints constraints_;
  integrity::Judge judge_;
  delta::TransactionDelta delta_;
  delta::Replay replay_;
  WriterContext context_;
  Restorer restorer_;
  bool lost_ = false;
  bool called_ = false;  // the transaction's function: what context_ has is of this one
  std::vector<Entity> ended_;
  std::vector<std::byte> bytes_;
};

}  // namespace stoa::txn
