// Subscriptions: each transaction once, in order, off the writer; and what becomes of those who are slow, who end in
// the middle of a call, and whom the database leaves.
#include "api/fleet.h"
#include "api/subscribing.h"
#include "isolation/environment.h"

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
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
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
using stoa::test::Random;
using stoa::test::wait_until;
using stoa::test::fleet::Fleet;
using stoa::test::fleet::make_schema;
using stoa::test::fleet::Ship;

Options small_backlog() {
  Options options;
  options.history_bytes_max = 0;
  options.backlog_bytes_max = 16 << 10U;
  return options;
}

/// What a function was told.
class Log {
 public:
  void add(const Delta& delta) {
    const std::scoped_lock lock(mutex_);
    deltas_.push_back(delta);
  }
  [[nodiscard]] std::vector<Delta> all() const {
    const std::scoped_lock lock(mutex_);
    return deltas_;
  }
  [[nodiscard]] std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return deltas_.size();
  }
  auto function() {
    return [this](const Delta& delta) { add(delta); };
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Delta> deltas_;
};

// --- Transactions --------------------------------------------------------------------------------------------------

TEST(Subscription, GetsEachTransactionOnceInOrderOffTheWriter) {
  constexpr int threads = 4;
  constexpr int transactions = 2000;
  Database database = *Database::in_memory(make_schema());
  add_ship(database, 1);  // before: not told
  Log log;
  std::atomic<bool> visible{true};
  std::set<std::thread::id> seen_on;
  Subscription subscription = *database.subscribe([&](const Delta& delta) {
    visible = visible && database.version() >= delta.to() && database.snapshot().version() >= delta.to();
    seen_on.insert(std::this_thread::get_id());
    log.add(delta);
  });
  EXPECT_EQ(subscription.version(), 1U);
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i != threads; ++i) {
      writers.emplace_back([&] {
        for (int n = 0; n != transactions; ++n) add_ship(database, 2);
      });
    }
  }
  ASSERT_TRUE(wait_until([&] { return log.size() == threads * transactions; }));
  EXPECT_TRUE(visible);
  EXPECT_EQ(seen_on.size(), 1U);
  EXPECT_FALSE(seen_on.contains(std::this_thread::get_id()));
  Version at = 1;
  for (const Delta& delta : log.all()) {
    ASSERT_EQ(delta.from(), at);
    ASSERT_EQ(delta.to(), ++at);
    ASSERT_EQ(delta.ops().size(), 2U);
  }
  EXPECT_EQ(subscription.version(), at);
  EXPECT_FALSE(subscription.error());
}

// All histories end up the same, whoever tells them.
TEST(Subscription, MakesAReplicaThatHasSubscribersItself) {
  const std::uint64_t seed = stoa::test::test_seed();
  SCOPED_TRACE(seed);
  Random random(seed);
  Fleet primary(random);
  Fleet replica(random);
  Fleet second(random);
  const auto feed = [](Fleet& to) {
    return [&to](const Delta& delta) {
      const auto applied = to.database.apply(*Delta::decode(delta.encode()));
      if (!applied) throw std::runtime_error(applied.error().message());
    };
  };
  Subscription first = *primary.database.subscribe(feed(replica));
  Subscription next = *replica.database.subscribe(feed(second));
  for (int round = 0; round != 500; ++round) primary.act();
  const Version last = primary.database.version();
  ASSERT_TRUE(second.database.wait_for_version(last, long_enough)) << first.error()->message();
  EXPECT_EQ(replica.snapshot().state_hash(), primary.snapshot().state_hash());
  EXPECT_EQ(second.snapshot().state_hash(), primary.snapshot().state_hash());
}

