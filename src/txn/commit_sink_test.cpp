// The engine over a sink that fails: what each transaction is answered, what readers see, and what goes on.
#include "txn/testing/test_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Error broken(ErrorCode::io, "the disk is gone");

CommitTicket submit_position(TestDatabase& db, Entity entity, double x) {
  Transaction transaction = db.begin();
  transaction.update(entity, Position{x, x});
  return std::move(transaction).submit();
}

void expect_read_only(TestDatabase& db, Entity entity) {
  const std::size_t adds = db.sink.add_calls;
  const std::size_t commits = db.sink.commit_calls;
  const std::size_t flushes = db.sink.flush_calls;
  const storage::test::Picture before = db.picture();
  EXPECT_EQ(code_of(submit_position(db, entity, -1).get()), ErrorCode::read_only);
  EXPECT_EQ(code_of(db.write([](Writer&) { FAIL() << "called"; })), ErrorCode::read_only);
  EXPECT_EQ(code_of(db.engine.flush()), ErrorCode::read_only);
  db.step();
  EXPECT_TRUE(db.picture() == before);
  EXPECT_EQ(db.sink.add_calls, adds);
  EXPECT_EQ(db.sink.commit_calls, commits);
  EXPECT_EQ(db.sink.flush_calls, flushes);
}

// --- One transaction is refused -----------------------------------------------------------------------------------

class RefusedTransaction : public ::testing::TestWithParam<ErrorCode> {
 protected:
  // A batch of two or three transactions; the one in the middle does something of every kind.
  struct Outcome {
    storage::test::Picture picture;
    std::vector<ScriptedSink::Batch> batches;
    std::vector<Version> versions;
    std::optional<ErrorCode> middle;
  };
  static Outcome run(bool with_middle) {
    TestDatabase db;
    const std::vector<Entity> entities = db.add_positions(20);
    Transaction wheels = db.begin();
    for (std::size_t i = 1; i < 5; ++i) {
      wheels.insert(entities[i], Velocity{1, 1}).insert(entities[i], Wheel{entities[0]});
      wheels.insert(entities[i], Selected{});
    }
    EXPECT_TRUE(std::move(wheels).commit());
    CommitTicket first = submit_position(db, entities[1], 100);
    std::optional<CommitTicket> middle;
    if (with_middle) middle = std::move(do_everything(db, entities)).submit();
    CommitTicket last = submit_position(db, entities[2], 200);
    if (with_middle) db.sink.refuse_add(1, Error(GetParam(), "no room"));
    db.step();
    Outcome out{db.picture(), db.sink.batches, {version_of(first.get()), version_of(last.get())}, {}};
    if (middle) out.middle = code_of(middle->get());
    return out;
  }

 private:
  static Transaction do_everything(TestDatabase& db, const std::vector<Entity>& entities) {
    Transaction transaction = db.begin();
    transaction.insert(transaction.create(), Name{"new", 1});
    transaction.update(entities[1], Position{-1, -1}).set<&Position::x>(entities[2], -2);
    transaction.remove<Velocity>(entities[3]).remove<Selected>(entities[4]);
    transaction.insert(entities[7], Active{}).upsert(entities[8], Selected{});
    transaction.destroy(entities[0]);  // and with it its wheels
    return transaction;
  }
};
INSTANTIATE_TEST_SUITE_P(CommitSink, RefusedTransaction, ::testing::Values(ErrorCode::disk_full, ErrorCode::too_large),
                         [](const auto& name) { return std::string(to_string(name.param)); });

TEST_P(RefusedTransaction, LeavesNoTraceInTheWorldTheVersionsOrTheSink) {
  const Outcome refused = run(true);
  const Outcome never_was = run(false);
  EXPECT_EQ(refused.middle, GetParam());
  EXPECT_THAT(refused.versions, ElementsAre(3, 4));
  EXPECT_EQ(refused.versions, never_was.versions);
  EXPECT_TRUE(refused.picture == never_was.picture);
  EXPECT_TRUE(refused.batches == never_was.batches);
}

