// That there is a new version, each in turn, and nothing of what it changed.
#pragma once

#include "database/core.h"
#include "database/feed.h"

#include <deque>

namespace stoa::database {

class VersionFeed final : public Feed {
 public:
  VersionFeed(detail::DatabaseCore& core, Version start);

  /// Deltas that have their versions only.
  [[nodiscard]] std::expected<std::optional<Delta>, Error> next() override;
  [[nodiscard]] bool is_due() const override { return core_.engine().version_to_tell(false) > told_; }

 private:
  void look();

  detail::DatabaseCore& core_;
  const detail::HistoryId own_history_;  // another one is that of a database that this one follows
  Version told_;
  std::deque<Version> ahead_;  // what comes next
};

}  // namespace stoa::database
