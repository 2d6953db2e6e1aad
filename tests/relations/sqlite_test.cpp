// Random histories of tables with rules, on stoa and on SQLite: the same transactions are committed by both, and what
// follows from them is the same. STOA_TEST_SEED replays a run, STOA_TEST_ROUNDS is the number of transactions.
//
// How one is the other: an entity has a row in one table at most, and the row's primary key is the entity. `cascade`
// and `remove` are both ON DELETE CASCADE then, as only rows are compared; an entity that has lost its row may get
// another. `restrict` is judged on the net effect, so it is NO ACTION, deferred. References to entities as such SQLite
// does not have.
//
// Where the two differ for good reason:
// - SQLite judges UNIQUE, NOT NULL and CHECK at once, stoa at the end: they are queries before SQLite's COMMIT.
// - SQLite's actions come at once, so what a transaction takes away comes last in it, and is not put in again.
// - A reference that the transaction itself sets to what then goes is a missing reference in stoa, and no reason for an
//   action. Such transactions are made, and SQLite is asked otherwise: with these references null it says what goes; if
//   then one of them is in a row that stays, and its target does not, stoa is to refuse the transaction.
// - stoa names broken `restrict`s before it looks at anything else. So of a refused transaction both must name the same
//   kinds of rules, unless stoa names a restrict; then a reference is among those that SQLite names.
#include "isolation/environment.h"
#include "relations/sqlite_side.h"
#include "relations/stoa_side.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace stoa::test::histories {
namespace {

using Kind = Violation::Kind;

enum Bucket : std::size_t {
  committed,
  missing,
  restricted,
  unique_broken,
  required_broken,
  range_broken,
  late_reference,
  no_such_row,
  row_exists,
  large_cascade,
  nulled,
  swapped,
  bare_reused,
  bucket_count
};
constexpr std::array<const char*, bucket_count> bucket_names{
    "committed", "missing",          "restricted",        "unique",     "required",
    "range",     "set to what goes", "no such row",       "row exists", "cascade of 3 or more",
    "nulled",    "swapped",          "bare entity reused"};
using Buckets = std::array<std::uint64_t, bucket_count>;

constexpr std::ptrdiff_t bare_max = 20;

class Session {
 public:
  Session(std::uint64_t seed, Tables tables)
      : random_(seed), tables_(std::move(tables)), planner_(random_, tables_), sqlite_(tables_), stoa_(tables_) {}

  void run(std::uint64_t transactions) {
    now_.resize(tables_.size());
    for (std::uint64_t left = transactions; left != 0 && !::testing::Test::HasFailure(); --left) {
      one();
      if (left % 32 == 1) compare();
    }
  }
  [[nodiscard]] const Buckets& buckets() const { return buckets_; }

 private:
  void one();
  void check_refusal(const Error& error, const Verdict& verdict);
  void compare();
  void count_effects(const Plan& plan, const Content& after);
  [[nodiscard]] std::string text(const Plan& plan) const;

