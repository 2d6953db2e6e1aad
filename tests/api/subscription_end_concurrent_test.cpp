// How subscriptions end: by their handle, by themselves, with the database, and by several of these at once.
#include "api/fleet.h"
#include "api/subscribing.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

using stoa::Backlog;
using stoa::Database;
using stoa::Delta;
using stoa::Entity;
using stoa::Error;
using stoa::ErrorCode;
using stoa::Filter;
using stoa::Options;
using stoa::SubscribeOptions;
using stoa::Subscription;
using stoa::Version;
using stoa::test::add_ship;
using stoa::test::long_enough;
using stoa::test::fleet::make_schema;
using stoa::test::fleet::Ship;

// For another thread to come to where it stands still; where it does not, the test is green and shows nothing.
constexpr auto a_while = 30ms;

/// Where threads stop until they are let go on.
class Gate {
 public:
  void pass() {
    reached_.store(true, std::memory_order_seq_cst);
    reached_.notify_all();
    open_.wait(false, std::memory_order_seq_cst);
  }
  void wait_until_reached() { reached_.wait(false, std::memory_order_seq_cst); }
  void open() {
    open_.store(true, std::memory_order_seq_cst);
    open_.notify_all();
  }

 private:
  std::atomic<bool> reached_{false};
  std::atomic<bool> open_{false};
};

/// Says when it goes.
class Held {
 public:
  explicit Held(std::atomic<bool>& gone) : gone_(gone) {}
  ~Held() { gone_.store(true); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  std::atomic<bool>& gone_;
};

// --- With the database
// ------------------------------------------------------------------------------------------------

// What is committed while a filter is asked for the last time is told as well.
TEST(SubscriptionEnd, ByACloseTellsWhatWasCommittedMeanwhile) {
  Database database = *Database::in_memory(make_schema());
  Gate gate;
  std::atomic<int> told{0};
  Subscription subscription = *database.subscribe(Filter().where<Ship>([&](Entity, const Ship& ship) {
    if (ship.speed == 1) gate.pass();
    return ship.speed > 1;
  }),
                                                  [&](const Delta& delta) { told += delta.empty() ? 0 : 1; });
  add_ship(database, 1);
  gate.wait_until_reached();
  add_ship(database, 2);
  std::thread closing([&] { EXPECT_TRUE(database.close()); });
  std::this_thread::sleep_for(a_while);
  gate.open();
  closing.join();
  EXPECT_EQ(told, 1);
}

// Whoever else is waiting for its thread already.
TEST(SubscriptionEnd, OfItsHandleInAnothersFunctionWaitsWhileTheDatabaseCloses) {
  Database database = *Database::in_memory(make_schema());
  Gate gate;
  Gate in_other;
  std::atomic<bool> inside{false};
  std::optional<Subscription> first = *database.subscribe([&](const Delta&) {
    inside = true;
    gate.pass();
    std::this_thread::sleep_for(a_while);
    inside = false;
  });
  std::atomic<bool> was_inside{false};
  const Subscription second = *database.subscribe([&](const Delta&) {
    in_other.pass();
    first.reset();
    was_inside = inside.load();
  });
  add_ship(database, 1);
  gate.wait_until_reached();
  in_other.wait_until_reached();
  std::thread closing([&] { EXPECT_TRUE(database.close()); });
  std::this_thread::sleep_for(a_while);  // it waits for the first
  in_other.open();
  gate.open();
  closing.join();
  EXPECT_FALSE(was_inside);
}

// The function that closed the database may not be through.
TEST(SubscriptionEnd, OfItsHandleWaitsForAFunctionThatClosedTheDatabase) {
  Database database = *Database::in_memory(make_schema());
  Gate closed;
  std::atomic<bool> inside{false};
  {
    const Subscription subscription = *database.subscribe([&](const Delta&) {
      inside = true;
      EXPECT_TRUE(database.close());
      closed.pass();
      std::this_thread::sleep_for(a_while);
      inside = false;
    });
    stoa::Transaction tx = database.begin();
    tx.insert(tx.create(), Ship{1, "Ida"});
    (void)std::move(tx).submit();
    closed.wait_until_reached();
    closed.open();
  }
  EXPECT_FALSE(inside);
}

// A thread that polls notices that the database is gone, and touches nothing of it after.
TEST(SubscriptionEnd, OfTheDatabaseIsNoticedByWhoPolls) {
  for (int round = 0; round != 100; ++round) {
    std::optional<Database> database = *Database::in_memory(make_schema());
    Subscription whole = *database->subscribe();
    Subscription filtered = *database->subscribe(Filter().tables<Ship>());
    std::vector<std::jthread> threads;
    for (Subscription* subscription : {&whole, &filtered}) {
      threads.emplace_back([subscription, round] {
        for (;;) {
          const auto delta = round % 2 == 0 ? subscription->poll(long_enough) : subscription->poll();
          if (delta) continue;
          EXPECT_EQ(delta.error().code(), ErrorCode::closed);
          return;
        }
      });
    }
    for (std::uint32_t i = 0; i != 5; ++i) add_ship(*database, i);
    database.reset();
  }
}

// The writer does not wait for who cannot get anything any more.
TEST(SubscriptionEnd, OfTheDatabaseDoesNotWaitForWhoWouldPoll) {
  Options options;
  options.history_bytes_max = 0;
  options.backlog_bytes_max = 4 << 10U;
  options.writer = stoa::WriterMode::manual;
  Database database = *Database::in_memory(make_schema(), options);
  const Subscription subscription = *database.subscribe({.backlog = Backlog::wait, .wait_max = long_enough});
  for (std::uint32_t i = 0; i != 1000; ++i) {
    stoa::Transaction tx = database.begin();
    tx.insert(tx.create(), Ship{1, "Ida"});
    (void)std::move(tx).submit();
  }
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(database.close());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, long_enough / 2);
}

