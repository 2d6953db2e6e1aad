// The deltas that a database keeps: one for each transaction, bounded, and gone where the options say so.
#include "api/fleet.h"
#include "isolation/environment.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace {

using stoa::Database;
using stoa::Delta;
using stoa::DeltaOp;
using stoa::Entity;
using stoa::ErrorCode;
using stoa::Options;
using stoa::Version;
using stoa::test::Random;
using stoa::test::fleet::Course;
using stoa::test::fleet::Fleet;
using stoa::test::fleet::Fuel;
using stoa::test::fleet::make_schema;
using stoa::test::fleet::Ship;

Version commit(stoa::Transaction tx) { return std::move(tx).commit().value().version; }

Version add_ship(Database& database, std::uint32_t speed, std::uint64_t tag = 0) {
  stoa::Transaction tx = database.begin();
  tx.insert(tx.create(), Ship{speed, "Ida"});
  tx.tag(tag);
  return commit(std::move(tx));
}

// They lead from one to the next, up to the database's version.
void expect_chain(const std::vector<Delta>& deltas, Version from, Version to) {
  for (const Delta& delta : deltas) {
    EXPECT_EQ(delta.from(), from);
    EXPECT_EQ(delta.to(), from + 1);
    from = delta.to();
  }
  EXPECT_EQ(from, to);
}

ErrorCode error_of(Database& database, Version since) {
  const auto deltas = database.deltas_since(since);
  return deltas ? ErrorCode{} : deltas.error().code();
}

TEST(History, HasADeltaForEachTransaction) {
  Database database = *Database::in_memory(make_schema());
  add_ship(database, 1, 11);
  ASSERT_TRUE(database.begin().submit().get());  // no effect, no version
  add_ship(database, 2, 22);
  const auto deltas = database.deltas_since(0).value();
  expect_chain(deltas, 0, 2);
  EXPECT_EQ(deltas[0].tag(), 11U);
  EXPECT_EQ(deltas[1].tag(), 22U);
  ASSERT_EQ(deltas[1].ops().size(), 2U);
  EXPECT_EQ(deltas[1].ops()[1].kind, DeltaOp::Kind::insert);
  deltas[1].each<Ship>([](Entity, const Ship& ship) { EXPECT_EQ(ship.speed, 2U); }, [](auto...) { FAIL(); },
                       [](Entity) { FAIL(); });
  EXPECT_EQ(database.deltas_since(1).value().size(), 1U);
  EXPECT_TRUE(database.deltas_since(2).value().empty());
  EXPECT_EQ(error_of(database, 3), ErrorCode::not_found);
}

// However they were made: all that a replica needs is there, in the order that it happened.
TEST(History, MakesAReplica) {
  const std::uint64_t seed = stoa::test::test_seed();
  SCOPED_TRACE(seed);
  Random random(seed);
  Fleet primary(random);
  Fleet copy(random);
  std::vector<stoa::Snapshot> kept;
  for (std::size_t round = 0; round != 200; ++round) {
    primary.act();
    if (random.chance(10)) kept.push_back(primary.snapshot());
    if (!kept.empty() && random.chance(5)) (void)primary.database.restore(kept[random.below(kept.size())]).value();
    if (random.chance(20)) {
      ASSERT_TRUE(primary.database.write([&](stoa::Writer& writer) -> std::expected<void, stoa::Error> {
        writer.each<Course>([&](Entity, Course& course) { course.degrees += static_cast<float>(random.below(2)); });
        return {};
      }));
    }
    if (!random.chance(30)) continue;
    const auto deltas = primary.database.deltas_since(copy.database.version()).value();
    expect_chain(deltas, copy.database.version(), primary.database.version());
    for (const Delta& delta : deltas) ASSERT_TRUE(copy.database.apply(*Delta::decode(delta.encode())));
    ASSERT_EQ(copy.snapshot().state_hash(), primary.snapshot().state_hash());
    // A replica has the same history.
    const auto again = copy.database.deltas_since(0).value();
    const auto first = primary.database.deltas_since(0).value();
    ASSERT_EQ(again.size(), first.size());
    for (std::size_t at = 0; at != first.size(); ++at) ASSERT_EQ(again[at].encode(), first[at].encode());
  }
}

TEST(History, IsBoundedInBytes) {
  Options options;
  options.history_bytes_max = 64 << 10U;
  Database database = *Database::in_memory(make_schema(), options);
  const std::string name(1000, 'x');
  for (int i = 0; i != 1000; ++i) {
    stoa::Transaction tx = database.begin();
    tx.insert(tx.create(), Ship{1, name});
    commit(std::move(tx));
    EXPECT_LE(database.metrics().history_bytes, options.history_bytes_max);
  }
  const Version from = database.metrics().history_from;
  EXPECT_GT(from, 900U);
  EXPECT_LT(from, 970U);
  expect_chain(database.deltas_since(from).value(), from, 1000);
  EXPECT_EQ(error_of(database, from - 1), ErrorCode::history_gone);
}

