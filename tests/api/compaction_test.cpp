// compact() as a program sees it: nothing happens to the world, to snapshots, to deltas, to replicas.
#include "fleet.h"
#include "random.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace stoa::test {
namespace {

using fleet::Fleet;
using fleet::Ship;

// Slabs of a few pages, and steps of one or two.
Options small_slabs() {
  Options out;
  out.writer = WriterMode::manual;
  out.slab_bytes_first = out.slab_bytes_max = std::size_t{16} << 10U;
  out.compaction_budget = std::chrono::nanoseconds(1);
  return out;
}

Database open() { return *Database::in_memory(fleet::make_schema(), small_slabs()); }

std::string text_of(std::uint32_t number) { return "a name that is too long for a cell " + std::to_string(number); }

std::vector<Entity> populate(Database& database, std::uint32_t count) {
  std::vector<Entity> out;
  Transaction tx = database.begin();
  for (std::uint32_t i = 0; i != count; ++i) {
    out.push_back(tx.create());
    tx.insert(out.back(), Ship{i % 100, text_of(i)});
    if (i % 7 == 0) tx.insert(out.back(), fleet::Course{1});
  }
  EXPECT_TRUE(std::move(tx).commit());
  return out;
}

// Of every so many one stays.
void thin_out(Database& database, std::vector<Entity>& entities, std::size_t stays) {
  Transaction tx = database.begin();
  std::vector<Entity> left;
  for (std::size_t i = 0; i != entities.size(); ++i) {
    if (i % stays == 0) {
      left.push_back(entities[i]);
    } else {
      tx.destroy(entities[i]);
    }
  }
  EXPECT_TRUE(std::move(tx).commit());
  entities = left;
}

bool is_thinned_out(const Snapshot& snapshot, const std::vector<Entity>& entities, std::size_t stays) {
  std::uint32_t number = 0;
  for (Entity entity : entities) {
    const Ship* ship = snapshot.get<Ship>(entity);
    if (ship == nullptr || ship->name != text_of(number)) return false;
    number += static_cast<std::uint32_t>(stays);
  }
  return snapshot.count<Ship>() == entities.size() && snapshot.wrong_indexes().empty();
}

std::size_t count_changes(const Delta& delta) {
  std::size_t out = 0;
  delta.each([&](const DeltaChange&) {
    ++out;
    return true;
  });
  return out;
}

TEST(Compaction, MovesAndGivesBackAndSaysSo) {
  Database database = open();
  std::vector<Entity> entities = populate(database, 5000);
  thin_out(database, entities, 20);
  const auto hash = database.snapshot().state_hash();
  const Metrics before = database.metrics();
  const auto report = database.compact();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_GT(report->blocks_moved, 100U);
  EXPECT_GT(report->bytes_moved, report->blocks_moved * 64);
  EXPECT_GT(report->bytes_given_back, before.bytes_reserved / 2);
  EXPECT_GT(report->duration.count(), 0);
  const Metrics after = database.metrics();
  EXPECT_LT(after.bytes_reserved, before.bytes_reserved / 2);
  EXPECT_LE(after.bytes_in_use, before.bytes_in_use);
  EXPECT_EQ(after.version, before.version);
  EXPECT_EQ(after.commits, before.commits) << "its steps are nobody's commits";
  EXPECT_EQ(after.compactions, 1U);
  EXPECT_EQ(after.compaction_bytes, report->bytes_moved);
  EXPECT_FALSE(after.compacting);
  EXPECT_EQ(database.snapshot().state_hash(), hash);
  EXPECT_TRUE(is_thinned_out(database.snapshot(), entities, 20));

  const auto again = database.compact();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->blocks_moved, 0U) << "it moves the same to and fro";
}