TEST_P(RefusedTransaction, MaySucceedLater) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  db.sink.on_add = [](Version) { return std::unexpected(Error(GetParam(), "no room")); };
  EXPECT_EQ(code_of(submit_position(db, entity, 5).get()), GetParam());
  EXPECT_EQ(code_of(submit_position(db, entity, 5).get()), GetParam());
  EXPECT_EQ(db.sink.commit_calls, 1U) << "there was nothing to commit but the first transaction of all";
  db.sink.on_add = nullptr;
  EXPECT_EQ(version_of(submit_position(db, entity, 5).get()), 2U);
}

// --- The log fails ------------------------------------------------------------------------------------------------

TEST(FailedBatch, AnswersUnknownOutcomeAndPublishesNothing) {
  TestDatabase db;
  const std::vector<Entity> entities = db.add_positions(3);
  const Snapshot held = db.snapshot();
  const storage::test::Picture before = TestDatabase::picture_of(held);

  CommitTicket update = submit_position(db, entities[0], 7);
  Transaction end = db.begin();
  end.destroy(entities[1]);
  CommitTicket destroy = std::move(end).submit();
  CommitTicket impossible = submit_position(db, Entity(1000, 1), 7);
  CommitTicket no_effect = submit_position(db, entities[0], 7);
  db.sink.on_commit = [] { return std::unexpected(broken); };
  EXPECT_EQ(db.step(), 4U);

  EXPECT_EQ(code_of(update.get()), ErrorCode::unknown_outcome);
  EXPECT_EQ(code_of(destroy.get()), ErrorCode::unknown_outcome);
  EXPECT_EQ(code_of(no_effect.get()), ErrorCode::unknown_outcome) << "it saw what may never have been";
  EXPECT_EQ(code_of(impossible.get()), ErrorCode::not_found) << "it surely did nothing";
  EXPECT_EQ(db.version(), 1U);
  EXPECT_TRUE(db.picture() == before);
  EXPECT_TRUE(TestDatabase::picture_of(held) == before);
  EXPECT_EQ(held.get<Position>(entities[1])->x, 2);

  db.sink.on_commit = nullptr;  // it would work again, but nobody may ask
  expect_read_only(db, entities[0]);
  EXPECT_EQ(code_of(db.engine.close()), ErrorCode::io);
}

TEST(FailedBatch, TakesTheWriteFunctionAndTheFlushAlong) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  db.sink.on_commit = [] { return std::unexpected(broken); };
  const CommitTicket dropped = submit_position(db, entity, 3);
  EXPECT_EQ(code_of(db.write([&](Writer& writer) { writer.set<&Position::x>(entity, 4); })),
            ErrorCode::unknown_outcome);
  EXPECT_EQ(db.snapshot().get<Position>(entity)->x, 1);
  EXPECT_EQ(db.sink.flush_calls, 0U);
  expect_read_only(db, entity);
}

TEST(FailedBatch, IsAlsoOneThatMetAFinalErrorWhileItWasFilled) {
  TestDatabase db;
  const std::vector<Entity> entities = db.add_positions(3);
  CommitTicket before = submit_position(db, entities[0], 7);
  CommitTicket refused = submit_position(db, entities[1], 7);
  CommitTicket after = submit_position(db, entities[2], 7);
  db.sink.refuse_add(1, broken);
  db.step();
  EXPECT_EQ(code_of(before.get()), ErrorCode::unknown_outcome);
  EXPECT_EQ(code_of(refused.get()), ErrorCode::io);
  EXPECT_EQ(code_of(after.get()), ErrorCode::read_only);
  EXPECT_EQ(db.sink.commit_calls, 1U) << "the batch must not be tried";
  EXPECT_EQ(db.version(), 1U);
  expect_read_only(db, entities[0]);
  EXPECT_EQ(code_of(db.engine.close()), ErrorCode::io);
}