TEST(History, IsBoundedInVersions) {
  Options options;
  options.history_versions_max = 100;
  Database database = *Database::in_memory(make_schema(), options);
  for (std::uint32_t i = 0; i != 20'000; ++i) add_ship(database, i % 100);
  const Version from = database.metrics().history_from;
  EXPECT_LE(from, 19'900U);
  EXPECT_GT(from, 15'000U);  // whole chunks go
  expect_chain(database.deltas_since(19'900).value(), 19'900, 20'000);
}

TEST(History, IsNoneWhereNobodyWantsOne) {
  for (const bool by_bytes : {true, false}) {
    Options options;
    (by_bytes ? options.history_bytes_max : options.history_versions_max) = 0;
    Database database = *Database::in_memory(make_schema(), options);
    add_ship(database, 1);
    add_ship(database, 2);
    EXPECT_EQ(error_of(database, 1), ErrorCode::history_gone);
    EXPECT_TRUE(database.deltas_since(2).value().empty());
    EXPECT_EQ(database.metrics().history_bytes, 0U);
  }
}

std::expected<void, stoa::Error> burn_some(stoa::Writer& writer) {
  writer.each<Fuel>([](Entity, Fuel& fuel) { fuel.tons -= 1; });
  return {};
}

Version add_fuel(Database& database, std::size_t count) {
  stoa::Transaction tx = database.begin();
  for (Entity ship : tx.create(count)) tx.insert(ship, Fuel{1});
  return commit(std::move(tx));
}

TEST(History, BeginsAnewAfterWhatIsLargerThanItMayBe) {
  Options options;
  options.history_bytes_max = 64 << 10U;
  Database database = *Database::in_memory(make_schema(), options);
  add_ship(database, 1);
  add_fuel(database, 1000);
  EXPECT_EQ(database.deltas_since(0).value().size(), 2U);
  add_fuel(database, 10'000);
  add_ship(database, 2);
  EXPECT_EQ(error_of(database, 0), ErrorCode::history_gone);
  EXPECT_EQ(error_of(database, 2), ErrorCode::history_gone);
  expect_chain(database.deltas_since(3).value(), 3, 4);
}

// Its delta would cost several times as much as it did.
TEST(History, HasNoLargeBulkWriteThatNobodyAskedFor) {
  Options options;
  options.history_bytes_max = 256 << 10U;
  Database database = *Database::in_memory(make_schema(), options);
  add_fuel(database, 100);
  ASSERT_TRUE(database.write(burn_some));
  EXPECT_EQ(database.deltas_since(0).value().at(1).ops().size(), 100U);
  add_fuel(database, 2000);
  ASSERT_TRUE(database.write(burn_some));
  EXPECT_EQ(error_of(database, 3), ErrorCode::history_gone);
  EXPECT_TRUE(database.deltas_since(4).value().empty());
  const auto subscription = database.subscribe().value();
  ASSERT_TRUE(database.write(burn_some));
  EXPECT_EQ(database.deltas_since(4).value().at(0).ops().size(), 2100U);
}

// Where there is a log it is made anyway, and kept if there is room for it.
TEST(History, KeepsWhatTheLogHas) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "stoa_history_test";
  std::filesystem::remove_all(folder);
  Options options;
  options.history_bytes_max = 64 << 10U;
  {
    Database database = *Database::open(folder, make_schema(), options);
    add_fuel(database, 2000);
    ASSERT_TRUE(database.write(burn_some));
    EXPECT_EQ(database.deltas_since(1).value().at(0).ops().size(), 2000U);
  }
  Database again = *Database::open(folder, make_schema(), options);
  EXPECT_EQ(error_of(again, 1), ErrorCode::history_gone);  // of this process only
  EXPECT_TRUE(again.deltas_since(2).value().empty());
  add_ship(again, 1);
  expect_chain(again.deltas_since(2).value(), 2, 3);
  ASSERT_TRUE(again.close_and_remove());
}

// A step over several versions is one delta, and there is none from within.
TEST(History, OfAReplicaHasItsSteps) {
  Database primary = *Database::in_memory(make_schema());
  Database replica = *Database::in_memory(make_schema());
  for (std::uint32_t i = 0; i != 5; ++i) add_ship(primary, i);
  ASSERT_TRUE(replica.apply(Delta::full(primary.snapshot())));
  ASSERT_EQ(replica.version(), 5U);
  const auto deltas = replica.deltas_since(0).value();
  ASSERT_EQ(deltas.size(), 1U);
  EXPECT_EQ(deltas[0].to(), 5U);
  EXPECT_TRUE(deltas[0].is_full());
  EXPECT_EQ(error_of(replica, 2), ErrorCode::history_gone);
  // What was before a promotion is another history's.
  ASSERT_TRUE(replica.promote());
  EXPECT_EQ(error_of(replica, 0), ErrorCode::history_gone);
  add_ship(replica, 7);
  expect_chain(replica.deltas_since(5).value(), 5, 6);
}

}  // namespace
