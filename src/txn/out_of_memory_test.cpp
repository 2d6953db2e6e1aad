// Once the sink has a transaction's delta it stands: nothing after that may fail for want of memory. Replaces operator
// new for the whole test binary.
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace {
thread_local bool no_memory = false;
}  // namespace

// Not inlined: g++ would see free() at the end of what new began, and take it for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* block = no_memory ? nullptr : std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t /*bytes*/) noexcept { std::free(block); }

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
    no_memory = true;
    return {};
  };
  db.sink.on_commit = []() -> ScriptedSink::Answer {
    no_memory = false;
    return {};
  };
  db.step();
  no_memory = false;
  ASSERT_TRUE(ticket.get()) << ticket.get().error().message();
  EXPECT_EQ(version_of(ticket.get()), 2U);
  EXPECT_EQ(db.sink.batches.back().front().version, 2U);
  EXPECT_EQ(db.snapshot().count<>(), 0U);
}

}  // namespace
}  // namespace stoa::txn::test
