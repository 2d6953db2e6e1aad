// Encoded transactions: what comes back is what was done, and bytes that are not as they were are refused or harmless.
#include "delta/replay.h"

#include "delta/transaction_delta.h"
#include "memory/page_pool.h"
#include "storage/testing/properties.h"
#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace stoa::delta {
namespace {

using storage::test::Model;
using storage::test::Operation;
using storage::test::Picture;
using storage::test::picture_of;
using storage::test::Random;
using storage::test::Workload;

// A world with a buffer of its own.
struct Side {
  explicit Side(const detail::WorldInfo& world) : buffer(world, pool) { buffer.begin(detail::Root{}); }
  void stand() {
    std::vector<Entity> ended;
    buffer.accept(ended);
  }
  memory::PagePool pool;
  storage::WriteBuffer buffer;
};

class ReplayTest : public ::testing::Test {
 protected:
  /// Some operations on the one side; the other one has not seen them.
  void transact(std::uint64_t operations) {
    for (; operations != 0; --operations) {
      const Operation operation = workload_.next(model_);
      ASSERT_EQ(perform(origin_.buffer, operation), model_.apply(operation));
    }
  }
  std::vector<std::byte> encoded() {
    std::vector<std::byte> out;
    if (delta_.has_effect(origin_.buffer)) delta_.encode(origin_.buffer, out);
    return out;
  }

  const detail::WorldInfo world_ = storage::test::make_world();
  Random random_{storage::test::test_seed()};
  Side origin_{world_};
  Side copy_{world_};
  Model model_{world_.schema->model()};
  std::uint32_t next_ = 0;
  Workload workload_{random_, model_.schema(), [this] { return Entity(next_++, 1); }};
  TransactionDelta delta_{world_};
  Replay replay_{world_};
};

TEST_F(ReplayTest, ReplayedTransactionsGiveTheSameWorld) {
  for (int i = 0; i < 150; ++i) {
    transact(random_.between(1, 25));
    const std::vector<std::byte> bytes = encoded();
    const auto applied = replay_.apply(bytes, copy_.buffer);
    ASSERT_TRUE(applied) << applied.error().message();
    copy_.stand();
    // What has no effect is taken back, as if it had not been: an id that began and ended in it is not in the world.
    bytes.empty() ? origin_.buffer.revert() : origin_.stand();
    ASSERT_EQ(copy_.buffer.root().entity_count, model_.entities().size());
    // Also of entities that began and ended in one transaction.
    for (std::uint32_t index = 0; index != next_; ++index) {
      ASSERT_EQ(generation_floor(copy_.buffer.root(), index), generation_floor(origin_.buffer.root(), index)) << index;
    }
    for (const auto& [entity, rows] : model_.entities()) {
      for (const TableModel& table : model_.schema().tables) {
        const std::byte* found = copy_.buffer.find_row(table.number, entity);
        const auto expected = rows.find(table.number);
        ASSERT_EQ(found != nullptr, expected != rows.end());
        ASSERT_TRUE(found == nullptr || storage::test::read_row(table, found) == expected->second);
      }
    }
  }
}

TEST_F(ReplayTest, ATransactionThatUndoesItselfHasNoEffectAndLeavesFloorsOnly) {
  transact(60);
  origin_.stand();
  for (int i = 0; i < 100; ++i) {
    // Whatever it does, everything that differs is then put back by hand.
    const Model before = model_;
    transact(random_.between(1, 6));
    bool restorable = true;
    for (const auto& [entity, rows] : before.entities()) restorable = restorable && model_.entities().contains(entity);
    if (restorable) {
      std::vector<Entity> begun;
      for (const auto& [entity, rows] : model_.entities()) {
        if (!before.entities().contains(entity)) begun.push_back(entity);
      }
      for (Entity entity : begun) ASSERT_EQ(origin_.buffer.destroy(entity), storage::Outcome::done);
      for (const auto& [entity, rows] : before.entities()) {
        for (const TableModel& table : model_.schema().tables) {
          const auto row = rows.find(table.number);
          if (row == rows.end()) {
            (void)origin_.buffer.remove(table.number, entity);
            continue;
          }
          const std::vector<std::byte> bytes = borrow(table, row->second);
          const storage::RowImage image{table.number, bytes.data()};
          if (origin_.buffer.update(table.number, entity, bytes.data()) == storage::Outcome::no_row) {
            ASSERT_EQ(origin_.buffer.insert(entity, {&image, 1}), storage::Outcome::done);
          }
        }
      }
      EXPECT_FALSE(delta_.has_effect(origin_.buffer));
      std::vector<std::byte> bytes;
      delta_.encode(origin_.buffer, bytes);
      RunReader reader(bytes, *world_.bytes);
      while (const delta::Run* run = reader.next()) EXPECT_EQ(run->code, RunCode::floors);
      EXPECT_EQ(reader.wrong(), nullptr);
    }
    origin_.buffer.revert();
    model_ = before;
  }
}

class DamagedDeltaTest : public ReplayTest {
 protected:
  void SetUp() override {
    transact(200);
    ASSERT_TRUE(replay_.apply(encoded(), copy_.buffer));
    origin_.stand();
    copy_.stand();
    transact(30);
    good_ = encoded();
    ASSERT_GT(good_.size(), 20U);
    before_ = picture_of(copy_.buffer.root());
  }