TEST(FailedFlush, AnswersTheFlushAndLeavesWhatIsVisible) {
  TestDatabase db;
  const std::vector<Entity> entities = db.add_positions(2);
  CommitTicket earlier = submit_position(db, entities[0], 7);
  db.sink.on_flush = [] { return std::unexpected(broken); };
  EXPECT_EQ(code_of(db.engine.flush()), ErrorCode::io);
  EXPECT_EQ(version_of(earlier.get()), 2U);
  EXPECT_EQ(db.version(), 2U);
  EXPECT_EQ(db.snapshot().get<Position>(entities[0])->x, 7);
  EXPECT_EQ(db.sink.flush_calls, 1U);

  db.sink.on_flush = nullptr;
  expect_read_only(db, entities[1]);
  EXPECT_EQ(code_of(db.engine.close()), ErrorCode::io);
}

TEST(FailedRest, IsFinal) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  db.sink.on_rest = [] { return std::unexpected(broken); };
  db.sink.next_rest = std::chrono::steady_clock::now() - std::chrono::milliseconds(1);
  db.step();
  expect_read_only(db, entity);
  EXPECT_EQ(code_of(db.engine.close()), ErrorCode::io);
}

TEST(FailedRest, ComesOnlyWhenItIsTime) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  db.sink.on_rest = [] { return std::unexpected(broken); };
  db.sink.next_rest = std::chrono::steady_clock::now() + std::chrono::hours(1);
  db.step();
  EXPECT_EQ(version_of(submit_position(db, entity, 9).get()), 2U);
}

// --- What a sink is asked -----------------------------------------------------------------------------------------

TEST(CommitSink, GetsEachVersionOnceAndNothingOfWhatHasNoEffect) {
  TestDatabase db;
  const std::vector<Entity> entities = db.add_positions(2);
  CommitTicket first = submit_position(db, entities[0], 7);
  CommitTicket same = submit_position(db, entities[0], 7);
  CommitTicket impossible = submit_position(db, Entity(1000, 1), 7);
  CommitTicket second = submit_position(db, entities[0], 8);
  db.step();
  EXPECT_EQ(version_of(first.get()), 2U);
  EXPECT_EQ(version_of(same.get()), 2U);
  EXPECT_EQ(version_of(second.get()), 3U);
  ASSERT_EQ(db.sink.batches.size(), 2U);
  EXPECT_THAT(db.sink.batches[1], ElementsAre(::testing::Field(&ScriptedSink::Record::version, 2),
                                              ::testing::Field(&ScriptedSink::Record::version, 3)));

  submit_position(db, entities[0], 8).get().value();
  EXPECT_EQ(db.sink.commit_calls, 2U) << "a batch without effect";
}

TEST(CommitSink, GetsDeltasOnlyIfItWantsThem) {
  TestDatabase wanted(stepped(), true);
  TestDatabase unwanted(stepped(), false);
  wanted.add_positions(1);
  unwanted.add_positions(1);
  EXPECT_FALSE(wanted.sink.batches.at(0).at(0).delta.empty());
  EXPECT_THAT(unwanted.sink.batches.at(0).at(0).delta, IsEmpty());
}

// However they were written down: all of an entity's new rows are in one run.
TEST(CommitSink, GetsTheRowsOfAnEntityTogether) {
  const auto delta_of = [](auto write) {
    TestDatabase db;
    const std::vector<Entity> entities = db.add_positions(2);
    Transaction transaction = db.begin();
    write(transaction, entities[0], entities[1]);
    CommitTicket ticket = std::move(transaction).submit();
    db.step();
    EXPECT_TRUE(ticket.get());
    return db.sink.batches.at(1).at(0).delta;
  };
  const std::vector<Velocity> velocities{{3, 4}, {1, 2}};
  const auto together = delta_of([&](Transaction& tx, Entity a, Entity b) {
    tx.insert(b, velocities[0]).insert(a, velocities[1]).insert(a, Mass{5});
  });
  const auto apart = delta_of([&](Transaction& tx, Entity a, Entity b) {
    const std::vector<Entity> both{b, a};
    tx.insert(std::span(both), std::span<const Velocity>(velocities)).insert(a, Mass{5});
  });
  EXPECT_EQ(together, apart);
}

}  // namespace
}  // namespace stoa::txn::test