TEST(Subscription, IsPolled) {
  Options options;
  options.writer = stoa::WriterMode::manual;
  Database database = *Database::in_memory(make_schema(), options);
  Subscription subscription = *database.subscribe();
  EXPECT_FALSE(subscription.poll().value());
  add_ship(database, 1);
  add_ship(database, 2);
  EXPECT_EQ(subscription.version(), 0U);
  EXPECT_EQ(subscription.poll().value()->to(), 1U);
  EXPECT_EQ(subscription.version(), 1U);
  EXPECT_EQ(subscription.poll(1s).value()->to(), 2U);
  EXPECT_FALSE(subscription.poll(1ms).value());
  ASSERT_TRUE(database.close());
  EXPECT_EQ(subscription.poll().error().code(), ErrorCode::closed);
}

TEST(Subscription, IsPolledByWhoWaits) {
  Database database = *Database::in_memory(make_schema());
  Subscription subscription = *database.subscribe();
  std::jthread writer([&] {
    std::this_thread::sleep_for(5ms);
    add_ship(database, 1);
  });
  EXPECT_EQ(subscription.poll(long_enough).value()->to(), 1U);
}

TEST(Subscription, ThrowsWhereItIsUsedWrongly) {
  Database database = *Database::in_memory(make_schema());
  Subscription called = *database.subscribe([](const Delta&) {});
  EXPECT_THROW((void)called.poll(), std::logic_error);
  const Subscription moved = std::move(called);
  EXPECT_THROW((void)called.version(), std::logic_error);  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_EQ(moved.version(), 0U);
  ASSERT_TRUE(database.close());
  EXPECT_EQ(database.subscribe([](const Delta&) {}).error().code(), ErrorCode::closed);
  EXPECT_EQ(database.subscribe(Filter(), [](const Delta&) {}).error().code(), ErrorCode::closed);
}

// What was committed is told before close() returns.
TEST(Subscription, GetsAllBeforeTheDatabaseIsClosed) {
  for (int round = 0; round != 20; ++round) {
    Log log;
    Database database = *Database::in_memory(make_schema());
    Subscription subscription = *database.subscribe(log.function());
    for (int i = 0; i != 100; ++i) {
      stoa::Transaction tx = database.begin();
      tx.insert(tx.create(), Ship{1, "Ida"});
      (void)std::move(tx).submit();
    }
    ASSERT_TRUE(database.close());
    ASSERT_EQ(log.size(), 100U);
    EXPECT_EQ(subscription.version(), 100U);
  }
}

TEST(Subscription, EndsWithItsHandle) {
  Database database = *Database::in_memory(make_schema());
  std::atomic<int> calls{0};
  std::atomic<bool> inside{false};
  {
    Subscription subscription = *database.subscribe([&](const Delta&) {
      inside = true;
      std::this_thread::sleep_for(2ms);
      ++calls;
      inside = false;
    });
    for (std::uint32_t i = 0; i != 50; ++i) add_ship(database, i);
    ASSERT_TRUE(wait_until([&] { return calls > 0; }));
  }
  EXPECT_FALSE(inside);
  const int before = calls;
  add_ship(database, 1);
  std::this_thread::sleep_for(10ms);
  EXPECT_EQ(calls, before);
  EXPECT_EQ(database.metrics().subscriptions, 0U);
}

TEST(Subscription, EndsInsideItsFunction) {
  Database database = *Database::in_memory(make_schema());
  std::optional<Subscription> subscription;
  std::promise<void> ended;
  std::mutex mutex;
  int calls = 0;
  {
    const std::scoped_lock lock(mutex);
    subscription = *database.subscribe([&](const Delta&) {
      const std::scoped_lock wait(mutex);
      ++calls;
      subscription.reset();
      ended.set_value();
    });
  }
  add_ship(database, 1);
  add_ship(database, 2);
  ASSERT_EQ(ended.get_future().wait_for(long_enough), std::future_status::ready);
  ASSERT_TRUE(database.close());
  EXPECT_EQ(calls, 1);
}

