// Once the sink has a transaction's delta it stands: nothing after that may fail for want of memory.
#include "base/testing/no_memory.h"
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

TEST(OutOfMemory, FailsNoTransactionThatTheSinkHas) {
  TestDatabase db(stepped(), false);
  const std::vector<Entity> entities = db.add_positions(100);
  Transaction transaction = db.begin();
  for (Entity entity : entities) transaction.destroy(entity);
  CommitTicket ticket = std::move(transaction).submit();
  db.sink.open.reserve(1);
  db.sink.on_add = [](Version) -> ScriptedSink::Answer {
    stoa::test::no_memory = true;
    return {};
  };
  db.sink.on_commit = []() -> ScriptedSink::Answer {
    stoa::test::no_memory = false;
    return {};
  };
  db.step();
  stoa::test::no_memory = false;
  ASSERT_TRUE(ticket.get()) << ticket.get().error().message();
  EXPECT_EQ(version_of(ticket.get()), 2U);
  EXPECT_EQ(db.sink.batches.back().front().version, 2U);
  EXPECT_EQ(db.snapshot().count<>(), 0U);
}

// What ran out in the middle of an operation may be half done, so no catch in the function can save the transaction.
TEST(OutOfMemory, FailsAWriteFunctionThatCatchesIt) {
  TestDatabase db(stepped(), false);
  const std::vector<Entity> entities = db.add_positions(2000);
  const storage::test::Picture before = db.picture();
  bool caught = false;
  const auto answer = db.write([&](Writer& writer) {
    const stoa::test::NoMemory no_memory;
    try {
      for (int round = 9; round < 100; ++round) {
        for (Entity entity : entities) writer.set<&Position::y>(entity, static_cast<float>(round));
      }
    } catch (const std::bad_alloc&) {
      caught = true;
    }
  });
  EXPECT_TRUE(caught) << "the test tests nothing";
  EXPECT_EQ(code_of(answer), ErrorCode::out_of_memory);
  EXPECT_TRUE(db.unpublished_picture() == before);
}

/// A pool that ends, and three transactions of one batch, the second of which needs more: it first empties chunks that
/// snapshots see, so that taking it back needs pages.
class PoolThatEnds : public ::testing::TestWithParam<std::size_t> {
 protected:
  CommitTicket submit(Entity entity, bool giant) {
    Transaction transaction = db_.begin();
    transaction.set<&Position::y>(entity, 9);
    if (giant) {
      for (Entity each : entities_) transaction.destroy(each);
      const std::string text(1000, 'x');
      for (std::size_t i = 0; i != pool_bytes / text.size(); ++i) {
        transaction.insert(transaction.create(), Name{text, 0});
      }
    }
    return std::move(transaction).submit();
  }

  static constexpr std::size_t pool_bytes = std::size_t{1} << 20U;
  TestDatabase db_{stepped(), false,
                   memory::PoolOptions{.slab_bytes_first = pool_bytes,
                                       .slab_growth = 1e15,
                                       .slab_bytes_max = std::size_t{1} << 60U,
                                       .spare_bytes = GetParam()}};
  const std::vector<Entity> entities_ = db_.add_positions(5000);
  const storage::test::Picture before_ = db_.picture();
  CommitTicket first_ = submit(entities_[0], false);
  CommitTicket giant_ = submit(entities_[0], true);
  CommitTicket last_ = submit(entities_[1], false);
};

using PoolThatEndsAndHasSomethingSpare = PoolThatEnds;
TEST_P(PoolThatEndsAndHasSomethingSpare, FailsTheTransactionAndNothingElse) {
  db_.step();
  EXPECT_EQ(code_of(giant_.get()), ErrorCode::out_of_memory);
  EXPECT_EQ(version_of(first_.get()), 2U);
  EXPECT_EQ(version_of(last_.get()), 3U);
  const Snapshot now = db_.snapshot();
  EXPECT_EQ(now.count<Position>(), entities_.size());
  EXPECT_EQ(now.get<Position>(entities_[0])->y, 9);
  EXPECT_EQ(now.get<Position>(entities_[1])->y, 9);
}
INSTANTIATE_TEST_SUITE_P(Pool, PoolThatEndsAndHasSomethingSpare, ::testing::Values(std::size_t{16} << 20U));

// Without it the batch is lost, and with it the writer; what was committed before stays as it is, for readers.
using PoolThatEndsForGood = PoolThatEnds;
TEST_P(PoolThatEndsForGood, EndsAllWritesAndNoReads) {
  db_.step();
  EXPECT_EQ(code_of(first_.get()), ErrorCode::unknown_outcome);
  EXPECT_EQ(code_of(giant_.get()), ErrorCode::out_of_memory);
  EXPECT_EQ(code_of(last_.get()), ErrorCode::read_only);
  EXPECT_TRUE(db_.picture() == before_);
  EXPECT_EQ(db_.version(), 1U);
}
INSTANTIATE_TEST_SUITE_P(Pool, PoolThatEndsForGood, ::testing::Values(std::size_t{0}));

}  // namespace
}  // namespace stoa::txn::test