TEST(Compaction, LeavesASnapshotWhatItWasAndItsSlabsGoWithIt) {
  Database database = open();
  std::vector<Entity> entities = populate(database, 5000);
  std::optional<Snapshot> full = database.snapshot();
  const auto full_hash = full->state_hash();
  thin_out(database, entities, 20);
  std::optional<Snapshot> thin = database.snapshot();
  const auto thin_hash = thin->state_hash();
  ASSERT_TRUE(database.compact());
  EXPECT_EQ(full->state_hash(), full_hash);
  EXPECT_EQ(thin->state_hash(), thin_hash);
  EXPECT_TRUE(full->wrong_indexes().empty());
  EXPECT_EQ(full->count<Ship>(), 5000U);
  EXPECT_TRUE(is_thinned_out(*thin, entities, 20));
  full.reset();
  thin.reset();
  ASSERT_TRUE(database.compact());
  EXPECT_LE(database.metrics().bytes_reserved, 2 * database.metrics().bytes_in_use);
  EXPECT_TRUE(is_thinned_out(database.snapshot(), entities, 20));
}

TEST(Compaction, MakesNoDifferenceAndOneAcrossItIsOnlyWhatChanged) {
  Database database = open();
  std::vector<Entity> entities = populate(database, 3000);
  thin_out(database, entities, 10);
  const Snapshot before = database.snapshot();
  ASSERT_GT(database.compact()->blocks_moved, 0U);
  EXPECT_EQ(count_changes(diff(before, database.snapshot())), 0U);
  Transaction tx = database.begin();
  tx.set<&Ship::name>(entities[7], "another name of the ship, which is also long");
  ASSERT_TRUE(std::move(tx).commit());
  EXPECT_EQ(count_changes(diff(before, database.snapshot())), 1U);
  EXPECT_EQ(count_changes(diff(database.snapshot(), before)), 1U);
}

TEST(Compaction, ASnapshotFromBeforeItCanBeRestored) {
  Database database = open();
  std::vector<Entity> entities = populate(database, 3000);
  const Snapshot full = database.snapshot();
  thin_out(database, entities, 10);
  ASSERT_GT(database.compact()->blocks_moved, 0U);
  ASSERT_TRUE(database.restore(full));
  EXPECT_EQ(database.snapshot().state_hash(), full.state_hash());
  EXPECT_TRUE(database.snapshot().wrong_indexes().empty());
  ASSERT_TRUE(database.compact());
  EXPECT_EQ(database.snapshot().state_hash(), full.state_hash());
}

// The deltas that are kept move too, and whoever holds an older root goes on reading those that were.
TEST(Compaction, KeepsTheHistoryOfDeltas) {
  Database database = open();
  std::vector<Entity> entities = populate(database, 2000);
  for (std::uint32_t i = 0; i != 300; ++i) {
    Transaction tx = database.begin();
    for (std::uint32_t k = 0; k != 20; ++k) tx.set<&Ship::speed>(entities[(i * 20 + k) % 2000], i % 97);
    ASSERT_TRUE(std::move(tx).commit());
  }
  thin_out(database, entities, 20);
  const auto deltas = [&] {
    std::vector<std::vector<std::byte>> out;
    const std::vector<Delta> kept = database.deltas_since(1).value();
    for (const Delta& delta : kept) out.push_back(delta.encode());
    return out;
  };
  const auto before = deltas();
  ASSERT_EQ(before.size(), 301U);
  const auto report = database.compact();
  ASSERT_TRUE(report);
  EXPECT_TRUE(deltas() == before);
  EXPECT_LE(database.metrics().bytes_reserved, 2 * database.metrics().bytes_in_use);
  Transaction tx = database.begin();
  tx.destroy(entities[0]);
  ASSERT_TRUE(std::move(tx).commit());
  EXPECT_EQ(deltas().size(), 302U);
}

TEST(Compaction, OfPrimaryAndReplicaStaysBetweenThem) {
  Random random(20);
  Fleet fleet(random, open());
  Database replica = open();
  Version sent = 0;
  for (int round = 0; round != 300; ++round) {
    for (int i = 0; i != 3; ++i) fleet.act();
    const bool compacts = random.chance(30);
    ASSERT_TRUE(!compacts || fleet.database.compact());
    const std::vector<Delta> news = fleet.database.deltas_since(sent).value();
    for (const Delta& delta : news) ASSERT_TRUE(replica.apply(delta));
    sent = fleet.database.version();
    ASSERT_TRUE(compacts || replica.compact());
    ASSERT_EQ(replica.snapshot().state_hash(), fleet.snapshot().state_hash()) << "in round " << round;
    ASSERT_TRUE(replica.snapshot().wrong_indexes().empty());
  }
  EXPECT_GT(fleet.database.metrics().compaction_bytes, 0U);
  EXPECT_GT(replica.metrics().compaction_bytes, 0U);
}

