#include "database/filter_feed.h"

#include "delta/delta_access.h"
#include "delta/root_diff.h"

#include <stoa/detail/snapshot_access.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace stoa::database {
namespace {

using detail::find_row;
using detail::SnapshotAccess;

std::vector<TableId> or_all(std::vector<TableId> tables, std::size_t table_count) {
  if (!tables.empty()) return tables;
  for (std::size_t number = 0; number != table_count; ++number) {
    tables.push_back(TableId{static_cast<std::uint16_t>(number)});
  }
  return tables;
}

}  // namespace

FilterFeed::FilterFeed(detail::DatabaseCore& core, std::vector<TableId> tables,
                       std::vector<Filter::Predicate> predicates, bool durable)
    : core_(core),
      tables_(or_all(std::move(tables), core.schema().model().tables.size())),
      predicates_(std::move(predicates)),
      durable_(durable) {}

bool FilterFeed::is_due() const {
  // seq_cst: as in refilter().
  if (shown_ && refilter_.load(std::memory_order_seq_cst)) return true;
  const Version due = candidate_ ? candidate_->version() : shown_ ? shown_->version() + 1 : 0;
  return core_.engine().version_to_tell(durable_) >= due;
}

std::expected<std::optional<Delta>, Error> FilterFeed::next() {
  if (!is_due()) return std::nullopt;
  if (!candidate_) candidate_ = core_.snapshot();
  const bool is_first = !shown_;
  const bool may_tell = core_.engine().version_to_tell(durable_) >= candidate_->version();
  // Before the predicates are asked: what changes while they are is asked for again.
  const bool again = refilter_.exchange(false, std::memory_order_seq_cst);
  if (!may_tell && (is_first || !again)) return std::nullopt;
  const Snapshot now = may_tell ? *std::exchange(candidate_, std::nullopt) : shown_->clone();
  const detail::Root& to = SnapshotAccess::root(now);

  std::vector<Entity> looked_at;
  delta::list_changed(is_first || again ? detail::Root{} : SnapshotAccess::root(*shown_), to, looked_at);
  if (again) {
    for (Entity member : members_) {
      if (!now.alive(member)) looked_at.push_back(member);
    }
  }
  delta::RunWriter runs(*to.world);
  for (Entity entity : looked_at) show(runs, now, entity);

  shown_ = now.clone();
  auto content = delta::content_of(to);
  runs.finish(content->body);
  if (content->body.empty() && !is_first) return std::nullopt;
  content->from = std::exchange(told_, to.version);
  content->full = is_first;
  content->filtered = true;
  return detail::DeltaAccess::make(std::move(content));
}

bool FilterFeed::is_shown(const Snapshot& snapshot, Entity entity) const {
  if (!snapshot.alive(entity)) return false;
  const detail::Root& root = SnapshotAccess::root(snapshot);
  const auto has_row = [&](TableId table) { return find_row(root, table, entity) != nullptr; };
  return std::ranges::any_of(tables_, has_row) &&
         std::ranges::all_of(predicates_, [&](const auto& holds) { return holds(snapshot, entity); });
}

void FilterFeed::show(delta::RunWriter& runs, const Snapshot& now, Entity entity) {
  const detail::Root& root = SnapshotAccess::root(now);
  const bool is_in = is_shown(now, entity);
  const bool was_in = members_.contains(entity);
  if (is_in && was_in) change(runs, root, entity);
  if (is_in && !was_in) {
    enter(runs, root, entity);
    members_.insert(entity);
  }
  if (!is_in && was_in) {
    leave(runs, root, entity);
    members_.erase(entity);
  }
}

// It begins for the subscriber, or it has been somewhere else.
void FilterFeed::enter(delta::RunWriter& runs, const detail::Root& now, Entity entity) {
  rows_.clear();
  for (TableId table : tables_) {
    if (const std::byte* row = find_row(now, table, entity)) rows_.push_back({table, row});
  }
  const bool begins = !shown_ || !shown_->alive(entity);
  begins ? runs.create(entity, rows_) : runs.insert(entity, rows_);
}

void FilterFeed::leave(delta::RunWriter& runs, const detail::Root& now, Entity entity) {
  if (detail::find_alive(now, entity) == nullptr) {
    runs.destroy(entity);
    return;
  }
  const detail::Root& before = SnapshotAccess::root(*shown_);
  for (TableId table : tables_) {
    if (find_row(before, table, entity) != nullptr) runs.remove(entity, table);
  }
}

void FilterFeed::change(delta::RunWriter& runs, const detail::Root& now, Entity entity) {
  const detail::Root& before = SnapshotAccess::root(*shown_);
  rows_.clear();
  for (TableId table : tables_) {
    const std::byte* was = find_row(before, table, entity);
    const std::byte* is = find_row(now, table, entity);
    if (was == nullptr && is != nullptr) rows_.push_back({table, is});
    if (was != nullptr && is == nullptr) runs.remove(entity, table);
    if (was != nullptr && is != nullptr && now.world->tables[to_index(table)].cell_bytes != 0) {
      runs.update(entity, table, was, is);
    }
  }
  if (!rows_.empty()) runs.insert(entity, rows_);
}

}  // namespace stoa::database
