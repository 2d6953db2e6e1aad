// Whoever is told of a version, in whichever way, finds it: also where the writer stands still at the instruction
// after. STOA_TEST_ROUNDS is how often it is stopped.
#include "environment.h"
#include "suspension.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::test {
namespace {

using namespace std::chrono_literals;

struct Parcel {
  std::uint64_t number;
};
BOOST_DESCRIBE_STRUCT(Parcel, (), (number))

Schema parcels() {
  Schema schema("parcels");
  schema.table<Parcel>("parcel");
  return schema;
}

/// One way of being told, and whether it was told each version once, in order and not too early.
class Told {
 public:
  explicit Told(Database& database) : database_(database), last_(database.version()) {}

  /// Of all up to the version, from the last one on: of one after the other, unless some are left out.
  void is_there(Version version, bool may_leave_out = false) {
    EXPECT_GE(database_.version(), version);
    EXPECT_GE(database_.snapshot().version(), version);
    if (!may_leave_out) {
      EXPECT_EQ(version, last_ + 1);
    }
    EXPECT_GT(version, last_);
    last_ = version;
    ++count_;
  }
  void is_there(const Delta& delta, bool may_leave_out = false) {
    is_there(delta.to(), may_leave_out);
    const Snapshot now = database_.snapshot();
    for (const DeltaOp& op : delta.ops()) EXPECT_TRUE(now.alive(op.entity));
  }
  [[nodiscard]] Version last() const { return last_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  Database& database_;
  std::atomic<Version> last_;
  std::atomic<std::uint64_t> count_{0};
};

// Commits, each with a function that gets the answer.
void send(Database& database, std::atomic<std::uint64_t>& answered, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Transaction tx = database.begin();
    const Entity parcel = tx.create();
    tx.insert(parcel, Parcel{1});
    std::move(tx).submit().then([&, parcel](const std::expected<Commit, Error>& answer) {
      ASSERT_TRUE(answer);
      const Snapshot now = database.snapshot();
      EXPECT_GE(now.version(), answer->version);
      EXPECT_TRUE(now.alive(parcel));
      ++answered;
    });
    const auto done = database.write([](Writer& writer) { writer.insert(writer.create(), Parcel{2}); });
    EXPECT_GE(database.snapshot().version(), done->version);
  }
}

void poll_until_closed(Subscription subscription, Told& told) {
  for (;;) {
    const auto delta = subscription.poll(1ms);
    if (!delta) break;
    if (*delta) told.is_there(**delta);
  }
}

void wait_until(Database& database, Told& told, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Version next = told.last() + 1;
    if (database.wait_for_version(next, 1ms)) told.is_there(next);
  }
}

TEST(NotifiedConcurrent, WhoIsToldOfAVersionFindsIt) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::uint64_t rounds = test_rounds(300, 50);
  Options options;
  options.backlog_bytes_max = std::size_t{1} << 30U;  // none is to be too slow
  Database database = *Database::in_memory(parcels(), options);
  pthread_t writer{};
  ASSERT_TRUE(database.write([&](Writer& w) {
    writer = pthread_self();
    w.insert(w.create(), Parcel{0});
  }));

  Told by_on_version(database);
  Told by_subscription(database);
  Told by_filter(database);
  Told by_poll(database);
  Told by_waiting(database);
  std::atomic<std::uint64_t> answered{0};
  database.on_version([&](Version version) { by_on_version.is_there(version); });
  const Subscription whole = *database.subscribe([&](const Delta& delta) { by_subscription.is_there(delta); });
  const Subscription filtered = *database.subscribe(Filter().tables<Parcel>(), [&](const Delta& delta) {
    if (!delta.is_full()) by_filter.is_there(delta, true);
  });
  {
    const std::jthread polls(
        [&, polled = *database.subscribe()]() mutable { poll_until_closed(std::move(polled), by_poll); });
    const std::jthread waits([&](const std::stop_token& stop) { wait_until(database, by_waiting, stop); });
    {
      std::vector<std::jthread> senders;
      for (int i = 0; i != 2; ++i) {
        senders.emplace_back([&](const std::stop_token& stop) { send(database, answered, stop); });
      }
      Suspension suspension(writer);
      for (std::uint64_t round = 0; round != rounds && !HasFailure(); ++round) {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
        if (!suspension.suspend(60s)) FAIL() << "it does not stop";
        std::this_thread::sleep_for(1ms);  // they hear of what it told, and look
        suspension.go_on();
      }
    }
    const Version last = database.version();
    for (const Told* told : {&by_poll, &by_waiting}) {
      const auto end = std::chrono::steady_clock::now() + 60s;
      while (told->last() != last && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    }
    ASSERT_TRUE(database.close());
  }
  const Version last = database.version();
  for (const Told* told : {&by_on_version, &by_subscription, &by_filter, &by_poll, &by_waiting}) {
    EXPECT_EQ(told->last(), last);
  }
  EXPECT_EQ(by_on_version.count(), last - 1);
  EXPECT_EQ(by_subscription.count(), last - 1);
  EXPECT_EQ(by_poll.count(), last - 1);
  EXPECT_EQ(answered, (last - 1) / 2);
  EXPECT_GT(by_filter.count(), rounds / 2);
  std::cout << rounds << " times stopped, " << last << " versions, " << by_filter.count() << " deltas of a filter\n";
}

}  // namespace
}  // namespace stoa::test