TEST(Compaction, TellsSubscribersNothing) {
  Database database = open();
  std::vector<Entity> entities = populate(database, 2000);
  thin_out(database, entities, 20);
  Subscription subscription = *database.subscribe();
  const std::size_t kept = database.metrics().history_bytes;
  ASSERT_GT(database.compact()->blocks_moved, 0U);
  EXPECT_FALSE(subscription.poll().value());
  EXPECT_EQ(database.metrics().history_bytes, kept);
}

TEST(Compaction, OfAFolderWritesNothingAndIsRefusedWhereItIsOnlyRead) {
  const auto folder = std::filesystem::temp_directory_path() / ("stoa-compaction-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  std::array<std::uint64_t, 2> hash{};
  {
    Database database = *Database::open(folder, fleet::make_schema(), small_slabs());
    std::vector<Entity> entities = populate(database, 2000);
    thin_out(database, entities, 20);
    const std::size_t logged = std::filesystem::file_size(folder / "wal-00000000000000000001");
    ASSERT_GT(database.compact()->blocks_moved, 0U);
    EXPECT_EQ(std::filesystem::file_size(folder / "wal-00000000000000000001"), logged);
    hash = database.snapshot().state_hash();
    ASSERT_TRUE(database.checkpoint());
    Database reader = *Database::open_read_only(folder);
    EXPECT_EQ(reader.compact().error().code(), ErrorCode::read_only);
    ASSERT_TRUE(database.close());
    EXPECT_EQ(database.compact().error().code(), ErrorCode::closed);
  }
  EXPECT_EQ(Database::open(folder, fleet::make_schema(), small_slabs())->snapshot().state_hash(), hash);
  std::filesystem::remove_all(folder);
}

// Nobody asked: a manual writer does so in the time that a step leaves.
TEST(Compaction, BeginsByItselfPastTheThreshold) {
  for (const double threshold : {0.0, 0.5}) {
    Options options;
    options.writer = WriterMode::manual;
    options.compaction_threshold = threshold;
    Database database = *Database::in_memory(fleet::make_schema(), options);
    std::vector<Entity> entities = populate(database, 300'000);
    thin_out(database, entities, 50);
    Transaction tx = database.begin();
    (void)tx.create();
    ASSERT_TRUE(std::move(tx).commit());
    const std::size_t full = database.metrics().bytes_reserved;
    ASSERT_GT(full, std::size_t{32} << 20U);
    for (int i = 0; i != 2000 && database.metrics().compactions == 0; ++i) database.step(std::chrono::milliseconds(2));
    EXPECT_EQ(database.metrics().compactions, threshold == 0 ? 0U : 1U);
    if (threshold == 0) {
      EXPECT_EQ(database.metrics().bytes_reserved, full);
    } else {
      EXPECT_LT(database.metrics().bytes_reserved, full / 2);
      const std::uint64_t moved = database.metrics().compaction_bytes;
      for (int i = 0; i != 50; ++i) database.step(std::chrono::milliseconds(2));
      EXPECT_EQ(database.metrics().compaction_bytes, moved) << "it goes on and on";
    }
    EXPECT_TRUE(is_thinned_out(database.snapshot(), entities, 50));
  }
}

TEST(Compaction, OptionsHaveBounds) {
  Options options;
  options.compaction_threshold = 1.5;
  EXPECT_EQ(Database::in_memory(fleet::make_schema(), options).error().code(), ErrorCode::invalid_argument);
  options.compaction_threshold = 0;
  options.compaction_budget = std::chrono::nanoseconds(0);
  EXPECT_EQ(Database::in_memory(fleet::make_schema(), options).error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace stoa::test
