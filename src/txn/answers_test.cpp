// Answers that are handed on: then(), co_await, busy; with a writer that the test steps.
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using Answer = std::expected<Commit, Error>;

CommitTicket submit(TestDatabase& db) {
  Transaction transaction = db.begin();
  transaction.insert(transaction.create(), Position{1, 2});
  return std::move(transaction).submit();
}

TEST(Then, RunsWithinTheStepThatAnswers) {
  TestDatabase db;
  std::vector<Version> seen;
  for (int i = 0; i != 3; ++i) {
    submit(db).then([&](Answer answer) {
      seen.push_back(version_of(answer));
      EXPECT_EQ(db.version(), 3U) << "the whole batch is visible";
    });
  }
  EXPECT_TRUE(seen.empty());
  db.step();
  EXPECT_EQ(seen, (std::vector<Version>{1, 2, 3}));
}

TEST(Then, GetsAnErrorToo) {
  TestDatabase db;
  std::optional<ErrorCode> code;
  Transaction transaction = db.begin();
  transaction.destroy(Entity(7, 7));
  std::move(transaction).submit().then([&](Answer answer) { code = code_of(answer); });
  db.step();
  EXPECT_EQ(code, ErrorCode::not_found);
}

TEST(Then, OfNoFunctionIsToDropTheTicket) {
  TestDatabase db;
  submit(db).then(nullptr);
  db.step();
  submit(db).then({});
  db.step();
  EXPECT_EQ(db.version(), 2U);
}

TEST(Then, RunsForAnAnswerThatIsThereAlready) {
  TestDatabase db;
  CommitTicket ticket = submit(db);
  db.step();
  std::optional<Version> seen;
  ticket.then([&](Answer answer) { seen = version_of(answer); });
  db.step();
  EXPECT_EQ(seen, 1U);
  EXPECT_THROW((void)ticket.get(), std::logic_error) << "it is used up";
}

TEST(Then, RunsWhenTheDatabaseIsClosed) {
  TestDatabase db;
  CommitTicket before = submit(db);
  CommitTicket after = submit(db);
  int ran = 0;
  before.then([&](Answer answer) { ran += answer ? 1 : 0; });
  ASSERT_TRUE(db.engine.close());
  EXPECT_EQ(ran, 1);
  after.then([&](Answer answer) { ran += answer ? 1 : 0; });
  EXPECT_EQ(ran, 2) << "no thread is left: it runs here";
}

TEST(Then, MaySubmitAndDoesNotWait) {
  Options options = stepped();
  options.in_flight_transactions_max = 2;
  TestDatabase db(options);
  std::vector<Answer> answers;
  submit(db).then([&](Answer answer) {
    answers.push_back(std::move(answer));
    for (int i = 0; i != 3; ++i) {
      submit(db).then([&](Answer nested) { answers.push_back(std::move(nested)); });
    }
  });
  for (int i = 0; i != 4; ++i) db.step();
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_TRUE(answers[0]);
  EXPECT_EQ(code_of(answers[1]), ErrorCode::busy) << "at once";
  EXPECT_TRUE(answers[2]);
  EXPECT_TRUE(answers[3]);
  EXPECT_EQ(db.engine.counts().in_flight.count, 0U);
}

// Nobody begins them any more: their indices come again with the next generation.
TEST(AtLimit, BurnsTheIdsOfWhoIsAnsweredBusy) {
  Options options = stepped();
  options.in_flight_transactions_max = 1;
  options.at_limit = AtLimit::answer_busy;
  TestDatabase db(options);
  Transaction refused = db.begin();
  std::vector<Entity> burnt = refused.create(5);
  refused.insert(burnt[0], Name{std::string(100'000, 'x'), 1});
  {
    CommitTicket first = submit(db);
    EXPECT_EQ(code_of(std::move(refused).submit().get()), ErrorCode::busy);
    while (db.step() != 0) {
    }
    EXPECT_TRUE(first.get());
  }
  Transaction next = db.begin();
  std::size_t again = 0;
  for (Entity entity : next.create(20)) {
    for (Entity gone : burnt) {
      EXPECT_NE(entity, gone);
      again += entity == Entity(gone.index(), gone.generation() + 1) ? 1U : 0U;
    }
    next.insert(entity, Mass{1});
  }
  EXPECT_EQ(again, burnt.size());
  EXPECT_TRUE(std::move(next).commit());
}

TEST(AtLimit, AnswersBusyWhereTheOptionsSaySo) {
  Options options = stepped();
  options.in_flight_transactions_max = 2;
  options.at_limit = AtLimit::answer_busy;
  TestDatabase db(options);
  std::vector<CommitTicket> tickets;
  for (int i = 0; i != 3; ++i) tickets.push_back(submit(db));
  EXPECT_TRUE(tickets[2].wait_for(std::chrono::nanoseconds(0))) << "busy is answered at once";
  EXPECT_FALSE(tickets[1].wait_for(std::chrono::nanoseconds(0)));
  EXPECT_EQ(db.engine.counts().failures, 1U);
  db.step();
  EXPECT_TRUE(tickets[0].get());
  EXPECT_TRUE(tickets[1].get());
  EXPECT_EQ(code_of(tickets[2].get()), ErrorCode::busy);
  EXPECT_EQ(db.snapshot().count<Position>(), 2U);
  CommitTicket again = submit(db);
  db.step();
  EXPECT_TRUE(again.get());
}

/// Starts at once and ends by itself.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Task commit_twice(TestDatabase& db, std::vector<Version>& seen) {
  seen.push_back(version_of(co_await submit(db)));
  CommitTicket second = submit(db);
  seen.push_back(version_of(co_await second));
}

TEST(CoAwait, GoesOnWithTheAnswer) {
  TestDatabase db;
  std::vector<Version> seen;
  commit_twice(db, seen);
  EXPECT_TRUE(seen.empty());
  db.step();
  EXPECT_EQ(seen, (std::vector<Version>{1}));
  db.step();
  EXPECT_EQ(seen, (std::vector<Version>{1, 2}));
}

Task await_answered(CommitTicket ticket, std::optional<Version>& seen) { seen = version_of(co_await ticket); }

TEST(CoAwait, DoesNotSuspendWhereTheAnswerIsThere) {
  TestDatabase db;
  CommitTicket ticket = submit(db);
  db.step();
  std::optional<Version> seen;
  await_answered(std::move(ticket), seen);
  EXPECT_EQ(seen, 1U);
}

}  // namespace
}  // namespace stoa::txn::test
