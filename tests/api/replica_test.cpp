// A replica: kept by deltas, refused what does not fit, and on its own once it is promoted.
#include "api/fleet.h"
#include "isolation/environment.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace {

using stoa::Database;
using stoa::Delta;
using stoa::Entity;
using stoa::ErrorCode;
using stoa::Snapshot;
using stoa::test::Random;

using stoa::test::fleet::Course;
using stoa::test::fleet::Crew;
using stoa::test::fleet::Fleet;
using stoa::test::fleet::make_schema;
using stoa::test::fleet::Ship;

class Replica : public testing::Test {
 protected:
  /// What has happened since `from`, over the wire.
  static Delta since(const Snapshot& from, Fleet& fleet) {
    const auto decoded = Delta::decode(stoa::diff(from, fleet.snapshot()).encode());
    EXPECT_TRUE(decoded);
    return *decoded;
  }
  /// As many deltas, each of one transaction with an effect.
  std::vector<Delta> live(std::size_t transactions) {
    std::vector<Delta> out;
    while (out.size() != transactions) {
      const Snapshot before = primary.snapshot();
      primary.act();
      if (primary.database.version() != before.version()) out.push_back(since(before, primary));
    }
    return out;
  }
  static void expect_same(Database& a, Database& b) {
    EXPECT_EQ(a.snapshot().state_hash(), b.snapshot().state_hash());
    EXPECT_EQ(a.version(), b.version());
    EXPECT_TRUE(b.snapshot().wrong_indexes().empty());
  }
  void expect_refused(const Delta& delta, ErrorCode code) {
    const auto before = replica.snapshot().state_hash();
    const stoa::Version version = replica.version();
    const auto applied = replica.apply(delta);
    ASSERT_FALSE(applied);
    EXPECT_EQ(to_string(applied.error().code()), to_string(code)) << applied.error().message();
    EXPECT_EQ(replica.snapshot().state_hash(), before);
    EXPECT_EQ(replica.version(), version);
  }

  /// The delta with another number in the place of one that it has once, and a checksum that says so.
  static Delta forged(const Delta& delta, std::uint32_t number, std::uint32_t other) {
    std::vector<std::byte> bytes = delta.encode();
    const auto found = std::ranges::search(bytes, std::as_bytes(std::span(&number, 1)));
    EXPECT_EQ(found.size(), sizeof number);
    std::memcpy(&*found.begin(), &other, sizeof other);
    std::uint32_t crc = ~0U;
    for (std::size_t at = 0; at != bytes.size(); ++at) {
      if (at >= 6 && at < 10) continue;
      crc ^= std::to_integer<std::uint32_t>(bytes[at]);
      for (int bit = 0; bit != 8; ++bit) crc = crc >> 1U ^ (0x82F6'3B78U & (0U - (crc & 1U)));
    }
    crc = ~crc;
    std::memcpy(bytes.data() + 6, &crc, sizeof crc);
    const auto decoded = Delta::decode(bytes);
    EXPECT_TRUE(decoded) << decoded.error().message();
    return *decoded;
  }

  Random random{stoa::test::test_seed()};
  Fleet primary{random};
  Database replica = *Database::in_memory(make_schema());
};

TEST_F(Replica, FollowsByTheDeltasOfAllTransactions) {
  for (int round = 0; round != 300 && !HasFailure(); ++round) {
    for (const Delta& delta : live(1)) {
      const auto applied = replica.apply(delta);
      ASSERT_TRUE(applied) << applied.error().message();
      EXPECT_EQ(applied->version, delta.to());
    }
    expect_same(primary.database, replica);
  }
}

TEST_F(Replica, BeginsWithAllThatThereIsAndGoesOnByLeaps) {
  (void)live(50);
  Snapshot last = primary.snapshot();
  ASSERT_TRUE(replica.apply(*Delta::decode(Delta::full(last).encode())));
  expect_same(primary.database, replica);
  for (int leap = 0; leap != 20 && !HasFailure(); ++leap) {
    (void)live(1 + random.below(20));
    const auto applied = replica.apply(since(last, primary));
    ASSERT_TRUE(applied) << applied.error().message();
    last = primary.snapshot();
    expect_same(primary.database, replica);
  }
}

TEST_F(Replica, TakesNothingTwiceAndNothingOutOfOrder) {
  const std::vector<Delta> deltas = live(40);
  for (std::size_t next = 0; next != deltas.size() && !HasFailure(); ++next) {
    if (next + 1 != deltas.size()) expect_refused(deltas[next + 1], ErrorCode::invalid_argument);
    ASSERT_TRUE(replica.apply(deltas[next]));
    const auto again = replica.apply(deltas[random.below(next + 1)]);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->version, next + 1);
  }
  expect_same(primary.database, replica);
}

TEST_F(Replica, SeesAForkByItsContentAndByItsHistory) {
  Fleet other(random);
  const std::vector<Delta> deltas = live(3);
  for (const Delta& delta : deltas) ASSERT_TRUE(replica.apply(delta));
  const Snapshot begin = other.snapshot();
  other.act();
  while (other.database.version() == 0) other.act();
  expect_refused(stoa::diff(begin, other.snapshot()), ErrorCode::fork);

  Database own = *Database::in_memory(make_schema());
  stoa::Transaction tx = own.begin();
  tx.insert(tx.create(), Course{1});
  ASSERT_TRUE(std::move(tx).commit());
  EXPECT_EQ(own.apply(deltas[0]).error().code(), ErrorCode::fork) << "it has commits of its own";
}

