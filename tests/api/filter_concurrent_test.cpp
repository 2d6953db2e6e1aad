// What a filter shows of a world, however world and filter change.
#include "api/fleet.h"
#include "api/subscribing.h"
#include "isolation/environment.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace {

using stoa::Database;
using stoa::Delta;
using stoa::Entity;
using stoa::ErrorCode;
using stoa::Filter;
using stoa::Subscription;
using stoa::Version;
using stoa::test::add_ship;
using stoa::test::Random;
using stoa::test::wait_until;
using stoa::test::fleet::Course;
using stoa::test::fleet::Fleet;
using stoa::test::fleet::make_schema;
using stoa::test::fleet::Ship;

struct Unbound {
  int value;
};
BOOST_DESCRIBE_STRUCT(Unbound, (), (value))

/// What somebody who gets a filter's deltas knows.
struct View {
  std::map<Entity, std::uint32_t> ships;
  std::map<Entity, float> courses;

  void take(const Delta& delta) {
    delta.each<Ship>([&](Entity entity, const Ship& ship) { EXPECT_TRUE(ships.emplace(entity, ship.speed).second); },
                     [&](Entity entity, const auto& update) {
                       if (update.template has<&Ship::speed>()) ships.at(entity) = update.template get<&Ship::speed>();
                     },
                     [&](Entity entity) { ships.erase(entity); });
    delta.each<Course>(
        [&](Entity entity, const Course& course) { EXPECT_TRUE(courses.emplace(entity, course.degrees).second); },
        [&](Entity entity, const auto& update) { courses.at(entity) = update.template get<&Course::degrees>(); },
        [&](Entity entity) { courses.erase(entity); });
  }
  friend bool operator==(const View&, const View&) = default;
};

View view_of(const stoa::Snapshot& snapshot, std::uint32_t faster_than) {
  View out;
  snapshot.each<Ship>([&](Entity entity, const Ship& ship) {
    if (ship.speed <= faster_than) return;
    out.ships.emplace(entity, ship.speed);
    if (const Course* course = snapshot.get<Course>(entity)) out.courses.emplace(entity, course->degrees);
  });
  return out;
}

// However the world and the filter change, who follows sees what a look at the world would show.
TEST(FilteredSubscription, ShowsWhatTheFilterDoes) {
  const std::uint64_t seed = stoa::test::test_seed();
  SCOPED_TRACE(seed);
  Random random(seed);
  Fleet fleet(random);
  for (int i = 0; i != 20; ++i) fleet.act();
  auto faster_than = std::make_shared<std::uint32_t>(50);
  Subscription subscription = *fleet.database.subscribe(Filter().tables<Ship, Course>().where<Ship>(
      [faster_than](Entity, const Ship& ship) { return ship.speed > *faster_than; }));
  View view;
  const Delta first = *subscription.poll().value();
  EXPECT_TRUE(first.is_full());
  view.take(first);
  EXPECT_EQ(view, view_of(fleet.snapshot(), 50));
  Version at = first.to();
  std::vector<stoa::Snapshot> kept;
  std::size_t told = 0;
  for (int round = 0; round != 1000; ++round) {
    fleet.act();
    if (random.chance(5)) kept.push_back(fleet.snapshot());
    if (!kept.empty() && random.chance(3)) (void)fleet.database.restore(kept[random.below(kept.size())]);
    if (random.chance(10)) {
      *faster_than = static_cast<std::uint32_t>(random.below(100));
      subscription.refilter();
    }
    if (random.chance(30)) continue;
    if (const auto delta = subscription.poll().value()) {
      EXPECT_EQ(delta->from(), at);
      at = delta->to();
      view.take(*delta);
      ++told;
      EXPECT_FALSE(delta->empty());
      EXPECT_TRUE(Delta::decode(delta->encode()));
    }
    ASSERT_EQ(view, view_of(fleet.snapshot(), *faster_than)) << round;
  }
  EXPECT_GT(told, 100U);
}

