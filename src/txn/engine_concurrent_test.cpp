// The engine among threads: several that submit, and one that waits for room.
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

// Looks again until it is so; what never comes true ends with the test's time.
void wait_until(const std::function<bool()>& so) {
  while (!so()) std::this_thread::sleep_for(std::chrono::microseconds(100));
}

TEST(EngineConcurrent, FlushesOfABatchShareOneFlushAndItsError) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  db.sink.on_flush = [] { return std::unexpected(Error(ErrorCode::io, "the disk is gone")); };
  std::vector<std::expected<Version, Error>> answers(3);
  std::vector<std::jthread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&db, &answer] { answer = db.engine.flush(); });
  }
  wait_until([&] { return db.engine.counts().in_flight.count == 3; });
  Transaction transaction = db.begin();
  transaction.update(entity, Position{5, 5});
  CommitTicket ticket = std::move(transaction).submit();
  // A flush may be counted and not yet queued, but then it comes with one of the next steps.
  for (std::size_t answered = 0; answered < 4;) answered += db.step();
  threads.clear();

  std::size_t failed = 0;
  for (const auto& answer : answers) {
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().code() == ErrorCode::io || answer.error().code() == ErrorCode::read_only);
    failed += answer.error().code() == ErrorCode::io ? 1U : 0U;
  }
  EXPECT_GE(failed, 1U);
  EXPECT_EQ(db.sink.flush_calls, 1U);
  // In the same batch, or in one after the flush failed.
  if (ticket.get()) {
    EXPECT_EQ(db.snapshot().get<Position>(entity)->x, 5);
  } else {
    EXPECT_EQ(code_of(ticket.get()), ErrorCode::read_only);
    EXPECT_EQ(db.snapshot().get<Position>(entity)->x, 1);
  }
}

TEST(EngineConcurrent, ASubmitAtTheLimitWaitsForAStep) {
  Options options = stepped();
  options.in_flight_transactions_max = 2;
  TestDatabase db(options);
  const Entity entity = db.add_positions(1)[0];
  constexpr int transactions = 50;
  std::atomic<int> submitted{0};
  std::jthread producer([&] {
    for (int i = 1; i <= transactions; ++i) {
      Transaction transaction = db.begin();
      transaction.update(entity, Position{0, static_cast<double>(i)});
      (void)std::move(transaction).submit();
      submitted.store(i, std::memory_order_relaxed);  // relaxed: only the number is looked at
    }
  });
  for (int i = 0; i < transactions; ++i) {
    wait_until([&] { return db.step(1) == 1; });
    EXPECT_LE(submitted.load(std::memory_order_relaxed), i + 3);  // relaxed: as above
    EXPECT_LE(db.engine.counts().in_flight.count, 2U);
  }
  producer.join();
  EXPECT_EQ(db.version(), 1U + transactions);
  EXPECT_EQ(db.snapshot().get<Position>(entity)->y, transactions);
}

TEST(EngineConcurrent, EveryCommitOfManyThreadsGetsAVersionOfItsOwn) {
  constexpr std::size_t threads = 3;
  constexpr std::size_t transactions = 200;
  Options options;
  options.in_flight_transactions_max = 4;
  options.batch_transactions_max = 3;
  TestDatabase db(options);
  const std::vector<Entity> entities = db.add_positions(threads);
  std::vector<std::vector<Version>> versions(threads);
  std::size_t failed = 0;
  {
    std::vector<std::jthread> producers;
    for (std::size_t thread = 0; thread < threads; ++thread) {
      producers.emplace_back([&, thread] {
        for (std::size_t i = 0; i < transactions; ++i) {
          Transaction transaction = db.begin();
          transaction.update(entities[thread], Position{0, static_cast<double>(i + 1)});
          versions[thread].push_back(version_of(std::move(transaction).commit()));
        }
      });
    }
    for (std::size_t i = 0; i < transactions; ++i) {
      failed += db.write([&](Writer&) -> std::expected<void, Error> { return std::unexpected(Error::invalid("no")); })
                    ? 0U
                    : 1U;
    }
  }
  ASSERT_TRUE(db.engine.close());
  EXPECT_EQ(failed, transactions);
  std::set<Version> all;
  for (const auto& own : versions) {
    EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
    all.insert(own.begin(), own.end());
  }
  EXPECT_EQ(all.size(), threads * transactions);
  EXPECT_EQ(*all.rbegin(), 1 + threads * transactions);
  Version logged = 0;
  for (const ScriptedSink::Batch& batch : db.sink.batches) {
    EXPECT_LE(batch.size(), 3U);
    for (const ScriptedSink::Record& record : batch) EXPECT_EQ(record.version, ++logged);
  }
  EXPECT_EQ(logged, db.version());
}