TEST_F(Replica, TakesNoWrites) {
  ASSERT_TRUE(replica.apply(live(1)[0]));
  stoa::Transaction tx = replica.begin();
  tx.insert(tx.create(), Course{1});
  EXPECT_EQ(std::move(tx).commit().error().code(), ErrorCode::read_only);
  EXPECT_EQ(replica.write([](stoa::Writer&) {}).error().code(), ErrorCode::read_only);
  ASSERT_TRUE(replica.flush());
  for (const Delta& delta : live(5)) ASSERT_TRUE(replica.apply(delta));
  expect_same(primary.database, replica);
}

TEST_F(Replica, OncePromotedGoesOnByItselfAndGivesNoIdTwice) {
  std::set<Entity> known;
  const auto note = [&](const Snapshot& snapshot) {
    for (auto [entity, ship] : snapshot.view<Ship>()) known.insert(entity);
    for (auto [entity, crew] : snapshot.view<Crew>()) known.insert(entity);
  };
  std::vector<Delta> deltas;
  for (int i = 0; i != 200; ++i) {
    for (const Delta& delta : live(1)) deltas.push_back(delta);
    note(primary.snapshot());
  }
  for (const Delta& delta : deltas) ASSERT_TRUE(replica.apply(delta));
  const Snapshot held = replica.snapshot();
  const auto version = replica.promote();
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, deltas.back().to());
  EXPECT_EQ(replica.snapshot().state_hash(), held.state_hash());
  int reused = 0;
  for (int i = 0; i != 500; ++i) {
    stoa::Transaction tx = replica.begin();
    const Entity fresh = tx.create();
    EXPECT_TRUE(known.insert(fresh).second) << "given out before";
    reused += fresh.generation() > 1 ? 1 : 0;
    tx.insert(fresh, Course{1});
    if (random.chance(50)) tx.insert(fresh, Ship{1, "Eva"});
    const auto done = std::move(tx).commit();
    ASSERT_TRUE(done) << done.error().message();
    if (random.chance(60)) {
      ASSERT_TRUE(replica.write([&](stoa::Writer& w) { w.destroy(fresh); }));
    }
  }
  EXPECT_GT(reused, 0) << "indices of those that had ended before come back";
  expect_refused(live(1)[0], ErrorCode::fork);
  // Who follows the promoted one begins with all that it has, or from the version at which it left.
  Database next = *Database::in_memory(make_schema());
  ASSERT_TRUE(next.apply(Delta::full(replica.snapshot())));
  expect_same(replica, next);
  ASSERT_TRUE(replica.promote()) << "which it is already";
}

// A ship of a speed that is looked for in the bytes.
TEST_F(Replica, RefusesOtherContentUnderTheSameVersionAndWhatBreaksARule) {
  const auto sail = [&](std::uint32_t speed) {
    const Snapshot before = primary.snapshot();
    stoa::Transaction tx = primary.database.begin();
    tx.insert(tx.create(), Ship{speed, "Ida"});
    EXPECT_TRUE(std::move(tx).commit());
    return stoa::diff(before, primary.snapshot());
  };
  const Delta first = sail(77);
  ASSERT_TRUE(replica.apply(first));
  ASSERT_TRUE(replica.apply(forged(first, 77, 77))) << "what it has applied already";
  expect_refused(forged(first, 77, 78), ErrorCode::fork);
  const Delta second = sail(88);
  expect_refused(forged(second, 88, 101), ErrorCode::constraint_violation);
  ASSERT_TRUE(replica.apply(second));
  expect_same(primary.database, replica);
}

// By a random mix of single deltas and leaps, opened again now and then, and in the end by the log of the promoted one.
TEST_F(Replica, WithAFolderOutlivesItsProcess) {
  std::string folder = (std::filesystem::temp_directory_path() / "stoa-replica-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto reopen = [&] { return *Database::open(folder, make_schema()); };
  {
    std::optional<Database> kept(reopen());
    Snapshot last = primary.snapshot();
    for (int round = 0; round != 40 && !HasFailure(); ++round) {
      (void)live(1 + random.below(6));
      const auto applied = kept->apply(since(last, primary));
      ASSERT_TRUE(applied) << applied.error().message();
      last = primary.snapshot();
      if (random.chance(20)) {
        ASSERT_TRUE(kept->checkpoint());
      }
      if (random.chance(30)) {
        kept.reset();
        kept.emplace(reopen());
        EXPECT_EQ(kept->write([](stoa::Writer&) {}).error().code(), ErrorCode::read_only);
      }
      expect_same(primary.database, *kept);
    }
    ASSERT_TRUE(kept->promote());
  }
  {
    Database own = reopen();
    expect_same(primary.database, own);
    Database second = *Database::in_memory(make_schema());
    ASSERT_TRUE(second.apply(Delta::full(own.snapshot())));
    const stoa::Version version = own.version();
    for (int i = 0; i != 20; ++i) {
      stoa::Transaction tx = own.begin();
      tx.insert(tx.create(), Course{1});
      ASSERT_TRUE(std::move(tx).commit());
    }
    auto log = *stoa::LogReader::open(folder, version + 1);
    while (const auto next = *log.next()) {
      const auto applied = second.apply(next->delta);
      ASSERT_TRUE(applied) << applied.error().message();
    }
    expect_same(own, second);
  }
  std::filesystem::remove_all(folder);
}

TEST_F(Replica, IsOfTheSameSchema) {
  Database other = *Database::in_memory([] {
    stoa::Schema schema("fleet");
    schema.table<Course>("course");
    return schema;
  }());
  EXPECT_EQ(other.apply(live(1)[0]).error().code(), ErrorCode::schema_mismatch);
}

}  // namespace