// The last thing that happens to it may be one of its subscribers.
TEST(Subscription, MayEndTheDatabase) {
  for (const bool closes : {true, false}) {
    auto database = std::make_unique<Database>(*Database::in_memory(make_schema()));
    std::promise<void> ended;
    Subscription subscription = *database->subscribe([&](const Delta&) {
      if (closes) {
        EXPECT_TRUE(database->close());
      } else {
        database.reset();
      }
      ended.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that the handles end meanwhile
    });
    Log other;
    Subscription beside = *database->subscribe(other.function());
    (void)[&] {
      stoa::Transaction tx = database->begin();
      tx.insert(tx.create(), Ship{1, "Ida"});
      return std::move(tx).submit();
    }
    ();
    ASSERT_EQ(ended.get_future().wait_for(long_enough), std::future_status::ready);
    EXPECT_EQ(other.size(), 1U);
  }
}

TEST(Subscription, OutlivesTheDatabase) {
  Log log;
  std::optional<Subscription> subscription;
  std::optional<Subscription> polled;
  {
    Database database = *Database::in_memory(make_schema());
    subscription = *database.subscribe(log.function());
    polled = *database.subscribe();
    add_ship(database, 1);
  }
  EXPECT_EQ(log.size(), 1U);
  EXPECT_EQ(subscription->version(), 1U);
  EXPECT_EQ(polled->poll().error().code(), ErrorCode::closed);
  subscription->refilter();
}

TEST(Subscription, EndsByAnException) {
  Database database = *Database::in_memory(make_schema());
  std::promise<Error> ended;
  SubscribeOptions options;
  options.ended = [&](const Error& error) { ended.set_value(error); };
  Subscription subscription = *database.subscribe([](const Delta&) { throw std::runtime_error("no"); }, options);
  add_ship(database, 1);
  add_ship(database, 2);
  auto why = ended.get_future();
  ASSERT_EQ(why.wait_for(long_enough), std::future_status::ready);
  EXPECT_EQ(why.get().code(), ErrorCode::aborted);
  EXPECT_EQ(subscription.error()->code(), ErrorCode::aborted);
  EXPECT_EQ(subscription.version(), 1U);
}

// --- Slow ones -----------------------------------------------------------------------------------------------------

/// A function that stops at its first call until it is told to go on.
class Gate {
 public:
  void pass() {
    if (std::exchange(reached_, true)) return;
    at_.set_value();
    (void)open_.get_future().wait_for(long_enough);
  }
  void wait() { ASSERT_EQ(at_.get_future().wait_for(long_enough), std::future_status::ready); }
  void open() { open_.set_value(); }

 private:
  bool reached_ = false;
  std::promise<void> at_;
  std::promise<void> open_;
};

TEST(SlowSubscription, IsEndedAndKeepsNobodyWaiting) {
  Database database = *Database::in_memory(make_schema(), small_backlog());
  Gate gate;
  Log log;
  std::promise<Error> ended;
  SubscribeOptions options;
  options.ended = [&](const Error& error) { ended.set_value(error); };
  Subscription subscription = *database.subscribe(
      [&](const Delta& delta) {
        log.add(delta);
        gate.pass();
      },
      options);
  add_ship(database, 1);
  gate.wait();
  for (std::uint32_t i = 0; i != 3000; ++i) add_ship(database, i % 100);  // none of them waits
  EXPECT_LE(database.metrics().history_bytes, small_backlog().backlog_bytes_max);
  gate.open();
  auto why = ended.get_future();
  ASSERT_EQ(why.wait_for(long_enough), std::future_status::ready);
  EXPECT_EQ(why.get().code(), ErrorCode::history_gone);
  EXPECT_EQ(subscription.error()->code(), ErrorCode::history_gone);
  EXPECT_EQ(log.all().back().to(), subscription.version());
  // And the history goes with the last one that needed it.
  add_ship(database, 1);
  EXPECT_EQ(database.metrics().history_bytes, 0U);
}

