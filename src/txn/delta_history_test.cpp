// Which deltas a root has, whatever the bounds: an unbroken chain to its version, of what the log got, for as long as
// it is pinned; and how far who slows the writer is taken to be.
#include "base/testing/seed.h"
#include "delta/kept_deltas.h"
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using Bodies = std::vector<std::vector<std::byte>>;  // of version 1 at place 0

Version expect_chain(const Snapshot& snapshot, const Bodies& bodies) {
  const detail::Root& root = detail::SnapshotAccess::root(snapshot);
  const Version from = root.deltas.from;
  delta::KeptDeltaReader reader(root, from);
  EXPECT_TRUE(reader.is_there());
  Version at = from;
  for (delta::KeptDelta kept; reader.next(kept);) {
    EXPECT_EQ(kept.from, at);
    EXPECT_EQ(kept.to, ++at);
    EXPECT_TRUE(std::ranges::equal(kept.body, bodies[at - 1]));
  }
  EXPECT_EQ(at, snapshot.version());
  if (from != 0) {
    EXPECT_FALSE(delta::KeptDeltaReader(root, from - 1).is_there());
  }
  return from;
}

// One batch of some transactions, small ones and large ones.
void commit_some(TestDatabase& db, std::mt19937_64& random) {
  std::vector<CommitTicket> tickets;
  for (std::uint64_t left = 1 + random() % 4; left != 0; --left) {
    Transaction tx = db.begin();
    const std::size_t rows = random() % 20 == 0 ? 400 : random() % 5;
    for (const Entity entity : tx.create(rows)) {
      tx.insert(entity, Position{1, 2});
    }
    tickets.push_back(std::move(tx).submit());
  }
  db.step();
  for (CommitTicket& ticket : tickets) EXPECT_TRUE(ticket.get());
}

TEST(DeltaHistory, IsAnUnbrokenChainWhateverItsBounds) {
  constexpr std::size_t no_bound = std::numeric_limits<std::size_t>::max();
  const std::uint64_t seed = stoa::test::test_seed();
  std::mt19937_64 random(seed);
  bool dropped = false;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{33}, std::size_t{127}, std::size_t{4097},
                                  std::size_t{20'011}, std::size_t{1} << 20U, no_bound}) {
    for (const std::uint64_t versions : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{7},
                                         std::numeric_limits<std::uint64_t>::max()}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::to_string(bytes) + " bytes, " +
                   std::to_string(versions) + " versions");
      Options options = stepped();
      options.history_bytes_max = bytes;
      options.history_versions_max = versions;
      options.backlog_bytes_max = 3001;
      TestDatabase db(options);
      Bodies bodies;
      std::vector<Snapshot> held;
      bool has_subscriber = false;
      for (int round = 0; round != 150; ++round) {
        if (random() % 16 == 0) {
          has_subscriber ? db.engine.history().remove_subscriber() : db.engine.history().add_subscriber();
          has_subscriber = !has_subscriber;
        }
        commit_some(db, random);
        for (; bodies.size() != db.version(); db.sink.batches.clear()) {
          for (const auto& batch : db.sink.batches) {
            for (const auto& record : batch) bodies.push_back(record.delta);
          }
        }
        const Version from = expect_chain(db.snapshot(), bodies);
        dropped = dropped || (from != 0 && from != db.version());
        if (bytes == no_bound && !has_subscriber && versions < db.version() && versions != 0) {
          EXPECT_LE(from, db.version() - versions);
        }
        if (random() % 8 == 0) held.push_back(db.snapshot());
        if (held.size() > 5) held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % held.size()));
        for (const Snapshot& old : held) expect_chain(old, bodies);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
  EXPECT_TRUE(dropped);
}

// What the log did not take is in no root, and nobody may be told of it.
TEST(DeltaHistory, HasNothingOfABatchThatFailed) {
  TestDatabase db;
  std::mt19937_64 random(1);
  while (db.version() < 20) commit_some(db, random);
  Bodies bodies;
  for (const auto& batch : db.sink.batches) {
    for (const auto& record : batch) bodies.push_back(record.delta);
  }
  const Version before = db.version();
  db.sink.on_commit = [] { return std::unexpected(Error(ErrorCode::io, "the disk is gone")); };
  std::vector<CommitTicket> tickets;
  for (int i = 0; i != 10; ++i) {
    Transaction tx = db.begin();
    tx.insert(tx.create(), Position{1, 2});
    tickets.push_back(std::move(tx).submit());
  }
  db.step();
  for (CommitTicket& ticket : tickets) EXPECT_FALSE(ticket.get());
  EXPECT_EQ(db.engine.version_to_tell(false), before);
  EXPECT_EQ(db.engine.version_to_tell(true), before);
  expect_chain(db.snapshot(), bodies);
}

// Its own thread may be about to say how far it is while another ends it: the writer is not to wait again.
TEST(DeltaHistory, WaitsForNobodyWhoHasGone) {
  TestDatabase db;
  const auto pace = std::make_shared<Pace>(0, std::chrono::hours(1));
  db.engine.history().add_pace(pace);
  db.engine.history().remove_pace(*pace);
  db.engine.history().reach(*pace, 3);
  EXPECT_EQ(pace->reached.load(), std::numeric_limits<Version>::max());
}

}  // namespace
}  // namespace stoa::txn::test
