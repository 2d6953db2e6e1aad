// The end of a database while answers are on their way: functions that get them run each once, wherever they ask from,
// and one of them may be what ends it.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace stoa {
namespace {

using Answer = std::expected<Commit, Error>;

struct Point {
  int x;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x))

Database make(WriterMode writer) {
  Schema schema("end_test");
  schema.table<Point>("point");
  Options options;
  options.writer = writer;
  return *Database::in_memory(schema, options);
}

CommitTicket submit(Database& db, int x) {
  Transaction transaction = db.begin();
  transaction.insert(transaction.create(), Point{x});
  return std::move(transaction).submit();
}

class End : public testing::TestWithParam<WriterMode> {
 protected:
  std::optional<Database> db_{make(GetParam())};
  void step() {
    if (GetParam() == WriterMode::manual) db_->step();
  }
};

TEST_P(End, AnswersFunctionsThatComeAfterIt) {
  CommitTicket closed = submit(*db_, 1);
  CommitTicket gone = submit(*db_, 2);
  ASSERT_TRUE(db_->close());
  std::optional<Version> seen;
  closed.then([&](const Answer& answer) { seen = answer.value().version; });
  EXPECT_EQ(seen, 1U) << "no thread is left: it runs here";
  db_.reset();
  gone.then([&](const Answer& answer) { seen = answer.value().version; });
  EXPECT_EQ(seen, 2U);
}

TEST_P(End, MayComeFromAFunction) {
  constexpr int after = 10;
  std::atomic<int> ran{0};
  std::promise<void> last;
  std::vector<CommitTicket> tickets;
  for (int i = 0; i <= after; ++i) tickets.push_back(submit(*db_, i));
  const auto count = [&](const Answer& answer) {
    EXPECT_TRUE(answer);
    if (ran.fetch_add(1) == after) last.set_value();
  };
  tickets.front().then([&](const Answer& answer) {
    for (int i = 1; i <= after; ++i) tickets[static_cast<std::size_t>(i)].then(count);
    EXPECT_TRUE(db_->close());
    count(answer);
    db_.reset();
  });
  step();
  EXPECT_EQ(last.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready) << ran << " ran";
  EXPECT_FALSE(db_);
}

TEST_P(End, MayComeWithWhatAFunctionHolds) {
  struct Server {
    Database db;
    std::promise<void> gone;
    ~Server() { gone.set_value(); }
  };
  auto server = std::make_shared<Server>(std::move(*db_));
  auto gone = server->gone.get_future();
  Server& there = *server;
  submit(there.db, 1).then([server = std::move(server)](const Answer& answer) { EXPECT_TRUE(answer); });
  if (GetParam() == WriterMode::manual) there.db.step();
  EXPECT_EQ(gone.wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

INSTANTIATE_TEST_SUITE_P(WithAWriter, End, testing::Values(WriterMode::thread, WriterMode::manual),
                         [](const auto& mode) { return mode.param == WriterMode::thread ? "thread" : "manual"; });

// Many ask for their answers to be handed on while the database goes.
TEST(EndConcurrent, RunsEachFunctionOnce) {
  constexpr int threads_count = 3;
  constexpr int each = 40;
  for (int round = 0; round != 60; ++round) {
    std::optional<Database> db(make(WriterMode::thread));
    std::vector<std::vector<CommitTicket>> tickets(threads_count);
    for (auto& of_thread : tickets) {
      for (int i = 0; i != each; ++i) of_thread.push_back(submit(*db, i));
    }
    std::atomic<int> ran{0};
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (auto& of_thread : tickets) {
      threads.emplace_back([&] {
        while (!go.load()) std::this_thread::yield();
        for (CommitTicket& ticket : of_thread) ticket.then([&](const Answer& answer) { ran += answer ? 1 : 0; });
      });
    }
    go = true;
    if (round % 2 == 0) std::this_thread::yield();
    db.reset();
    for (std::thread& thread : threads) thread.join();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (ran != threads_count * each && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    ASSERT_EQ(ran, threads_count * each);
  }
}

// A function may be submitting while the database is closed: it gets an answer, whichever.
TEST(EndConcurrent, AnswersWhatFunctionsSubmitMeanwhile) {
  constexpr int each = 40;
  for (int round = 0; round != 200; ++round) {
    Database db = make(WriterMode::thread);
    std::atomic<int> answered{0};
    for (int i = 0; i != each; ++i) {
      submit(db, i).then([&](const Answer&) {
        const Answer nested = submit(db, 1).get();
        answered += nested || nested.error().code() == ErrorCode::closed ? 1 : 0;
      });
    }
    EXPECT_TRUE(db.close());
    EXPECT_EQ(answered, each);
  }
}

}  // namespace
}  // namespace stoa