TEST(FilteredSubscription, TellsWhoComesAndGoes) {
  Database database = *Database::in_memory(make_schema());
  Subscription subscription =
      *database.subscribe(Filter().table("ship").where<Ship>([](Entity, const Ship& ship) { return ship.speed > 50; }));
  EXPECT_TRUE(subscription.poll().value()->empty());
  const auto kinds = [&] {
    std::vector<stoa::DeltaOp::Kind> out;
    if (const auto delta = subscription.poll().value()) {
      for (const auto& op : delta->ops()) out.push_back(op.kind);
    }
    return out;
  };
  using enum stoa::DeltaOp::Kind;
  using Kinds = std::vector<stoa::DeltaOp::Kind>;
  stoa::Transaction tx = database.begin();
  const Entity slow = tx.create();
  const Entity fast = tx.create();
  tx.insert(slow, Ship{10, "Ida"}).insert(fast, Ship{60, "Ada"}).insert(fast, Course{1});
  ASSERT_TRUE(std::move(tx).commit());
  EXPECT_EQ(kinds(), (Kinds{create_entity, insert}));
  const auto change = [&](auto function) {
    stoa::Transaction next = database.begin();
    function(next);
    ASSERT_TRUE(std::move(next).commit());
  };
  change([&](auto& next) { next.template set<&Ship::speed>(slow, 11U); });
  EXPECT_EQ(kinds(), Kinds{});  // not its
  change([&](auto& next) { next.update(fast, Course{2}); });
  EXPECT_EQ(kinds(), Kinds{});  // nor that table
  change([&](auto& next) { next.template set<&Ship::speed>(slow, 70U); });
  EXPECT_EQ(kinds(), Kinds{insert});
  change([&](auto& next) { next.template set<&Ship::speed>(slow, 71U); });
  EXPECT_EQ(kinds(), Kinds{update});
  change([&](auto& next) { next.template set<&Ship::speed>(slow, 7U); });
  EXPECT_EQ(kinds(), Kinds{remove});
  change([&](auto& next) { next.destroy(fast); });
  EXPECT_EQ(kinds(), Kinds{delete_entity});
}

TEST(FilteredSubscription, IsRefusedByAReplica) {
  Database database = *Database::in_memory(make_schema());
  Database replica = *Database::in_memory(make_schema());
  add_ship(database, 1);
  Subscription subscription = *database.subscribe(Filter().tables<Ship>());
  const Delta delta = *Delta::decode(subscription.poll().value()->encode());
  EXPECT_EQ(replica.apply(delta).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(replica.version(), 0U);
}

TEST(FilteredSubscription, NamesTablesThatAreThere) {
  Database database = *Database::in_memory(make_schema());
  EXPECT_EQ(database.subscribe(Filter().table("boat")).error().code(), ErrorCode::not_found);
  EXPECT_THROW((void)database.subscribe(Filter().tables<Unbound>()), std::logic_error);
  EXPECT_THROW((void)database.subscribe(Filter().where<Unbound>([](auto...) { return true; })), std::logic_error);
}

// A player that moves sees other things; on the subscription's own thread.
TEST(FilteredSubscription, IsToldByAThread) {
  Database database = *Database::in_memory(make_schema());
  for (std::uint32_t i = 0; i != 100; ++i) add_ship(database, i);
  std::atomic<std::uint32_t> faster_than{90};
  std::mutex mutex;
  View view;
  Subscription subscription =
      *database.subscribe(Filter().where<Ship>([&](Entity, const Ship& ship) { return ship.speed > faster_than; }),
                          [&](const Delta& delta) {
                            const std::scoped_lock lock(mutex);
                            view.take(delta);
                          });
  const auto sees = [&](std::size_t count) {
    return wait_until([&] {
      const std::scoped_lock lock(mutex);
      return view.ships.size() == count;
    });
  };
  ASSERT_TRUE(sees(9));
  faster_than = 49;
  subscription.refilter();
  ASSERT_TRUE(sees(50));
  add_ship(database, 99);
  ASSERT_TRUE(sees(51));
  faster_than = 99;
  subscription.refilter();
  ASSERT_TRUE(sees(0));
}

}  // namespace
