// Restores by pages: they are taken back from what is retired, once and again, whatever else their batch does, and
// nobody frees them as long as they are in use.
#include "base/testing/seed.h"
#include "storage/testing/workload.h"
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using storage::test::Random;
using Hash = std::array<std::uint64_t, 2>;

constexpr std::size_t rows = 3000;  // several chunks of them

Options without_history() {
  Options options = stepped();
  options.history_bytes_max = 0;  // memory is measured
  return options;
}

class RestorerTest : public ::testing::Test {
 protected:
  [[nodiscard]] static const detail::Root& root_of(const Snapshot& snapshot) {
    return detail::SnapshotAccess::root(snapshot);
  }
  std::expected<Commit, Error> restore(const Snapshot& snapshot) { return db.engine.restore(root_of(snapshot)); }
  [[nodiscard]] Hash hash() { return db.snapshot().state_hash(); }
  void shift_all(double by) {
    ASSERT_TRUE(db.write([&](Writer& writer) { writer.each<Position>([&](Entity, Position& p) { p.y += by; }); }));
  }
  void set(Entity entity, double x) {
    Transaction transaction = db.begin();
    transaction.set<&Position::x>(entity, x);
    ASSERT_TRUE(std::move(transaction).commit());
  }
  /// So that what nobody needs goes.
  void turn_over(int commits = 3) {
    for (; commits != 0; --commits) set(entities.front(), static_cast<double>(db.version()));
  }

  TestDatabase db{without_history()};
  std::vector<Entity> entities = db.add_positions(rows);
};

TEST_F(RestorerTest, TakesPagesBackAndMakesNone) {
  turn_over();
  const std::size_t alone = db.buffers.memory().bytes_in_use;
  std::optional<Snapshot> kept = db.snapshot();
  const Hash before = hash();
  shift_all(1);
  const std::size_t two_worlds = db.buffers.memory().bytes_in_use;
  constexpr std::size_t most_pages = rows * sizeof(Position) / 2;
  ASSERT_GT(two_worlds, alone + most_pages);
  ASSERT_TRUE(restore(*kept));
  EXPECT_EQ(hash(), before);
  turn_over(1);
  EXPECT_LT(db.buffers.memory().bytes_in_use, two_worlds - most_pages);
  kept.reset();
  const Hash after = hash();
  turn_over();
  shift_all(0.5);
  shift_all(-0.5);
  set(entities.front(), static_cast<double>(2 + 3));
  EXPECT_LT(db.buffers.memory().bytes_in_use, two_worlds - most_pages);
  EXPECT_EQ(db.buffers.memory().bytes_retired, 0U);
  EXPECT_NE(hash(), after);
  db.expect_the_sink_tells_the_world();
}

// The pages that it took back are as retired as they were; a second try takes them again.
TEST_F(RestorerTest, ThatIsRefusedLeavesThePagesRetired) {
  std::optional<Snapshot> kept = db.snapshot();
  const Hash before = hash();
  shift_all(1);
  for (int i = 0; i != 3; ++i) {
    const storage::test::Picture shifted = db.picture();
    db.sink.refuse_add(0, Error(ErrorCode::disk_full, "full"));
    EXPECT_EQ(code_of(restore(*kept)), ErrorCode::disk_full);
    EXPECT_TRUE(db.picture() == shifted);
    EXPECT_TRUE(db.unpublished_picture() == shifted);
    turn_over();
  }
  EXPECT_EQ(kept->state_hash(), before);
  ASSERT_TRUE(restore(*kept));
  EXPECT_EQ(hash(), before);
  kept.reset();
  turn_over();
  const Snapshot now = db.snapshot();
  now.each<Position>([](Entity, const Position& p) { ASSERT_EQ(p.y, 0); });
}

// Whatever becomes of pages that came back, none is lost: let go while the snapshot that they came from is held, by a
// write or by a transaction that fails, and taken back once more.
TEST_F(RestorerTest, LosesNoPage) {
  turn_over();
  const std::size_t alone = db.buffers.memory().bytes_in_use;
  const auto come_and_go = [&](bool ends_restored) {
    const Snapshot kept = db.snapshot();
    shift_all(1);
    ASSERT_TRUE(restore(kept));
    shift_all(1);
    db.sink.refuse_add(0, Error(ErrorCode::disk_full, "full"));
    EXPECT_EQ(code_of(restore(kept)), ErrorCode::disk_full);
    db.sink.on_add = nullptr;
    if (!ends_restored) return;
    ASSERT_TRUE(restore(kept));
  };
  for (int round = 0; round != 20; ++round) {
    come_and_go(round % 2 == 0);
    turn_over();
    ASSERT_LT(db.buffers.memory().bytes_in_use, alone + rows * sizeof(Position) / 8) << round;
  }
  EXPECT_EQ(db.buffers.memory().bytes_retired, 0U);
}

