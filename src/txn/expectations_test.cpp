// What a transaction relies on, carries and may take: expect_unchanged(), tag(), keep(), and its size.
#include "txn/testing/test_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Expectation : public ::testing::Test {
 protected:
  std::expected<Commit, Error> move_if_unchanged(const Snapshot& seen) {
    Transaction transaction = db_.begin();
    transaction.expect_unchanged<Position>(seen, entity_).set<&Position::y>(other_, 7);
    return std::move(transaction).commit();
  }
  template <typename Change>
  void commit(Change&& change) {
    Transaction transaction = db_.begin();
    change(transaction);
    ASSERT_TRUE(std::move(transaction).commit());
  }

  TestDatabase db_;
  const std::vector<Entity> entities_ = db_.add_positions(2);
  const Entity entity_ = entities_[0];
  const Entity other_ = entities_[1];
};

TEST_F(Expectation, HoldsWhileTheRowIsTheSame) {
  const Snapshot seen = db_.snapshot();
  commit([&](Transaction& tx) { tx.set<&Position::y>(other_, 3).insert(entity_, Velocity{1, 1}); });
  EXPECT_TRUE(move_if_unchanged(seen)) << "another row, and another table";
  commit([&](Transaction& tx) { tx.set<&Position::y>(entity_, 9); });
  commit([&](Transaction& tx) { tx.set<&Position::y>(entity_, 0); });
  EXPECT_TRUE(move_if_unchanged(seen)) << "it has the same content again";
}

TEST_F(Expectation, AnswersConflictWhereTheRowHasChanged) {
  const Snapshot seen = db_.snapshot();
  commit([&](Transaction& tx) { tx.set<&Position::y>(entity_, 9); });
  const storage::test::Picture before = db_.picture();
  const auto answer = move_if_unchanged(seen);
  ASSERT_EQ(code_of(answer), ErrorCode::conflict);
  EXPECT_THAT(answer.error().message(), HasSubstr("entity 0:1 in position"));
  EXPECT_TRUE(db_.unpublished_picture() == before);
}

TEST_F(Expectation, IsOfARowThatWasNotThereToo) {
  const Snapshot seen = db_.snapshot();
  const auto claim = [&] {
    Transaction transaction = db_.begin();
    transaction.expect_unchanged<Name>(seen, entity_).insert(entity_, Name{"claimed", 0});
    return std::move(transaction).commit();
  };
  EXPECT_TRUE(claim());
  EXPECT_EQ(code_of(claim()), ErrorCode::conflict) << "not already_exists: what it relied on is judged first";
}

TEST_F(Expectation, IsOfAnEntityThatHasEndedToo) {
  const Snapshot seen = db_.snapshot();
  commit([&](Transaction& tx) { tx.destroy(entity_); });
  EXPECT_EQ(code_of(move_if_unchanged(seen)), ErrorCode::conflict);
}

TEST_F(Expectation, IsJudgedBeforeTheTransactionsOwnOperations) {
  const Snapshot seen = db_.snapshot();
  Transaction transaction = db_.begin();
  transaction.set<&Position::y>(entity_, 5).expect_unchanged<Position>(seen, entity_);
  EXPECT_TRUE(std::move(transaction).commit());
}

TEST_F(Expectation, ComparesTextsByContent) {
  const std::string text = "a name that does not fit in its cell";
  commit([&](Transaction& tx) { tx.insert(entity_, Name{text, 1}); });
  const Snapshot seen = db_.snapshot();
  const auto relies = [&] {
    Transaction transaction = db_.begin();
    transaction.expect_unchanged(seen, "name", entity_).set<&Position::y>(other_, 1);
    return std::move(transaction).commit();
  };
  commit([&](Transaction& tx) { tx.remove<Name>(entity_); });
  commit([&](Transaction& tx) { tx.insert(entity_, Name{text, 1}); });
  EXPECT_TRUE(relies());
  commit([&](Transaction& tx) { tx.set<&Name::name>(entity_, Text("a name that does not fit in ITS cell")); });
  EXPECT_EQ(code_of(relies()), ErrorCode::conflict);
}

TEST_F(Expectation, OfAnotherDatabaseIsAMistake) {
  TestDatabase another;
  (void)another.add_positions(1);
  EXPECT_THROW((void)move_if_unchanged(another.snapshot()), std::logic_error);
}

TEST_F(Expectation, OfOneTransactionIsNotTheNextOnes) {
  const Snapshot seen = db_.snapshot();
  commit([&](Transaction& tx) { tx.set<&Position::y>(entity_, 9); });
  EXPECT_EQ(code_of(move_if_unchanged(seen)), ErrorCode::conflict);
  commit([&](Transaction& tx) { tx.set<&Position::y>(entity_, 8); });  // reuses the memory of the one before
}

TEST(Tag, GoesToTheSinkWithItsTransaction) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  for (std::uint64_t tag : {std::uint64_t{42}, std::uint64_t{0}, ~std::uint64_t{0}}) {
    Transaction transaction = db.begin();
    transaction.set<&Position::y>(entity, static_cast<double>(db.version()) + 1);
    if (tag != 0) transaction.tag(tag);
    ASSERT_TRUE(std::move(transaction).commit());
    EXPECT_EQ(db.sink.batches.back().back().tag, tag);
  }
}

