// The checker against histories of a real database that were made wrong in one place, as a database with a bug would
// have made them: it must see each, and nothing where nothing was done. STOA_TEST_ROUNDS is the number of histories.
#include "checker.h"
#include "environment.h"
#include "registers.h"
#include "workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

namespace stoa::test {
namespace {

using Kind = Record::Kind;

// A right history, and what each register held in it from version to version.
class Timeline {
 public:
  explicit Timeline(const History& history) : writes_(history.registers) {
    for (TransactionId id : history.writers()) {
      const Record& record = history.records[id];
      for (const Op& op : record.ops) {
        if (op.kind == Op::Kind::write) writes_[op.reg][record.version] = op.value;
      }
    }
  }

  [[nodiscard]] Value at(Register reg, Version version) const {
    return std::prev(writes_[reg].upper_bound(version))->second;
  }

 private:
  std::vector<std::map<Version, Value>> writes_;  // by register
};

// A read of what another one wrote, and what to put in its place.
struct Place {
  TransactionId id;
  Op op;
  Value instead;
};

// Any place where `instead(record, op)`, which is asked about every read of what a transaction other than T0 wrote, has
// another value.
template <typename Instead>
std::optional<Place> some_place(const History& history, std::mt19937_64& random, Instead&& instead) {
  std::vector<Place> all;
  for (TransactionId id = 0; id < history.records.size(); ++id) {
    const Record& record = history.records[id];
    for (const Op& op : record.ops) {
      if (!record.committed || op.kind == Op::Kind::write || op.value.writer == id || op.value.writer == 0) continue;
      if (const std::optional<Value> value = instead(record, op)) all.push_back({id, op, *value});
    }
  }
  if (all.empty()) return {};
  return all[random() % all.size()];
}

// All reads of that value: one alone would be told by the others.
bool replace(History& history, const std::optional<Place>& place) {
  if (!place) return false;
  for (Op& op : history.records[place->id].ops) {
    if (op.kind == Op::Kind::read && op.reg == place->op.reg && op.value == place->op.value) op.value = place->instead;
  }
  return true;
}

// What the register held before the value came.
Value before(const History& history, const Timeline& timeline, const Op& op) {
  return timeline.at(op.reg, history.records[op.value.writer].version - 1);
}

// The second of two who each added to what was there read what the first one had read.
bool lose_update(History& history, std::mt19937_64& random) {
  const Timeline timeline(history);
  const auto place = some_place(history, random, [&](const Record& record, const Op& op) -> std::optional<Value> {
    if (!record.writes(op.reg)) return {};
    return before(history, timeline, op);
  });
  return replace(history, place);
}

// Of two registers that one transaction wrote, a snapshot has the one as before and the other as after it.
bool tear_read(History& history, std::mt19937_64& random) {
  const Timeline timeline(history);
  const auto place = some_place(history, random, [&](const Record& record, const Op& op) -> std::optional<Value> {
    const bool sees_both = std::ranges::any_of(
        record.ops, [&](const Op& other) { return other.reg != op.reg && other.value.writer == op.value.writer; });
    if (record.kind != Kind::snapshot || !sees_both) return {};
    return before(history, timeline, op);
  });
  return replace(history, place);
}

// A whole and consistent snapshot, but of before a commit that had been answered when it was taken.
bool make_stale(History& history, std::mt19937_64& random) {
  const Timeline timeline(history);
  const auto place = some_place(history, random, [&](const Record& record, const Op& op) -> std::optional<Value> {
    if (record.kind != Kind::snapshot || history.records[op.value.writer].end >= record.begin) return {};
    return before(history, timeline, op);
  });
  if (!place) return false;
  Record& record = history.records[place->id];
  record.version = history.records[place->op.value.writer].version - 1;
  for (Op& op : record.ops) op.value = timeline.at(op.reg, record.version);
  return true;
}

// Two functions each read what the other one writes, and neither sees the other: one of them read an older value.
bool skew_writes(History& history, std::mt19937_64& random) {
  const Timeline timeline(history);
  const auto place = some_place(history, random, [&](const Record& record, const Op& op) -> std::optional<Value> {
    const bool is_read_back = std::ranges::any_of(history.records[op.value.writer].ops, [&](const Op& back) {
      return back.kind == Op::Kind::read && back.value.writer != op.value.writer && record.writes(back.reg) &&
             timeline.at(back.reg, record.version - 1) == back.value;
    });
    if (!record.is_writer() || record.writes(op.reg) || !is_read_back) return {};
    return before(history, timeline, op);
  });
  return replace(history, place);
}

struct Plant {
  std::string_view name;
  bool (*apply)(History& history, std::mt19937_64& random);  // false where there is no place for it
  std::string_view by_versions, by_cycles;                   // what each check must then find, among others
};

constexpr Plant plants[] = {
    {"an update is lost", lose_update, "lost update", "lost update"},
    {"a read is torn", tear_read, "torn read", "cycle"},
    {"a snapshot is stale", make_stale, "stale version", "cycle"},
    {"writes are skewed", skew_writes, "stale read", "cycle"},
};

bool has(const Anomalies& found, std::string_view name) {
  return std::ranges::find(found, name, &Anomaly::name) != found.end();
}

TEST(PlantedConcurrent, EveryAnomalyIsSeenInEveryHistory) {
  const std::uint64_t seed = test_seed();
  const std::uint64_t rounds = test_rounds(200, 20);
  std::map<std::string_view, std::uint64_t> applied;
  for (std::uint64_t round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
    const Options options = random_options(seed + round);
    auto db = Database::in_memory(Registers::schema(), options);
    ASSERT_TRUE(db) << db.error().message();
    const History right = record(*db, options, seed + round, 600);
    ASSERT_EQ(verdict(right), "");
    std::mt19937_64 random(seed + round);
    for (const Plant& plant : plants) {
      SCOPED_TRACE(plant.name);
      History wrong = right;
      if (!plant.apply(wrong, random)) continue;
      ++applied[plant.name];
      const Anomalies versions = check_versions(wrong);
      const Anomalies cycles = check_cycles(wrong);
      EXPECT_TRUE(has(versions, plant.by_versions)) << to_text(versions);
      EXPECT_TRUE(has(cycles, plant.by_cycles)) << to_text(cycles);
    }
  }
  for (const Plant& plant : plants) {
    std::cout << plant.name << " in " << applied[plant.name] << " of " << rounds << " histories\n";
    EXPECT_GE(applied[plant.name] * 2, rounds) << "few histories have a place for it: " << plant.name;
  }
}

}  // namespace
}  // namespace stoa::test