  Random random_;
  Tables tables_;
  Planner planner_;
  SqliteSide sqlite_;
  StoaSide stoa_;
  Content now_;
  std::vector<EntityBits> bare_;
  Buckets buckets_{};
};

void Session::one() {
  Transaction tx = stoa_.begin();
  const Plan plan = planner_.plan(now_, bare_, [&] { return static_cast<EntityBits>(tx.create().bits()); });
  if (plan.operations.empty()) return;
  const auto answer = stoa_.commit(std::move(tx), plan.operations);
  const Verdict verdict = sqlite_.apply(plan.operations);
  if (answer.has_value() != verdict.committed()) {
    ADD_FAILURE() << "SQLite " << (verdict.committed() ? "commits" : "refuses") << " what stoa answers with "
                  << (answer ? "success" : answer.error().message()) << text(plan);
    return;
  }
  if (!answer) {
    check_refusal(answer.error(), verdict);
    if (::testing::Test::HasFailure()) ADD_FAILURE() << text(plan);
    return;
  }
  ++buckets_[committed];
  Content after = sqlite_.content();
  count_effects(plan, after);
  now_ = std::move(after);
}

void Session::check_refusal(const Error& error, const Verdict& verdict) {
  if (verdict.impossible) {
    EXPECT_EQ(error.code(), *verdict.impossible) << error.message();
    ++buckets_[*verdict.impossible == ErrorCode::not_found ? no_such_row : row_exists];
    return;
  }
  EXPECT_EQ(error.code(), ErrorCode::constraint_violation) << error.message();
  std::set<Kind> named;
  std::set<Rule> rules;
  for (const Violation& violation : error.violations()) {
    named.insert(violation.kind);
    switch (violation.kind) {
      case Kind::unique: rules.insert(Rule::unique); break;
      case Kind::required: rules.insert(Rule::required); break;
      case Kind::range: rules.insert(Rule::range); break;
      default: rules.insert(Rule::reference); break;
    }
  }
  if (verdict.late_reference) {
    EXPECT_TRUE(rules.contains(Rule::reference) && verdict.broken.contains(Rule::reference)) << error.message();
  } else {
    EXPECT_EQ(rules, verdict.broken) << error.message();
  }
  if (verdict.late_reference)
    ++buckets_[late_reference];
  else if (named.contains(Kind::foreign_key_missing))
    ++buckets_[missing];
  if (named.contains(Kind::foreign_key_restrict)) ++buckets_[restricted];
  if (named.contains(Kind::unique)) ++buckets_[unique_broken];
  if (named.contains(Kind::required)) ++buckets_[required_broken];
  if (named.contains(Kind::range)) ++buckets_[range_broken];
}

void Session::compare() {
  const Content stoa = stoa_.content();
  for (std::size_t table = 0; table < tables_.size() && !::testing::Test::HasFailure(); ++table) {
    for (const auto& [entity, row] : now_[table]) {
      const auto found = stoa[table].find(entity);
      if (found != stoa[table].end() && found->second == row) continue;
      ADD_FAILURE() << "SQLite has " << to_text(tables_[table], entity, row) << "\nand stoa "
                    << (found == stoa[table].end() ? "nothing" : to_text(tables_[table], entity, found->second));
    }
    EXPECT_EQ(stoa[table].size(), now_[table].size()) << tables_[table].name << ": stoa has more rows";
  }
  if (!::testing::Test::HasFailure()) stoa_.find_all(stoa);
}

// What the transaction did beyond its own operations, which the draft has.
void Session::count_effects(const Plan& plan, const Content& after) {
  std::size_t taken_along = 0;
  bool some_nulled = false;
  std::vector<EntityBits> lost = bare_;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    for (const auto& [entity, row] : now_[table]) {
      if (!after[table].contains(entity)) lost.push_back(entity);
    }
    for (const auto& [entity, row] : plan.draft[table]) {
      const auto found = after[table].find(entity);
      if (found == after[table].end()) {
        ++taken_along;
      } else if (found->second != row) {
        some_nulled = true;
      }
    }
  }
  if (taken_along >= 3) ++buckets_[large_cascade];
  if (some_nulled) ++buckets_[nulled];
  if (plan.swaps) ++buckets_[swapped];
  for (const Operation& operation : plan.operations) {
    if (operation.kind == Operation::Kind::insert && std::ranges::count(bare_, operation.entity) != 0) {
      ++buckets_[bare_reused];
      break;
    }
  }
  bare_ = stoa_.bare(lost);
  if (std::ssize(bare_) > bare_max) bare_.erase(bare_.begin(), bare_.end() - bare_max);
}

std::string Session::text(const Plan& plan) const {
  constexpr std::array<const char*, 5> kinds{"insert", "update", "set", "remove", "destroy"};
  std::string out = "\nbefore:";
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    for (const auto& [entity, row] : now_[table]) out += "\n  " + to_text(tables_[table], entity, row);
  }
  out += "\ntransaction:";
  for (const Operation& operation : plan.operations) {
    const Table& table = tables_[operation.table];
    out += std::string("\n  ") + kinds[static_cast<std::size_t>(operation.kind)] + " " +
           to_text(table, operation.entity, operation.row);
    if (operation.kind != Operation::Kind::set) continue;
    out += " " + table.columns[operation.column].name + " = ";
    const auto* text = std::get_if<std::string>(&operation.cell);
    out += text != nullptr ? "'" + *text + "'" : std::to_string(bits_of(operation.cell));
  }
  return out;
}

void print(const Buckets& buckets) {
  for (std::size_t at = 0; at < bucket_count; ++at) std::cout << bucket_names[at] << ": " << buckets[at] << "\n";
}

TEST(Sqlite, HistoriesOfACompanyAreThose) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  const std::uint64_t transactions = test_rounds(8'000, 800);
  Session session(seed, company());
  session.run(transactions);
  print(session.buckets());
  if (transactions < 500 || HasFailure()) return;
  for (std::size_t at = 0; at < bucket_count; ++at) EXPECT_NE(session.buckets()[at], 0U) << bucket_names[at];
}

TEST(Sqlite, HistoriesOfRandomTablesAreThose) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  Random random(seed);
  Buckets all{};
  for (std::uint64_t left = (test_rounds(8'000, 800) + 199) / 200; left != 0 && !HasFailure(); --left) {
    Session session(random.below(~std::uint64_t{0}), random_tables(random));
    session.run(200);
    for (std::size_t at = 0; at < bucket_count; ++at) all[at] += session.buckets()[at];
  }
  print(all);
}

}  // namespace
}  // namespace stoa::test::histories