  /// Refused or not, the state comes back. Bytes are copied so that reading past their end is seen.
  bool try_and_revert(const std::vector<std::byte>& bytes) {
    const std::vector<std::byte> exact(bytes.begin(), bytes.end());
    const auto applied = replay_.apply(exact, copy_.buffer);
    if (!applied) {
      EXPECT_EQ(applied.error().code(), ErrorCode::corrupt);
      EXPECT_LT(applied.error().place()->offset, bytes.size());
      EXPECT_FALSE(applied.error().reason().empty());
    }
    copy_.buffer.revert();
    EXPECT_TRUE(++tries_ % 16 != 0 || picture_of(copy_.buffer.root()) == before_) << "it was not taken back";
    return applied.has_value();
  }

  std::vector<std::byte> good_;
  Picture before_;
  std::uint64_t tries_ = 0;  // a picture takes longer than a try: what one leaves behind, a later one sees
};

TEST_F(DamagedDeltaTest, EveryTruncationIsRefusedOrAWholeNumberOfOperations) {
  // Each operation of the delta changes something, so a longer list of cuts has one within an operation.
  ASSERT_TRUE(replay_.apply(good_, copy_.buffer));
  const auto changes = copy_.buffer.changes().changes();
  const auto operations_max = std::count_if(changes.begin(), changes.end(), [](const storage::Change& change) {
    return change.kind != storage::Change::Kind::move && change.kind != storage::Change::Kind::none;
  });
  copy_.buffer.revert();
  std::size_t whole = 0;
  for (std::size_t size = 0; size < good_.size() && !HasFailure(); ++size) {
    whole += try_and_revert({good_.begin(), good_.begin() + static_cast<std::ptrdiff_t>(size)}) ? 1 : 0;
  }
  EXPECT_LE(whole, static_cast<std::size_t>(operations_max)) << "a cut within an operation passed as whole";
  EXPECT_TRUE(try_and_revert(good_));
}

TEST_F(DamagedDeltaTest, ChangedBytesAreRefusedOrHarmless) {
  for (int i = 0; i < 2000 && !HasFailure(); ++i) {
    std::vector<std::byte> bytes = good_;
    for (std::uint64_t left = random_.between(1, 3); left != 0; --left) {
      bytes[random_.below(bytes.size())] =
          static_cast<std::byte>(random_.chance(50) ? random_.below(8) : random_.bits());
    }
    (void)try_and_revert(bytes);
  }
}

TEST_F(DamagedDeltaTest, RandomBytesAreRefusedOrHarmless) {
  for (int i = 0; i < 2000 && !HasFailure(); ++i) {
    std::vector<std::byte> bytes(random_.below(60));
    for (std::byte& byte : bytes)
      byte = static_cast<std::byte>(random_.chance(70) ? random_.below(10) : random_.bits());
    (void)try_and_revert(bytes);
  }
}

}  // namespace
}  // namespace stoa::delta
