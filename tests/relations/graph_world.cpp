#include "relations/graph_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>
#include <utility>

namespace stoa::test::graphs {
namespace {

constexpr std::size_t trials_together = 64;

Database open(const Layout& layout) {
  auto schema = Schema::from_toml(layout.toml());
  if (!schema) throw std::runtime_error(schema.error().message());
  schema->bind<NodeRow>("node");
  if (layout.rows == 2) schema->bind<LinkRow>("link");
  Options options;
  options.writer = WriterMode::manual;
  auto db = Database::in_memory(*schema, options);
  if (!db) throw std::runtime_error(db.error().message());
  return *std::move(db);
}

// All references to another node than they are to in the end.
void mislead(Content& content) {
  for (Reference& reference : content.references) {
    reference.to = static_cast<NodeId>((reference.to + 1U) % content.nodes);
  }
}

template <typename Row, typename Cells>
Row to_row(const Cells& cells) {
  return std::bit_cast<Row>(cells);
}

}  // namespace

GraphWorld::GraphWorld(Layout layout) : layout_(std::move(layout)), db_(open(layout_)) {}

void GraphWorld::add(Trial trial) {
  trials_.push_back(std::move(trial));
  if (trials_.size() == trials_together) run();
}

void GraphWorld::run() {
  if (!::testing::Test::HasFailure() && !trials_.empty()) {
    build();
    take_away();
    if (!::testing::Test::HasFailure()) clear();
    ++batches_;
  }
  trials_.clear();
}

GraphWorld::Cells GraphWorld::cells(std::size_t trial, const Content& content, NodeId node, Table table) const {
  Cells out{};
  for (const Reference& reference : content.references) {
    if (reference.from != node || reference.table != table) continue;
    out[reference.field] = entity(trial, reference.to);
  }
  return out;
}

void GraphWorld::build() {
  Transaction tx = db_.begin();
  entities_ = tx.create(trials_.size() * nodes_max);
  std::vector<NodeRow> nodes;
  std::vector<LinkRow> links;
  std::vector<Entity> with_rows;
  for (std::size_t at = 0; at < trials_.size(); ++at) {
    const Trial& trial = trials_[at];
    Content first = trial.before;
    if (trial.edges_later) mislead(first);
    for (NodeId node = 0; node < first.nodes; ++node) {
      with_rows.push_back(entity(at, node));
      nodes.push_back(to_row<NodeRow>(cells(at, first, node, Table::node)));
      links.push_back(to_row<LinkRow>(cells(at, first, node, Table::link)));
    }
  }
  tx.insert(with_rows, nodes);
  if (layout_.rows == 2) tx.insert(with_rows, links);
  must(std::move(tx), "to insert");

  Transaction later = db_.begin();
  for (std::size_t at = 0; at < trials_.size(); ++at) {
    if (!trials_[at].edges_later) continue;
    Content so_far = trials_[at].before;
    mislead(so_far);
    refer(later, at, std::move(so_far), trials_[at].before.references);
  }
  must(std::move(later), "to refer");
}

// One after the other, by whole rows or by fields.
void GraphWorld::refer(Transaction& tx, std::size_t at, Content so_far, const std::vector<Reference>& references) {
  for (const Reference& reference : references) {
    if (batches_ % 2 == 1) {
      tx.set(reference.table == Table::node ? "node" : "link", entity(at, reference.from),
             Layout::field_name(reference.field), entity(at, reference.to));
      continue;
    }
    std::erase_if(so_far.references, [&](const Reference& other) {
      return other.from == reference.from && other.table == reference.table && other.field == reference.field;
    });
    so_far.references.push_back(reference);
    const Cells row = cells(at, so_far, reference.from, reference.table);
    if (reference.table == Table::node) tx.update(entity(at, reference.from), to_row<NodeRow>(row));
    if (reference.table == Table::link) tx.update(entity(at, reference.from), to_row<LinkRow>(row));
  }
}

void GraphWorld::take_away() {
  outcomes_.clear();
  std::vector<CommitTicket> tickets;
  for (std::size_t at = 0; at < trials_.size(); ++at) {
    outcomes_.push_back(judge(trials_[at].before, trials_[at].change));
    tickets.push_back(submit(at));
  }
  db_.step();
  for (std::size_t at = 0; at < trials_.size() && !::testing::Test::HasFailure(); ++at) {
    check(at, tickets[at]);
    count(trials_[at], outcomes_[at]);
    if (batches_ % 4 == 0 && outcomes_[at].refused()) tickets[at] = submit(at);
  }
  db_.step();
  const Snapshot now = db_.snapshot();
  for (std::size_t at = 0; at < trials_.size() && !::testing::Test::HasFailure(); ++at) {
    if (batches_ % 4 == 0 && outcomes_[at].refused()) check(at, tickets[at]);  // the first left nothing behind
    compare(now, at);
  }
}

CommitTicket GraphWorld::submit(std::size_t at) {
  using What = Departure::What;
  const auto& [made, departures] = trials_[at].change;
  Transaction tx = db_.begin();
  refer(tx, at, trials_[at].before, made);
  for (const auto& [node, what] : departures) {
    if (what == What::entity) tx.destroy(entity(at, node));
    if (what == What::node_row || what == What::rows) tx.remove<NodeRow>(entity(at, node));
    if (what == What::link_row || what == What::rows) tx.remove<LinkRow>(entity(at, node));
    if (what != What::node_row_comes_back) continue;
    Content all = trials_[at].before;
    all.references.insert(all.references.end(), made.begin(), made.end());
    tx.remove<NodeRow>(entity(at, node));
    tx.insert(entity(at, node), to_row<NodeRow>(cells(at, all, node, Table::node)));
  }
  return std::move(tx).submit();
}

void GraphWorld::check(std::size_t at, CommitTicket& ticket) {
  const auto answer = ticket.get();
  const Outcome& outcome = outcomes_[at];
  if (answer.has_value() == outcome.refused()) {
    ADD_FAILURE() << text(at) << "\nexpected " << outcome.restricted.size() << " restricted, " << outcome.missing.size()
                  << " missing, answered " << (answer ? "success" : answer.error().message());
    return;
  }
  if (answer) return;
  const std::vector<Violation>& found = answer.error().violations();
  const auto are_named = [&](Violation::Kind kind, const std::vector<Reference>& expected) {
    return std::all_of(expected.begin(), expected.end(),
                       [&](const Reference& reference) { return is_named(at, kind, reference, found); });
  };
  const bool same = answer.error().code() == ErrorCode::constraint_violation &&
                    found.size() == outcome.restricted.size() + outcome.missing.size() &&
                    are_named(Violation::Kind::foreign_key_restrict, outcome.restricted) &&
                    are_named(Violation::Kind::foreign_key_missing, outcome.missing);
  if (!same) ADD_FAILURE() << text(at) << "\nother violations: " << answer.error().message();
}

bool GraphWorld::is_named(std::size_t at, Violation::Kind kind, const Reference& reference,
                          const std::vector<Violation>& found) const {
  const std::string table = reference.table == Table::node ? "node" : "link";
  const std::string field = Layout::field_name(reference.field);
  return std::any_of(found.begin(), found.end(), [&](const Violation& violation) {
    return violation.kind == kind && violation.table == table && violation.field == field &&
           violation.constraint == table + "." + field && violation.entity == entity(at, reference.from) &&
           violation.target == entity(at, reference.to);
  });
}

void GraphWorld::compare(const Snapshot& now, std::size_t at) {
  const Content& after = outcomes_[at].after;
  const auto is_same = [&]<typename Row>(const Row* row, NodeId node, Table table) {
    if ((row != nullptr) != after.has_row(node, table)) return false;
    return row == nullptr || std::bit_cast<Cells>(*row) == cells(at, after, node, table);
  };
  for (NodeId node = 0; node < after.nodes; ++node) {
    const Entity id = entity(at, node);
    const bool same = now.alive(id) == after.alive[node] && is_same(now.get<NodeRow>(id), node, Table::node) &&
                      (layout_.rows != 2 || is_same(now.get<LinkRow>(id), node, Table::link));
    if (same) continue;
    ADD_FAILURE() << text(at) << "\nnode " << int{node} << " is not what it should be: alive " << after.alive[node]
                  << ", node " << after.has_row(node, Table::node) << ", link " << after.has_row(node, Table::link)
                  << ", with " << to_text(after);
  }
}

// All that is left goes at once, so nothing restricts.
void GraphWorld::clear() {
  Transaction tx = db_.begin();
  for (std::size_t at = 0; at < trials_.size(); ++at) {
    const Content& after = outcomes_[at].after;
    for (NodeId node = 0; node < nodes_max; ++node) {
      if (node >= after.nodes || after.alive[node]) tx.destroy(entity(at, node));
    }
  }
  must(std::move(tx), "to end what is left");
  const Snapshot now = db_.snapshot();
  EXPECT_EQ(now.count<>(), 0U);
  EXPECT_EQ(now.count<NodeRow>(), 0U);
}

void GraphWorld::must(Transaction&& transaction, const char* what) {
  const auto answer = std::move(transaction).commit();
  if (!answer) ADD_FAILURE() << layout_.name << ": failed " << what << ": " << answer.error().message();
}

void GraphWorld::count(const Trial& trial, const Outcome& outcome) {
  ++tally_.trials;
  if (outcome.refused()) {
    ++tally_.refused;
    if (!outcome.missing.empty()) ++tally_.missing;
    if (!outcome.missing.empty() && !outcome.restricted.empty()) ++tally_.both;
    return;
  }
  Content own = trial.before;
  std::array<std::array<bool, tables>, nodes_max> gone{};
  std::array<bool, nodes_max> ended{};
  for (const auto& [node, what] : trial.change.departures) {
    if (what == Departure::What::node_row_comes_back) continue;
    ended[node] = ended[node] || what == Departure::What::entity;
    gone[node][0] = gone[node][0] || what != Departure::What::link_row;
    gone[node][1] = gone[node][1] || what != Departure::What::node_row;
  }
  for (NodeId node = 0; node < own.nodes; ++node) {
    if (!outcome.after.alive[node] && !ended[node]) ++tally_.ended;
    if (!outcome.after.alive[node]) continue;
    for (std::size_t table = 0; table < layout_.rows; ++table) {
      if (!outcome.after.rows[node][table] && !gone[node][table]) ++tally_.removed;
    }
  }
  for (const Reference& reference : own.references) {
    if (!outcome.after.has_row(reference.from, reference.table)) continue;
    const auto& left = outcome.after.references;
    if (std::find(left.begin(), left.end(), reference) == left.end()) ++tally_.nulled;
  }
}

std::string GraphWorld::text(std::size_t trial) const {
  return layout_.name + ": " + to_text(trials_[trial].before, trials_[trial].change);
}

}  // namespace stoa::test::graphs