TEST(SlowSubscription, GetsWhatItMissedAsOne) {
  Database database = *Database::in_memory(make_schema(), small_backlog());
  Database replica = *Database::in_memory(make_schema());
  Gate gate;
  Log log;
  Subscription subscription = *database.subscribe(
      [&](const Delta& delta) {
        EXPECT_TRUE(replica.apply(delta));
        log.add(delta);
        gate.pass();
      },
      {.backlog = Backlog::coalesce});
  add_ship(database, 1);
  gate.wait();
  for (std::uint32_t i = 0; i != 3000; ++i) add_ship(database, i % 100);
  gate.open();
  ASSERT_TRUE(replica.wait_for_version(3001, long_enough));
  for (std::uint32_t i = 0; i != 10; ++i) add_ship(database, i);
  ASSERT_TRUE(replica.wait_for_version(3011, long_enough));
  EXPECT_EQ(replica.snapshot().state_hash(), database.snapshot().state_hash());
  std::size_t leaps = 0;
  for (const Delta& delta : log.all()) leaps += delta.to() - delta.from() > 1 ? 1 : 0;
  EXPECT_EQ(leaps, 1U);
  EXPECT_LT(log.size(), 3000U);
  EXPECT_FALSE(subscription.error());
}

TEST(SlowSubscription, SlowsTheWriterIfItIsAsked) {
  Database database = *Database::in_memory(make_schema(), small_backlog());
  Gate gate;
  std::atomic<Version> told{0};
  std::atomic<Version> furthest_behind{0};
  Subscription subscription = *database.subscribe(
      [&](const Delta& delta) {
        furthest_behind = std::max<Version>(furthest_behind, database.version() - delta.to());
        told = delta.to();
        gate.pass();
      },
      {.backlog = Backlog::wait, .wait_max = long_enough});
  std::atomic<Version> committed{0};
  std::jthread writer([&] {
    for (std::uint32_t i = 0; i != 5000; ++i) committed = add_ship(database, i % 100);
  });
  gate.wait();
  Version before = 0;
  do {  // until it stands still
    before = committed;
    std::this_thread::sleep_for(50ms);
  } while (committed != before);
  EXPECT_LT(before, 5000U);
  gate.open();
  ASSERT_TRUE(wait_until([&] { return told == 5000; }));
  EXPECT_LT(furthest_behind, 2000U);
  EXPECT_FALSE(subscription.error());
}

// Only for as long as it said.
TEST(SlowSubscription, IsNotWaitedForForEver) {
  Database database = *Database::in_memory(make_schema(), small_backlog());
  Gate gate;
  Subscription subscription =
      *database.subscribe([&](const Delta&) { gate.pass(); }, {.backlog = Backlog::wait, .wait_max = 10ms});
  for (std::uint32_t i = 0; i != 3000; ++i) add_ship(database, i % 100);
  EXPECT_EQ(database.version(), 3000U);
  gate.open();
  ASSERT_TRUE(wait_until([&] { return subscription.error().has_value(); }));
  EXPECT_EQ(subscription.error()->code(), ErrorCode::history_gone);
}

// One that the writer waits for goes: so does the wait.
TEST(SlowSubscription, LetsTheWriterGoWhereItEnds) {
  Database database = *Database::in_memory(make_schema(), small_backlog());
  std::optional<Subscription> subscription = *database.subscribe({.backlog = Backlog::wait, .wait_max = long_enough});
  std::atomic<Version> committed{0};
  std::jthread writer([&] {
    for (std::uint32_t i = 0; i != 3000; ++i) committed = add_ship(database, i % 100);
  });
  Version before = 0;
  do {
    before = committed;
    std::this_thread::sleep_for(50ms);
  } while (committed != before || before == 0);
  EXPECT_LT(before, 3000U);
  subscription.reset();
  ASSERT_TRUE(wait_until([&] { return committed == 3000; }));
}

// In its function, submit() does not wait at a limit: the writer may be waiting for it.
TEST(SlowSubscription, IsNotKeptWaitingItself) {
  Options options;
  options.in_flight_transactions_max = 1;
  options.writer = stoa::WriterMode::manual;
  Database database = *Database::in_memory(make_schema(), options);
  std::promise<ErrorCode> answer;
  Subscription subscription = *database.subscribe([&](const Delta&) {
    stoa::Transaction first = database.begin();
    (void)first.create();
    stoa::Transaction second = database.begin();
    (void)second.create();
    auto kept = std::move(first).submit();
    const auto done = std::move(second).submit().get();
    answer.set_value(done ? ErrorCode{} : done.error().code());
  });
  add_ship(database, 1);
  auto busy = answer.get_future();
  ASSERT_EQ(busy.wait_for(long_enough), std::future_status::ready);
  EXPECT_EQ(busy.get(), ErrorCode::busy);
}