TEST(Keep, GivesTheWorldRightAfterTheTransaction) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  std::vector<CommitTicket> tickets;
  for (int i = 1; i != 5; ++i) {
    Transaction transaction = db.begin();
    transaction.set<&Position::y>(entity, i);
    if (i % 2 == 0) transaction.keep();
    tickets.push_back(std::move(transaction).submit());
  }
  db.step();
  EXPECT_EQ(db.sink.commit_calls, 3U) << "the first two are a batch, and the other two";
  for (int i = 1; i != 5; ++i) {
    const auto answer = tickets[static_cast<std::size_t>(i - 1)].get();
    ASSERT_TRUE(answer);
    if (i % 2 != 0) {
      EXPECT_THROW((void)answer->snapshot(), std::logic_error);
      continue;
    }
    const Snapshot right_after = answer->snapshot();
    EXPECT_EQ(right_after.version(), answer->version);
    EXPECT_EQ(right_after.get<Position>(entity)->y, i);
  }
  tickets.clear();
  (void)db.add_positions(1);
  EXPECT_EQ(db.buffers.memory().pin_count, 0U) << "a ticket that went has left its snapshot";
}

TEST(Keep, OfWhatHasNoEffectIsTheWorldAsItIs) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  Transaction transaction = db.begin();
  transaction.set<&Position::y>(entity, 0).keep();
  const auto answer = std::move(transaction).commit();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->snapshot().version(), 1U);
}

TEST(KeptSnapshots, AreTheNewestOnesOfTheirVersions) {
  Options options = stepped();
  options.kept_snapshots_max = 3;
  TestDatabase db(options);
  const Entity entity = db.add_positions(1)[0];
  for (int version = 2; version != 8; ++version) {
    Transaction transaction = db.begin();
    transaction.set<&Position::y>(entity, version);
    ASSERT_TRUE(std::move(transaction).commit());
  }
  EXPECT_FALSE(db.engine.snapshot_at(4)) << "three were kept: 5, 6 and 7";
  for (Version version : {5U, 6U, 7U}) {
    const std::optional<Snapshot> kept = db.engine.snapshot_at(version);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->version(), version);
    EXPECT_EQ(kept->get<Position>(entity)->y, static_cast<double>(version));
  }
}

TEST(KeptSnapshots, OfAnIntervalWithoutEndAreTheFirst) {
  Options options = stepped();
  options.kept_snapshots_max = 3;
  options.kept_snapshots_interval = std::chrono::nanoseconds::max();
  TestDatabase db(options);
  for (int version = 1; version != 5; ++version) (void)db.add_positions(1);
  const std::optional<Snapshot> kept = db.engine.snapshot_at(4);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->version(), 1U);
}

TEST(TransactionSize, IsBounded) {
  Options options = stepped();
  options.transaction_bytes_max = 4096;
  TestDatabase db(options);
  const storage::test::Picture before = db.picture();
  Transaction transaction = db.begin();
  for (int i = 0; i != 1000; ++i) transaction.insert(transaction.create(), Position{1, 2});
  const auto answer = std::move(transaction).commit();
  ASSERT_EQ(code_of(answer), ErrorCode::too_large);
  EXPECT_THAT(answer.error().message(), HasSubstr("4096 bytes"));
  EXPECT_TRUE(db.unpublished_picture() == before);
  (void)db.add_positions(10);
}

TEST(TransactionSize, BindsTheLastRecordAndIdsAlone) {
  Options options = stepped();
  options.transaction_bytes_max = 4096;
  TestDatabase db(options);
  Transaction text = db.begin();
  text.insert(text.create(), Name{std::string(10'000, 'x'), 1});
  EXPECT_EQ(code_of(std::move(text).commit()), ErrorCode::too_large);
  Transaction ids = db.begin();
  const Entity first = ids.create();
  EXPECT_TRUE(first);
  EXPECT_FALSE(ids.create(1'000'000).back()) << "no ids beyond the bound";
  EXPECT_EQ(code_of(std::move(ids).commit()), ErrorCode::too_large);
  EXPECT_LT(db.add_positions(1)[0].index(), 1000U) << "ids that nobody got are gone";
}

TEST(DefaultDeadline, IsOfThoseThatSetNoneAndNotOfFlushes) {
  Options options = stepped();
  options.deadline_default = 0ns;
  TestDatabase db(options);
  const auto commit = [&](std::optional<std::chrono::nanoseconds> deadline) {
    Transaction transaction = db.begin();
    transaction.insert(transaction.create(), Position{1, 2});
    if (deadline) transaction.deadline(*deadline);
    return std::move(transaction).commit();
  };
  EXPECT_EQ(code_of(commit({})), ErrorCode::timeout);
  EXPECT_EQ(version_of(commit(1h)), 1U);
  EXPECT_EQ(version_of(commit(std::chrono::nanoseconds::max())), 2U) << "none at all";
  EXPECT_TRUE(db.engine.flush());
}

TEST(DefaultDeadline, IsLookedAtInCascades) {
  TestDatabase db;
  Transaction build = db.begin();
  const Entity car = build.create();
  build.insert(car, Name{"car", 0});
  for (int i = 0; i != 100'000; ++i) build.insert(build.create(), Wheel{car});
  ASSERT_TRUE(std::move(build).commit());
  const storage::test::Picture before = db.picture();
  Transaction transaction = db.begin();
  transaction.destroy(car).deadline(1ms);  // it takes longer to follow the wheels
  const auto answer = std::move(transaction).commit();
  EXPECT_EQ(code_of(answer), ErrorCode::timeout);
  EXPECT_TRUE(db.unpublished_picture() == before);
}

}  // namespace
}  // namespace stoa::txn::test