/// A writer thread that waits for company, so long that only a test that fails sees the end of it.
class BatchDelay : public ::testing::Test {
 protected:
  static Options with_delay(std::chrono::nanoseconds delay, std::size_t batch_max = 4096) {
    Options options;
    options.batch_delay = delay;
    options.batch_transactions_max = batch_max;
    return options;
  }
  static CommitTicket submit(TestDatabase& db, Entity entity, double x) {
    Transaction transaction = db.begin();
    transaction.update(entity, Position{x, 0});
    return std::move(transaction).submit();
  }
  static CommitTicket submit_new(TestDatabase& db) {
    Transaction transaction = db.begin();
    transaction.insert(transaction.create(), Mass{1});
    return std::move(transaction).submit();
  }
  static std::vector<std::size_t> batch_sizes(const TestDatabase& db) {
    std::vector<std::size_t> out;
    for (const auto& batch : db.sink.batches) out.push_back(batch.size());
    return out;
  }
};

TEST_F(BatchDelay, LetsThoseShareABatchThatComeMeanwhile) {
  using namespace std::chrono_literals;
  TestDatabase db(with_delay(200ms));
  const Entity entity = db.add_positions(1)[0];
  {
    std::vector<CommitTicket> tickets;
    for (int i = 0; i != 5; ++i) {
      tickets.push_back(submit(db, entity, i + 2));
      std::this_thread::sleep_for(1ms);
    }
    for (CommitTicket& ticket : tickets) EXPECT_TRUE(ticket.get());
  }
  ASSERT_TRUE(db.engine.close());
  EXPECT_EQ(batch_sizes(db), (std::vector<std::size_t>{1, 5}));
}

TEST_F(BatchDelay, EndsWhenEnoughComeOrAFlushOrTheEnd) {
  using namespace std::chrono_literals;
  const auto start = std::chrono::steady_clock::now();
  for (int what = 0; what != 3; ++what) {
    TestDatabase db(with_delay(1s, 4));
    std::vector<CommitTicket> tickets;
    tickets.push_back(submit_new(db));
    std::this_thread::sleep_for(10ms);  // the writer sleeps now
    if (what == 0) {
      for (int i = 0; i != 3; ++i) tickets.push_back(submit_new(db));
    } else if (what == 1) {
      EXPECT_TRUE(db.engine.flush());
    } else {
      EXPECT_TRUE(db.engine.close());
    }
    for (CommitTicket& ticket : tickets) EXPECT_TRUE(ticket.get());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s) << "none of the three slept";
}

// The log is to be synced so often, whoever waits.
TEST_F(BatchDelay, LetsTheSinkHaveItsRest) {
  using namespace std::chrono_literals;
  TestDatabase db(with_delay(1s, 4));
  std::atomic<bool> rested{false};
  db.sink.on_commit = [&]() -> ScriptedSink::Answer {
    db.sink.next_rest = std::chrono::steady_clock::now() + 20ms;
    return {};
  };
  db.sink.on_rest = [&]() -> ScriptedSink::Answer {
    rested = true;
    return {};
  };
  {
    std::vector<CommitTicket> tickets;
    for (int i = 0; i != 4; ++i) tickets.push_back(submit_new(db));
    for (CommitTicket& ticket : tickets) EXPECT_TRUE(ticket.get());
    const auto start = std::chrono::steady_clock::now();
    tickets.push_back(submit_new(db));  // waits for company
    wait_until([&] { return rested.load(); });
    EXPECT_LT(std::chrono::steady_clock::now() - start, 900ms);
  }
  ASSERT_TRUE(db.engine.close());
}

TEST_F(BatchDelay, IsNotSleptWhereEnoughAreThereOrAFlushIs) {
  using namespace std::chrono_literals;
  const auto start = std::chrono::steady_clock::now();
  TestDatabase db(with_delay(1s, 2));
  const Entity entity = db.add_positions(1)[0];  // sleeps a second
  std::atomic<bool> go{false};
  std::thread blocker([&] { (void)db.write([&](Writer&) { wait_until([&] { return go.load(); }); }); });
  wait_until([&] { return db.engine.counts().function_runs.count() != 0; });  // and another
  {
    std::array tickets{submit(db, entity, 2), submit(db, entity, 3), submit(db, entity, 4), submit(db, entity, 5)};
    go = true;
    blocker.join();
    for (CommitTicket& ticket : tickets) EXPECT_TRUE(ticket.get());
  }
  EXPECT_TRUE(db.engine.flush());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s) << "neither the four slept nor the flush";
  ASSERT_TRUE(db.engine.close());
  EXPECT_EQ(batch_sizes(db), (std::vector<std::size_t>{1, 2, 2}));
}

}  // namespace
}  // namespace stoa::txn::test