// --- Durable or visible --------------------------------------------------------------------------------------------

TEST(DurableSubscription, IsToldOnceItIsOnTheDisk) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "stoa_subscription_test";
  std::filesystem::remove_all(folder);
  Options options;
  options.durability = stoa::Durability::async(std::chrono::hours(1));
  Database database = *Database::open(folder, make_schema(), options);
  Log durable;
  Log visible;
  std::atomic<bool> too_early{false};
  Subscription first = *database.subscribe([&](const Delta& delta) {
    too_early = too_early || database.durable_version() < delta.to();
    durable.add(delta);
  });
  Subscription second = *database.subscribe(visible.function(), {.durable = false});
  Subscription coalesced = *database.subscribe({.backlog = Backlog::coalesce});
  Subscription filtered = *database.subscribe(Filter().tables<Ship>());
  EXPECT_TRUE(filtered.poll().value()->is_full());
  for (std::uint32_t i = 0; i != 5; ++i) add_ship(database, i);
  ASSERT_TRUE(wait_until([&] { return visible.size() == 5; }));
  EXPECT_EQ(durable.size(), 0U);
  EXPECT_FALSE(coalesced.poll().value());
  EXPECT_FALSE(filtered.poll().value());
  ASSERT_TRUE(database.flush());
  ASSERT_TRUE(wait_until([&] { return durable.size() == 5; }));
  EXPECT_FALSE(too_early);
  EXPECT_EQ(coalesced.poll().value()->to(), 1U);
  EXPECT_EQ(filtered.poll().value()->to(), 5U);
  ASSERT_TRUE(database.close_and_remove());
}

// --- Versions ------------------------------------------------------------------------------------------------------

TEST(OnVersion, IsToldEachOnceItIsVisible) {
  Database database = *Database::in_memory(make_schema());
  Database replica = *Database::in_memory(make_schema());
  add_ship(database, 1);
  std::mutex mutex;
  std::vector<Version> told;
  std::vector<Version> replicated;
  std::atomic<bool> too_early{false};
  database.on_version([&](Version version) {
    too_early = too_early || database.snapshot().version() < version;
    const std::scoped_lock lock(mutex);
    told.push_back(version);
  });
  replica.on_version([&](Version version) {
    const std::scoped_lock lock(mutex);
    replicated.push_back(version);
  });
  for (std::uint32_t i = 0; i != 100; ++i) add_ship(database, i);
  ASSERT_TRUE(replica.apply(Delta::full(database.snapshot())));
  ASSERT_TRUE(database.close());
  ASSERT_TRUE(replica.close());
  std::vector<Version> expected(100);
  std::iota(expected.begin(), expected.end(), 2U);
  EXPECT_EQ(told, expected);
  EXPECT_EQ(replicated, std::vector<Version>{101});  // one step, however many versions
  EXPECT_FALSE(too_early);
}

// A replica without a history may leap very far; it is told where it is, and not each number on the way.
TEST(OnVersion, IsToldTheNewestOfAReplicaThatKeepsNoHistory) {
  Database database = *Database::in_memory(make_schema());
  for (std::uint32_t i = 0; i != 10; ++i) add_ship(database, i);
  Options options;
  options.history_bytes_max = 0;
  Database replica = *Database::in_memory(make_schema(), options);
  std::vector<Version> told;
  replica.on_version([&](Version version) { told.push_back(version); });
  ASSERT_TRUE(replica.apply(Delta::full(database.snapshot())));
  ASSERT_TRUE(replica.close());
  EXPECT_EQ(told, std::vector<Version>{10});
}

}  // namespace
