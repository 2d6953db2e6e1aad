// Restore: the world of a kept snapshot, ids and all, as a new version.
#include "api/fleet.h"
#include "isolation/environment.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using stoa::Database;
using stoa::Entity;
using stoa::Snapshot;
using stoa::test::Random;
using stoa::test::fleet::Course;
using stoa::test::fleet::Fleet;
using stoa::test::fleet::make_schema;
using stoa::test::fleet::Ship;

std::filesystem::path fresh_folder() {
  const auto folder = std::filesystem::path(testing::TempDir()) / "stoa-restore";
  std::filesystem::remove_all(folder);
  return folder;
}

class Restore : public testing::Test {
 protected:
  void restore(const Snapshot& kept) {
    const stoa::Version before = world.database.version();
    const bool same = world.snapshot().state_hash() == kept.state_hash();
    const auto done = world.database.restore(kept);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->version, before + (same ? 0 : 1));
    EXPECT_EQ(world.snapshot().state_hash(), kept.state_hash());
    EXPECT_TRUE(world.snapshot().wrong_indexes().empty());
    const stoa::Delta none = stoa::diff(kept, world.snapshot());
    EXPECT_TRUE(none.ops().empty()) << none.ops().size();
  }
  void live(std::size_t transactions) {
    for (; transactions != 0; --transactions) world.act();
  }

  Random random{stoa::test::test_seed()};
  Fleet world{random};
};

TEST_F(Restore, LeadsToAnyKeptStateAndOnFromThere) {
  std::vector<Snapshot> kept;
  std::vector<std::array<std::uint64_t, 2>> hashes;
  kept.push_back(world.snapshot());
  hashes.push_back(kept.back().state_hash());
  Database replica = *Database::in_memory(make_schema());
  Snapshot last = world.snapshot();
  for (int round = 0; round != 120 && !HasFailure(); ++round) {
    live(1 + random.below(10));
    kept.push_back(world.snapshot());
    hashes.push_back(kept.back().state_hash());
    if (random.chance(60)) restore(kept[random.below(kept.size())]);
    if (kept.size() > 8) {
      const auto at = static_cast<std::ptrdiff_t>(random.below(kept.size()));
      EXPECT_EQ(kept[static_cast<std::size_t>(at)].state_hash(), hashes[static_cast<std::size_t>(at)]);
      kept.erase(kept.begin() + at);
      hashes.erase(hashes.begin() + at);
    }
    // Who follows hears of it as of anything.
    const auto applied = replica.apply(stoa::diff(last, world.snapshot()));
    ASSERT_TRUE(applied) << applied.error().message();
    EXPECT_EQ(replica.snapshot().state_hash(), world.snapshot().state_hash());
    last = world.snapshot();
  }
}

TEST_F(Restore, NoIdIsGivenTwiceByIt) {
  std::set<Entity> given;
  std::vector<Entity> alive;
  const auto create = [&] {
    const auto done = world.database.write([&](stoa::Writer& w) {
      const Entity fresh = w.create();
      EXPECT_TRUE(given.insert(fresh).second) << fresh.index() << ":" << fresh.generation() << " was given before";
      w.insert(fresh, Course{1});
      alive.push_back(fresh);
    });
    ASSERT_TRUE(done) << done.error().message();
  };
  for (int i = 0; i != 50; ++i) create();
  for (int round = 0; round != 100 && !HasFailure(); ++round) {
    const Snapshot kept = world.snapshot();
    const std::vector<Entity> then = alive;
    for (int i = 0; i != 20; ++i) {
      if (random.chance(50)) create();
      const std::size_t at = random.below(alive.size());
      ASSERT_TRUE(world.database.write([&](stoa::Writer& w) { w.destroy(alive[at]); }));
      alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(at));
      if (alive.empty()) create();
    }
    if (random.chance(70)) {
      restore(kept);
      alive = then;
    }
    for (const Entity entity : alive) ASSERT_TRUE(world.snapshot().alive(entity));
  }
}

// The entity comes, goes by a restore, comes back by another and ends, while two snapshots are held: one that has it
// alive, and a later one in which it had gone.
TEST_F(Restore, AnIndexIsNotGivenOutWhileASnapshotHasItsEntity) {
  const Snapshot without = world.snapshot();
  Entity entity;
  const auto create = [&] {
    ASSERT_TRUE(world.database.write([&](stoa::Writer& w) { w.insert(entity = w.create(), Course{1}); }));
  };
  create();
  const Entity first = entity;
  const Snapshot with = world.snapshot();
  restore(without);
  const Snapshot later = world.snapshot();
  restore(with);
  ASSERT_TRUE(world.database.write([&](stoa::Writer& w) { w.destroy(first); }));
  for (int i = 0; i != 10; ++i) {
    create();
    EXPECT_NE(entity.index(), first.index());
  }
  restore(with);
  EXPECT_TRUE(world.snapshot().alive(first));
}

TEST_F(Restore, IsInTheLog) {
  const auto folder = fresh_folder();
  {
    Fleet durable(random, *Database::open(folder, make_schema()));
    for (int i = 0; i != 40; ++i) durable.act();
    const Snapshot kept = durable.snapshot();
    for (int i = 0; i != 40; ++i) durable.act();
    ASSERT_TRUE(durable.database.restore(kept));
    for (int i = 0; i != 10; ++i) durable.act();
    ASSERT_TRUE(durable.database.restore(kept));
    const auto hash = durable.snapshot().state_hash();
    const auto version = durable.database.version();
    ASSERT_TRUE(durable.database.close());
    const auto again = Database::open_read_only(folder, make_schema());
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->version(), version);
    EXPECT_EQ(Database(std::move(*Database::open(folder, make_schema()))).snapshot().state_hash(), hash);
  }
  std::filesystem::remove_all(folder);
}

TEST_F(Restore, IsOfTheSameDatabase) {
  Fleet other(random);
  EXPECT_THROW((void)world.database.restore(other.snapshot()), std::logic_error);
}

TEST_F(Restore, LeavesHistoryBeforeAPromotionAlone) {
  Fleet primary(random);
  for (int i = 0; i != 5; ++i) primary.act();
  Database replica = *Database::in_memory(make_schema());
  ASSERT_TRUE(replica.apply(stoa::Delta::full(primary.snapshot())));
  const Snapshot before = replica.snapshot();
  EXPECT_EQ(replica.restore(before).error().code(), stoa::ErrorCode::read_only);
  ASSERT_TRUE(replica.promote());
  EXPECT_EQ(replica.restore(before).error().code(), stoa::ErrorCode::fork);
  EXPECT_TRUE(replica.restore(replica.snapshot()));
}

}  // namespace
