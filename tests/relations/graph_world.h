// A database of graphs: puts many of them in at once, takes from each what is to go, each in a transaction of its own,
// and compares answers and content with the oracle's. What is left then goes, for the next.
#pragma once

#include "relations/graph.h"

#include <stoa/stoa.h>

#include <array>
#include <cstdint>
#include <vector>

namespace stoa::test::graphs {

/// A row that is references all through, by action and slot.
template <Table>
struct Slots {
  Entity restrict0, restrict1, restrict2, restrict3, set_null0, set_null1, set_null2, set_null3;
  Entity remove0, remove1, remove2, remove3, cascade0, cascade1, cascade2, cascade3;
  BOOST_DESCRIBE_CLASS(Slots, (),
                       (restrict0, restrict1, restrict2, restrict3, set_null0, set_null1, set_null2, set_null3, remove0,
                        remove1, remove2, remove3, cascade0, cascade1, cascade2, cascade3),
                       (), ())
};
using NodeRow = Slots<Table::node>;
using LinkRow = Slots<Table::link>;

/// A graph, what is to go, and in which order it comes into the database.
struct Trial {
  Content before;
  Change change;
  std::array<NodeId, nodes_max> order{0, 1, 2, 3};  // a node's entity is the so-manieth that is made
  bool edges_later = false;  // they are first to other nodes; a second transaction sets them right one by one
};

/// What happened, to see that the trials were not all alike.
struct Tally {
  std::uint64_t trials = 0;
  std::uint64_t refused = 0;
  std::uint64_t missing = 0;  // of these, for a reference to what goes with it
  std::uint64_t both = 0;     // of these, where something is restricted, too
  std::uint64_t ended = 0;    // entities, beyond those that went by themselves
  std::uint64_t removed = 0;  // rows of entities that stay, likewise
  std::uint64_t nulled = 0;
};

class GraphWorld {
 public:
  explicit GraphWorld(Layout layout);

  [[nodiscard]] const Layout& layout() const { return layout_; }
  /// Runs all that were added, if there are many. After the first difference, which fails the test, nothing is done.
  void add(Trial trial);
  void run();
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  using Cells = std::array<Entity, actions * slots>;

  void build();
  void take_away();
  [[nodiscard]] CommitTicket submit(std::size_t at);
  void refer(Transaction& tx, std::size_t at, Content so_far, const std::vector<Reference>& references);
  void check(std::size_t at, CommitTicket& ticket);
  [[nodiscard]] bool is_named(std::size_t at, Violation::Kind kind, const Reference& reference,
                              const std::vector<Violation>& found) const;
  void compare(const Snapshot& now, std::size_t at);
  void clear();
  void must(Transaction&& transaction, const char* what);

  [[nodiscard]] Entity entity(std::size_t trial, NodeId node) const {
    return entities_[trial * nodes_max + trials_[trial].order[node]];
  }
  [[nodiscard]] Cells cells(std::size_t trial, const Content& content, NodeId node, Table table) const;
  void count(const Trial& trial, const Outcome& outcome);
  [[nodiscard]] std::string text(std::size_t trial) const;

  Layout layout_;
  Database db_;
  std::vector<Trial> trials_;
  std::vector<Outcome> outcomes_;
  std::vector<Entity> entities_;  // nodes_max for each trial, also where it has fewer
  Tally tally_;
  std::uint64_t batches_ = 0;
};

}  // namespace stoa::test::graphs
