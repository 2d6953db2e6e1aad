// Once the sink has a transaction's delta it stands: nothing after that may fail for want of memory.
#include "base/testing/no_memory.h"
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <new>
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

}  // namespace
}  // namespace stoa::txn::test
