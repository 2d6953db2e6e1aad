// Subscriptions of all kinds that come and go while others write, and while the database is closed: each is told of
// every version once, in order, from the one that it began at, as far as it got.
#include "api/fleet.h"
#include "isolation/environment.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

using stoa::Backlog;
using stoa::Database;
using stoa::Delta;
using stoa::ErrorCode;
using stoa::Filter;
using stoa::Options;
using stoa::SubscribeOptions;
using stoa::Subscription;
using stoa::Version;
using stoa::test::Random;
using stoa::test::fleet::make_schema;
using stoa::test::fleet::Ship;

struct Counts {
  std::atomic<std::uint64_t> deltas{0}, leaps{0}, gone{0}, closed{0};
};

/// What one subscriber is told, by one thread at a time.
class Chain {
 public:
  Chain(Counts& counts, bool may_leap) : counts_(counts), may_leap_(may_leap) {}

  void begin_at(Version version) { at_ = version; }
  void take(const Delta& delta) {
    if (at_) {
      EXPECT_EQ(delta.from(), *at_);
    }
    EXPECT_GE(delta.to(), delta.from());
    if (!may_leap_) {
      EXPECT_EQ(delta.to(), delta.from() + 1);
    }
    at_ = delta.to();
    // Each transaction brings one ship.
    std::uint64_t ships = 0;
    delta.each<Ship>([&](auto&&...) { ++ships; }, [](auto&&...) {}, [](auto&&...) {});
    EXPECT_EQ(ships, delta.to() - delta.from());
    counts_.leaps += delta.to() - delta.from() > 1 ? 1 : 0;
    ++counts_.deltas;
  }
  [[nodiscard]] std::optional<Version> at() const { return at_; }

 private:
  Counts& counts_;
  const bool may_leap_;
  std::optional<Version> at_;
};

/// Whether somebody may still subscribe: that must not run beside close(), as all else here may.
class Door {
 public:
  /// What `subscribe()` returns, or none once it is shut.
  template <typename Subscribe>
  auto pass(Subscribe&& subscribe) -> std::optional<decltype(subscribe())> {
    const std::shared_lock lock(mutex_);
    if (shut_) return std::nullopt;
    return subscribe();
  }
  void shut() {
    const std::scoped_lock lock(mutex_);
    shut_ = true;
  }

 private:
  std::shared_mutex mutex_;
  bool shut_ = false;
};

class Life {
 public:
  Life(Database& database, Door& door, Counts& counts, std::uint64_t seed)
      : database_(database), door_(door), counts_(counts), random_(seed) {}

  void run() {
    while (live_once()) continue;
  }

 private:
  // False once the database is being closed.
  bool live_once() {
    constexpr std::array policies{Backlog::end, Backlog::coalesce, Backlog::wait};
    const bool filters = random_.chance(30);
    SubscribeOptions options;
    options.backlog = policies[random_.below(policies.size())];
    options.wait_max = std::chrono::microseconds(random_.below(3) * 500);
    options.durable = random_.chance(50);
    Chain chain(counts_, filters || options.backlog == Backlog::coalesce);
    return random_.chance(50) ? polled(chain, options, filters) : called(chain, options, filters);
  }

  bool ended(const stoa::Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::closed || error.code() == ErrorCode::history_gone) << error.message();
    ++(error.code() == ErrorCode::closed ? counts_.closed : counts_.gone);
    return error.code() == ErrorCode::closed;
  }

  bool polled(Chain& chain, const SubscribeOptions& options, bool filters) {
    auto made = door_.pass(
        [&] { return filters ? database_.subscribe(Filter().tables<Ship>(), options) : database_.subscribe(options); });
    if (!made) return false;
    Subscription& subscription = made->value();
    if (!filters) chain.begin_at(subscription.version());
    for (std::uint64_t left = random_.below(300); left != 0; --left) {
      const auto delta = random_.chance(50) ? subscription.poll(1ms) : subscription.poll();
      if (!delta) return !ended(delta.error());
      if (*delta) chain.take(**delta);
      if (random_.chance(3)) std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  bool called(Chain& chain, const SubscribeOptions& options, bool filters) {
    const std::uint64_t pause = random_.below(300);
    const auto take = [&](const Delta& delta) {
      chain.take(delta);
      if (delta.to() % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(pause));
    };
    auto made = door_.pass([&] {
      return filters ? database_.subscribe(Filter().tables<Ship>(), take, options) : database_.subscribe(take, options);
    });
    if (!made) return false;
    std::optional<Subscription> subscription = std::move(made->value());
    std::this_thread::sleep_for(std::chrono::microseconds(random_.below(5000)));
    const Version told = subscription->version();
    if (const auto error = subscription->error()) (void)ended(*error);
    subscription.reset();
    EXPECT_GE(chain.at().value_or(told), told);
    return true;
  }

  Database& database_;
  Door& door_;
  Counts& counts_;
  Random random_;
};

TEST(SubscriptionStress, TellsEachVersionOnceInOrderWhoeverComesAndGoes) {
  const std::uint64_t seed = stoa::test::test_seed();
  SCOPED_TRACE(seed);
  const std::uint64_t rounds = stoa::test::test_rounds(6, 3);
  Counts counts;
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  const auto all_seen = [&] {
    return counts.deltas > 1000 && counts.leaps > 0 && counts.gone > 0 && counts.closed > 0;
  };
  for (std::uint64_t round = 0; round < rounds || !all_seen(); ++round) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "some things never happen";
    Options options;
    options.history_bytes_max = round % 2 == 0 ? 0 : 4 << 10U;
    options.backlog_bytes_max = 8 << 10U;
    options.in_flight_transactions_max = 16;
    Database database = *Database::in_memory(make_schema(), options);
    Door door;
    std::vector<Life> lives;
    for (std::uint64_t i = 0; i != 4; ++i) lives.emplace_back(database, door, counts, seed + 10 * round + i);
    std::vector<std::jthread> threads;
    for (Life& life : lives) threads.emplace_back([&] { life.run(); });
    const auto end = std::chrono::steady_clock::now() + 300ms;
    while (std::chrono::steady_clock::now() < end) {
      stoa::Transaction tx = database.begin();
      tx.insert(tx.create(), Ship{1, "Ida"});
      (void)std::move(tx).submit();
    }
    door.shut();
    EXPECT_TRUE(database.close());
  }
  std::cout << counts.deltas << " deltas, " << counts.leaps << " of several versions, " << counts.gone << " too slow, "
            << counts.closed << " closed\n";
}

}  // namespace