// --- By itself
// ----------------------------------------------------------------------------------------------------------

TEST(SubscriptionEnd, OfAPolledOneMayTakeItsHandleAlong) {
  Database database = *Database::in_memory(make_schema());
  std::atomic<bool> gone{false};
  bool gone_inside = true;
  std::optional<Subscription> subscription;
  SubscribeOptions options;
  options.ended = [&, held = std::make_shared<Held>(gone)](const Error&) {
    subscription.reset();
    (void)database.subscribe();  // which forgets those that have ended
    gone_inside = gone;
  };
  subscription = *database.subscribe(
      Filter().where<Ship>([](Entity, const Ship&) -> bool { throw std::runtime_error("no"); }), std::move(options));
  add_ship(database, 1);
  EXPECT_EQ(subscription->poll().error().code(), ErrorCode::aborted);
  EXPECT_FALSE(gone_inside);
  (void)database.subscribe();
  EXPECT_TRUE(gone);
}

TEST(SubscriptionEnd, ComesByWhateverIsThrown) {
  Database database = *Database::in_memory(make_schema());
  std::promise<Error> told;
  std::promise<Error> asked;
  const Subscription by_function =
      *database.subscribe([](const Delta&) { throw 42; },  // NOLINT(hicpp-exception-baseclass): what is tested
                          {.ended = [&](const Error& error) { told.set_value(error); }});
  const Subscription by_filter = *database.subscribe(
      Filter().where<Ship>([](Entity, const Ship&) -> bool { throw 42; }),  // NOLINT(hicpp-exception-baseclass)
      [](const Delta&) {}, {.ended = [&](const Error& error) { asked.set_value(error); }});
  add_ship(database, 1);
  for (std::promise<Error>* ended : {&told, &asked}) {
    auto why = ended->get_future();
    ASSERT_EQ(why.wait_for(long_enough), std::future_status::ready);
    EXPECT_EQ(why.get().code(), ErrorCode::aborted);
  }
}

TEST(SubscriptionEnd, IsSeenInTheMetrics) {
  Database database = *Database::in_memory(make_schema());
  Subscription subscription =
      *database.subscribe(Filter().where<Ship>([](Entity, const Ship&) -> bool { throw std::runtime_error("no"); }));
  const stoa::Snapshot before = database.snapshot();
  add_ship(database, 1);
  EXPECT_EQ(database.metrics().subscriptions, 1U);
  EXPECT_FALSE(subscription.poll());
  EXPECT_EQ(subscription.error()->code(), ErrorCode::aborted);
  EXPECT_EQ(database.metrics().subscriptions, 0U);
}

