// All small graphs of references, in every mix of the four on-delete actions, against the oracle of graph.h.
//
// A node is an entity with a row in table `node`, in the mixed layouts also one in table `link`; an edge is a reference
// in one of these rows, to an entity as such or to its row in one of the tables; a field has an action of its own. So a
// row can go without its entity, an entity with several rows, and both be referred to at once. Of each ordered pair of
// nodes, a node with itself included, at most one edge is there.
//
// - One and two nodes: all graphs (5^1 and 5^4), in all layouts, each node and each two going as entity and by rows.
// - Three nodes: all 5^9 graphs. It is node 0 that goes: that another does is a graph of this list by other names. Two
//   graphs that are the same but for the names of nodes 1 and 2 count as one. Layout and way of going are by turns.
// - Four nodes: all 2^16 edge sets, each with the same action for all its edges, and that for each action; layouts and
//   ways by turns. There are 5^16 graphs of mixed actions: of these random ones, by a seed, in which up to three nodes
//   go at once, rows go and come back, and the transaction itself makes some of the references. STOA_TEST_ROUNDS is
//   their number.
//
// By turns, too: entities are made in another order than that of the nodes, edges take other fields, or are set right
// one by one in a transaction after that of the rows. What the oracle says depends on nothing of it. Sanitizers and
// builds without optimisation see each 31st of the larger enumerations.
#include "isolation/environment.h"
#include "relations/graph_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace stoa::test::graphs {
namespace {

using What = Departure::What;

#if defined(__OPTIMIZE__)
constexpr std::uint64_t stride = is_sanitized ? 31 : 1;
#else
constexpr std::uint64_t stride = 31;
#endif

std::vector<Layout> layouts() {
  constexpr Aim any = Aim::entity;
  constexpr Aim node = Aim::node;
  constexpr Aim link = Aim::link;
  return {
      {"to rows of a dense table", false, 1, {node, node, node, node}},
      {"to rows of a sparse table", true, 1, {node, node, node, node}},
      {"to entities, from a dense table", false, 1, {any, any, any, any}},
      {"to entities and rows, nodes dense, links sparse", false, 2, {link, any, node, link, node, link, any, node}},
      {"to entities and rows, nodes sparse, links dense", true, 2, {node, link, any, link, link, node, node, any}},
  };
}

// Numbers that are all different and in no order: what is done by turns then is not in step with the enumeration.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EBU;
  return x ^ (x >> 31U);
}

class Graphs : public ::testing::Test {
 protected:
  Graphs() {
    for (Layout& layout : layouts()) worlds_.push_back(std::make_unique<GraphWorld>(std::move(layout)));
  }

  // The edges in some order, and the rest by turns too.
  static void add(GraphWorld& world, std::size_t nodes, std::vector<Edge> edges, std::vector<Departure> departures,
                  std::uint64_t turn, std::size_t made = 0) {
    Trial trial;
    if (turn % 2 == 1) std::reverse(edges.begin(), edges.end());
    trial.before = Content::all(nodes, world.layout().rows, world.layout().wire(edges, turn / 2 % 8));
    trial.change = {{}, std::move(departures)};
    auto& references = trial.before.references;
    for (made = std::min(made, references.size()); made != 0; --made) {
      trial.change.made.push_back(references.back());
      references.pop_back();
    }
    std::swap(trial.order[3], trial.order[turn / 16 % 4]);
    std::swap(trial.order[2], trial.order[turn / 64 % 3]);
    std::swap(trial.order[1], trial.order[turn / 192 % 2]);
    trial.edges_later = turn / 384 % 8 == 0;
    world.add(std::move(trial));
  }

  void add_somewhere(std::size_t nodes, std::vector<Edge> edges, std::uint64_t turn) {
    GraphWorld& world = *worlds_[turn % worlds_.size()];
    const std::vector<What> ways = ways_of(world);  // but for the last: nothing comes of that
    add(world, nodes, std::move(edges), {{0, ways[turn / 8 % (ways.size() - 1)]}}, turn / 32);
  }

  static std::vector<What> ways_of(const GraphWorld& world) {
    if (world.layout().rows == 1) return {What::entity, What::node_row, What::node_row_comes_back};
    return {What::entity, What::node_row, What::link_row, What::rows, What::node_row_comes_back};
  }

  // Also says what came of the trials and, where they are many, demands that everything did.
  void finish(bool many = true) {
    for (const auto& world : worlds_) {
      world->run();
      const Tally& tally = world->tally();
      std::cout << world->layout().name << ": " << tally.trials << " trials, " << tally.refused << " refused, "
                << tally.missing << " of them for a missing target, " << tally.ended << " entities ended, "
                << tally.removed << " rows removed, " << tally.nulled << " references nulled\n";
      if (::testing::Test::HasFailure() || !many) continue;
      EXPECT_NE(tally.refused, 0U);
      EXPECT_NE(tally.ended, 0U);
      EXPECT_NE(tally.removed, 0U);
      EXPECT_NE(tally.nulled, 0U);
    }
  }