// A row that is appended does not go to a page that came back: the list that it is on needs what its header says.
TEST_F(RestorerTest, AppendsToNoPageThatCameBack) {
  const TableId table = db.buffers.world().schema->table_of<Position>();
  {
    const Snapshot kept = db.snapshot();
    shift_all(1);
    ASSERT_TRUE(restore(kept));
    ASSERT_GT(db.buffers.bytes_retired(table), 0U);
    Transaction transaction = db.begin();
    transaction.insert(transaction.create(), Position{7, 7});
    ASSERT_TRUE(std::move(transaction).commit());
  }
  turn_over();
  EXPECT_EQ(db.buffers.bytes_retired(table), 0U);
}

// The last chunk has the same rows as in the snapshot, and on the same page: one came and went to the place of another.
// On the way back a row of it moves after all, and its column cannot be put back as a page.
TEST_F(RestorerTest, GoesByRowsWhereItMovesThemItself) {
  const Snapshot kept = db.snapshot();
  const Hash before = hash();
  Transaction transaction = db.begin();
  transaction.insert(transaction.create(), Position{7, 7});
  ASSERT_TRUE(std::move(transaction).commit());
  Transaction swap = db.begin();
  swap.destroy(entities[1]);
  ASSERT_TRUE(std::move(swap).commit());
  shift_all(1);
  ASSERT_TRUE(restore(kept));
  EXPECT_EQ(hash(), before);
  db.expect_the_sink_tells_the_world();
}

// Rows come and go as well: chunks whose rows are others are written row by row, the rest by pages.
TEST_F(RestorerTest, GoesByRowsWhereRowsHaveMoved) {
  const Snapshot kept = db.snapshot();
  const Hash before = hash();
  shift_all(1);
  Transaction transaction = db.begin();
  for (std::size_t i = 0; i < rows; i += 701) transaction.destroy(entities[i]);
  for (std::size_t i = 1; i < rows; i += 701) transaction.insert(entities[i], Mass{1});
  for (int i = 0; i != 50; ++i) transaction.insert(transaction.create(), Position{1, 1});
  ASSERT_TRUE(std::move(transaction).commit());
  const Snapshot later = db.snapshot();
  ASSERT_TRUE(restore(kept));
  EXPECT_EQ(hash(), before);
  ASSERT_TRUE(restore(later));
  EXPECT_EQ(hash(), later.state_hash());
  ASSERT_TRUE(restore(kept));
  EXPECT_EQ(hash(), before);
  db.expect_the_sink_tells_the_world();
}

TEST_F(RestorerTest, LeadsAnywhereInRandomHistories) {
  Random random{storage::test::test_seed()};
  std::vector<std::pair<Snapshot, Hash>> kept;
  for (int round = 0; round != 400 && !HasFailure(); ++round) {
    switch (random.below(6)) {
      case 0: shift_all(1); break;
      case 1: {
        ASSERT_TRUE(db.write([&](Writer& writer) {
          writer.each<Position>([&](Entity, Position& p) { p.x += random.chance(1) ? 1 : 0; });
        }));
        break;
      }
      case 2: {
        Transaction transaction = db.begin();
        for (int i = 0; i != 20; ++i) {
          transaction.upsert(entities[random.below(rows)], Mass{static_cast<double>(random.below(9))});
          transaction.set<&Position::x>(entities[random.below(rows)], static_cast<double>(random.below(9)));
        }
        ASSERT_TRUE(std::move(transaction).commit());
        break;
      }
      case 3:
        if (kept.size() < 6) kept.emplace_back(db.snapshot(), hash());
        break;
      case 4:
        if (!kept.empty()) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(random.below(kept.size())));
        break;
      default: {
        if (kept.empty()) break;
        const auto& [snapshot, its_hash] = kept[random.below(kept.size())];
        if (random.chance(20)) {
          db.sink.refuse_add(0, Error(ErrorCode::disk_full, "full"));
          (void)restore(snapshot);
          db.sink.on_add = nullptr;
        } else {
          ASSERT_TRUE(restore(snapshot));
          ASSERT_EQ(hash(), its_hash);
        }
        break;
      }
    }
    for (const auto& [snapshot, its_hash] : kept) ASSERT_EQ(snapshot.state_hash(), its_hash) << round;
  }
  kept.clear();
  turn_over();
  EXPECT_EQ(db.buffers.memory().bytes_retired, 0U);
  db.expect_the_sink_tells_the_world();
}

}  // namespace
}  // namespace stoa::txn::test
