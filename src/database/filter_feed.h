// What changed of the part of the world that a filter shows, from one published root to another.
#pragma once

#include "database/core.h"
#include "database/feed.h"

#include <stoa/subscription.h>

#include <atomic>
#include <unordered_set>
#include <vector>

namespace stoa::database {

/// It holds the snapshot that it showed last, so what it has not looked at since is never more than one difference.
class FilterFeed final : public Feed {
 public:
  /// `tables` ascending; none is all.
  FilterFeed(detail::DatabaseCore& core, std::vector<TableId> tables, std::vector<Filter::Predicate> predicates,
             bool durable);

  [[nodiscard]] std::expected<std::optional<Delta>, Error> next() override;
  [[nodiscard]] bool is_due() const override;
  void refilter() noexcept override {
    refilter_.store(true, std::memory_order_seq_cst);  // seq_cst: published by the doorbell's protocol
  }

 private:
  [[nodiscard]] bool is_shown(const Snapshot& snapshot, Entity entity) const;
  void show(delta::RunWriter& runs, const Snapshot& now, Entity entity);
  void enter(delta::RunWriter& runs, const detail::Root& now, Entity entity);
  void leave(delta::RunWriter& runs, const detail::Root& now, Entity entity);
  void change(delta::RunWriter& runs, const detail::Root& now, Entity entity);

  detail::DatabaseCore& core_;
  const std::vector<TableId> tables_;
  const std::vector<Filter::Predicate> predicates_;
  const bool durable_;
  std::atomic<bool> refilter_{false};
  std::optional<Snapshot> shown_;       // none before the first delta
  std::optional<Snapshot> candidate_;   // what comes next, once it is durable
  Version told_ = 0;                    // what the last delta led to
  std::unordered_set<Entity> members_;  // of shown_
  std::vector<delta::RunWriter::Row> rows_;
};

}  // namespace stoa::database