  std::vector<std::unique_ptr<GraphWorld>> worlds_;
};

// The graph with that number: a digit for each ordered pair of nodes, 0 for no edge and otherwise its action.
std::vector<Edge> edges_of(std::uint64_t number, std::size_t nodes) {
  std::vector<Edge> out;
  for (NodeId from = 0; from < nodes; ++from) {
    for (NodeId to = 0; to < nodes; ++to, number /= 5) {
      if (number % 5 != 0) out.push_back({from, to, static_cast<OnDelete>(number % 5 - 1)});
    }
  }
  return out;
}

// What a graph of three nodes is with nodes 1 and 2 named the other way round.
std::uint64_t mirror(std::uint64_t number) {
  constexpr std::array<std::uint64_t, 9> place{1, 25, 5, 15'625, 390'625, 78'125, 125, 3'125, 625};
  std::uint64_t out = 0;
  for (std::size_t pair = 0; pair < place.size(); ++pair, number /= 5) out += number % 5 * place[pair];
  return out;
}

std::uint64_t graphs_of(std::size_t nodes) {
  std::uint64_t out = 1;
  for (std::size_t pair = 0; pair < nodes * nodes; ++pair) out *= 5;
  return out;
}

TEST_F(Graphs, AllOfOneAndTwoNodesInAllLayoutsAndWays) {
  std::uint64_t turn = 0;
  for (const auto& world : worlds_) {
    for (std::size_t nodes = 1; nodes <= 2; ++nodes) {
      for (std::uint64_t number = 0; number < graphs_of(nodes); ++number) {
        for (const What way : ways_of(*world)) {
          for (NodeId node = 0; node < nodes; ++node) {
            add(*world, nodes, edges_of(number, nodes), {{node, way}}, mix(++turn));
          }
          if (nodes == 1) continue;
          for (const What other : ways_of(*world)) {
            add(*world, nodes, edges_of(number, nodes), {{0, way}, {1, other}}, mix(++turn));
          }
        }
      }
    }
  }
  finish();
}

TEST_F(Graphs, AllOfThreeNodes) {
  const std::uint64_t end = graphs_of(3);
  for (std::uint64_t number = 0; number < end; number += stride) {
    if (mirror(number) >= number) add_somewhere(3, edges_of(number, 3), mix(number + 1));
  }
  finish();
}

TEST_F(Graphs, AllEdgeSetsOfFourNodesWithOneAction) {
  constexpr std::size_t nodes = 4;
  for (std::uint64_t number = 0; number < 4U << (nodes * nodes); number += stride) {
    std::vector<Edge> edges;
    for (std::uint64_t pair = 0; pair < nodes * nodes; ++pair) {
      if ((number >> (pair + 2) & 1U) == 0) continue;
      edges.push_back(
          {static_cast<NodeId>(pair / nodes), static_cast<NodeId>(pair % nodes), static_cast<OnDelete>(number % 4)});
    }
    add_somewhere(nodes, std::move(edges), mix(number + 1));
  }
  finish();
}

TEST_F(Graphs, RandomOnesOfFourNodes) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t end) { return random() % end; };
  const std::uint64_t rounds = test_rounds(100'000, 10'000);
  for (std::uint64_t left = rounds; left != 0; --left) {
    const std::uint64_t density = 10 + below(60);
    std::vector<Edge> edges;
    for (NodeId pair = 0; pair < 16; ++pair) {
      if (below(100) >= density) continue;
      edges.push_back({static_cast<NodeId>(pair / 4), static_cast<NodeId>(pair % 4), static_cast<OnDelete>(below(4))});
    }
    std::shuffle(edges.begin(), edges.end(), random);
    GraphWorld& world = *worlds_[below(worlds_.size())];
    const std::vector<What> ways = ways_of(world);
    std::vector<Departure> departures;
    for (NodeId node = 0; node < 4 && departures.size() < 3; ++node) {
      if (below(3) == 0) departures.push_back({node, ways[below(ways.size())]});
    }
    std::shuffle(departures.begin(), departures.end(), random);
    add(world, 4, std::move(edges), std::move(departures), random(), below(4) == 0 ? 1 + below(3) : 0);
  }
  finish(rounds >= 5'000);
  for (const auto& world : worlds_) EXPECT_TRUE(HasFailure() || rounds < 5'000 || world->tally().both != 0);
}

}  // namespace
}  // namespace stoa::test::graphs
