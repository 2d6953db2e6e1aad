// The checker against ways that are too slow for a long history, but plainly right: every serial order of a few
// transactions is tried. STOA_TEST_ROUNDS is the number of histories.
#include "checker.h"
#include "environment.h"
#include "story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <tuple>
#include <utility>

namespace stoa::test {
namespace {

using Random = std::mt19937_64;
using Order = std::vector<TransactionId>;

// Whether everybody reads what it read when they come one after the other in this order, and the clock allows it.
bool explains(const History& history, const Order& order) {
  std::vector<Value> world(history.registers);
  for (std::size_t at = 0; at < order.size(); ++at) {
    for (const Op& op : history.records[order[at]].ops) {
      if (op.kind == Op::Kind::read && world[op.reg] != op.value) return false;
      if (op.kind == Op::Kind::write) world[op.reg] = op.value;
    }
    for (std::size_t later = at + 1; later < order.size(); ++later) {
      if (history.records[order[later]].end < history.records[order[at]].begin) return false;
    }
  }
  return true;
}

Order all_of(const History& history) {
  Order out(history.records.size());
  std::iota(out.begin(), out.end(), TransactionId{0});
  return out;
}

bool is_serialisable(const History& history) {
  Order order = all_of(history);
  do {
    if (explains(history, order)) return true;
  } while (std::next_permutation(order.begin() + 1, order.end()));  // T0 is the first
  return false;
}

// Whether the order of the versions is one that explains it. Those that only read come behind who made what they saw.
bool is_told_by_versions(const History& history) {
  Order order = all_of(history);
  std::ranges::sort(order, {}, [&](TransactionId id) {
    const Record& record = history.records[id];
    return std::tuple(record.version, !record.is_writer(), record.begin);
  });
  const auto same = std::ranges::adjacent_find(order, [&](TransactionId a, TransactionId b) {
    return history.records[b].is_writer() && history.records[a].version == history.records[b].version;
  });
  return same == order.end() && explains(history, order);
}

// Done one after the other, but some reads are of another value that the register had at some time, and some versions
// have changed places. `blind`: how many in ten write without reading.
History almost_serial(Random& random, unsigned blind) {
  constexpr std::uint32_t registers = 3;
  const auto below = [&](std::uint64_t end) { return static_cast<std::uint32_t>(random() % end); };
  Story story(registers);
  std::array<Order, registers> had;
  for (Order& values : had) values.push_back(0);
  const std::uint32_t count = 2 + below(4);
  Version version = 1;
  for (TransactionId id = 1; id <= count; ++id) {
    const bool is_blind = below(10) < blind;
    const bool writes = is_blind || below(3) != 0;
    std::vector<Op> ops;
    bool wrote = false;
    for (Register reg = 0; reg < registers; ++reg) {
      if (below(2) == 0) continue;
      const TransactionId value = below(8) == 0 ? had[reg][below(had[reg].size())] : had[reg].back();
      if (!is_blind) ops.push_back(r(reg, value));
      if (!writes || below(3) == 0) continue;
      ops.push_back(w(reg));
      had[reg].push_back(id);
      wrote = true;
    }
    if (wrote) ++version;
    is_blind ? story.blind(version, ops) : story.function(version, ops);
    const std::uint64_t begin = 10 * id - below(20) % (10 * id - 2);
    story.at(begin, begin + 5 + below(20));
  }
  History out = story.history();
  if (below(4) == 0) std::swap(out.records[1 + below(count)].version, out.records[1 + below(count)].version);
  return out;
}

// Runs `judge(history)` on many: it says whether the history is right.
template <typename Judge>
void for_many(unsigned blind, Judge&& judge) {
  const std::uint64_t seed = test_seed();
  Random random(seed);
  std::array<std::uint64_t, 2> seen{};
  for (std::uint64_t left = test_rounds(20'000, 2000); left != 0 && !::testing::Test::HasFailure(); --left) {
    SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
    const History history = almost_serial(random, blind);
    ++seen[judge(history) ? 1 : 0];
  }
  EXPECT_GT(seen[0], seen[1] / 20) << "too few are wrong";
  EXPECT_GT(seen[1], seen[0] / 20) << "too few are right";
}

// The check finds something exactly where the history is not right.
void expect_exact(unsigned blind, Anomalies (*check)(const History&), bool (*is_right)(const History&)) {
  for_many(blind, [&](const History& history) {
    const bool right = is_right(history);
    const Anomalies found = check(history);
    EXPECT_EQ(found.empty(), right) << to_text(found);
    return right;
  });
}

TEST(BruteForce, TheCheckOfVersionsIsExact) { expect_exact(3, check_versions, is_told_by_versions); }

TEST(BruteForce, WhereAllReadWhatTheyOverwriteTheCheckOfCyclesIsExact) {
  expect_exact(0, check_cycles, is_serialisable);
}

TEST(BruteForce, WithBlindWritesWhatHasNoCycleIsSerialisable) {
  for_many(4, [](const History& history) {
    const bool passes = check_cycles(history).empty();
    EXPECT_TRUE(!passes || is_serialisable(history));
    return passes;
  });
}

}  // namespace
}  // namespace stoa::test