// It waited for it once for as long as it was to, though what it dropped then had been copied before.
TEST(SubscriptionEnd, ComesToWhomTheWriterHasGivenUp) {
  Options options;
  options.history_bytes_max = 0;
  options.backlog_bytes_max = 16 << 10U;
  Database database = *Database::in_memory(make_schema(), options);
  Gate first;
  Gate second;
  std::promise<Error> ended;
  const Subscription subscription = *database.subscribe(
      [&](const Delta& delta) {
        if (delta.to() == 1) first.pass();
        if (delta.to() == 2) second.pass();
      },
      {.backlog = Backlog::wait, .wait_max = 1ms, .ended = [&](const Error& error) { ended.set_value(error); }});
  add_ship(database, 1);
  first.wait_until_reached();
  while (add_ship(database, 1) != 100) continue;
  first.open();
  second.wait_until_reached();  // it has up to 100
  ASSERT_EQ(database.metrics().history_from, 0U);
  while (database.metrics().history_from <= 1) add_ship(database, 1);  // without a wait as long as it is not behind
  ASSERT_LE(database.metrics().history_from, 100U);
  second.open();
  auto why = ended.get_future();
  ASSERT_EQ(why.wait_for(long_enough), std::future_status::ready);
  EXPECT_EQ(why.get().code(), ErrorCode::history_gone);
  EXPECT_EQ(subscription.version(), 100U);
}

// --- Not where it cannot help it
// ----------------------------------------------------------------------------------------

// One that had all before it gets a batch whole, however large.
TEST(SubscriptionEnd, DoesNotComeByALargeBatch) {
  for (const Backlog backlog : {Backlog::end, Backlog::wait}) {
    Options options;
    options.history_bytes_max = 0;
    options.backlog_bytes_max = 4 << 10U;
    options.writer = stoa::WriterMode::manual;
    Database database = *Database::in_memory(make_schema(), options);
    Subscription subscription = *database.subscribe({.backlog = backlog, .wait_max = 1ms});
    for (Version batch = 0; batch != 3; ++batch) {
      for (std::uint32_t i = 0; i != 1000; ++i) {
        stoa::Transaction tx = database.begin();
        tx.insert(tx.create(), Ship{1, "Ida"});
        (void)std::move(tx).submit();
      }
      ASSERT_EQ(database.step(), 1000U);
      for (Version version = 1; version <= 1000; ++version) {
        const auto delta = subscription.poll();
        ASSERT_TRUE(delta) << delta.error().message();
        ASSERT_EQ((*delta)->to(), 1000 * batch + version);
      }
      ASSERT_FALSE(subscription.poll().value());  // who asks for more has got all before it
    }
  }
}

// The log is synced by the writer, who waits for one who waits for that.
TEST(SubscriptionEnd, DoesNotComeToWhomTheWriterKeepsWaiting) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "stoa_subscription_end_test";
  std::filesystem::remove_all(folder);
  Options options;
  options.history_bytes_max = 0;
  options.backlog_bytes_max = 16 << 10U;
  options.durability = stoa::Durability::async(std::chrono::hours(1));
  Database database = *Database::open(folder, make_schema(), options);
  std::atomic<int> told{0};
  const Subscription subscription =
      *database.subscribe([&](const Delta&) { ++told; }, {.backlog = Backlog::wait, .wait_max = 10s});
  for (std::uint32_t i = 0; i != 1000; ++i) add_ship(database, 1);
  EXPECT_GT(told, 0);
  EXPECT_FALSE(subscription.error());
  ASSERT_TRUE(database.close_and_remove());
  EXPECT_EQ(told, 1000);
}

// --- Not yet
// ------------------------------------------------------------------------------------------------------------

// What does not concern the filter does not end the wait.
TEST(SubscriptionEnd, OfAPollComesWithADeltaOrTheTime) {
  Database database = *Database::in_memory(make_schema());
  Subscription subscription =
      *database.subscribe(Filter().where<Ship>([](Entity, const Ship& ship) { return ship.speed > 50; }));
  ASSERT_TRUE(subscription.poll().value());
  std::jthread writer([&] {
    for (std::uint32_t i = 0; i != 10; ++i) {
      std::this_thread::sleep_for(1ms);
      add_ship(database, i);
    }
    add_ship(database, 60);
  });
  const auto delta = subscription.poll(long_enough).value();
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->ops().size(), 2U);
  writer.join();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(subscription.poll(5ms).value());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 5ms);
}

}  // namespace
