// Compaction beside everything else that happens to a world: against a model, and in single cases.
#include "storage/compactor.h"

#include "storage/buffer_manager.h"
#include "storage/testing/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace stoa::storage {
namespace {

using test::Random;
using test::Session;

// Slabs of a few blocks, so that there are many.
constexpr memory::PoolOptions small_slabs{
    .slab_bytes_first = 8 << 10U, .slab_growth = 1, .slab_bytes_max = 8 << 10U, .spare_bytes = std::size_t{8} << 20U};
constexpr std::uint64_t to_the_end = static_cast<std::uint64_t>(-1);

void run_batch(Session& session, Random& random) {
  for (std::uint64_t left = random.between(1, 4); left != 0; --left) {
    session.transaction(random.chance(33));
    if (testing::Test::HasFatalFailure()) return;
  }
  session.commit();
}

void come_and_go(Session& session, Random& random) {
  if (session.held_count() < 6 && random.chance(20)) session.hold();
  if (session.held_count() == 0) return;
  const std::size_t number = random.below(session.held_count());
  if (random.chance(20)) {
    session.check_held(number);
  } else if (random.chance(8)) {
    session.release(number);
  }
}

// At any moment between two batches, one block or a few at a time, behind snapshots that are held.
TEST(Compactor, ChangesNothingThatAnybodySees) {
  Random random(test::test_seed());
  Session session(random, small_slabs);
  const std::uint64_t rounds = test::test_rounds(400);
  for (std::uint64_t round = 0; round != rounds; ++round) {
    if (round % 25 == 0) session.workload().aim_for(random.chance(40) ? 0 : random.between(10, 400));
    run_batch(session, random);
    if (HasFatalFailure()) return;
    if (random.chance(60)) session.compact(random.chance(20) ? to_the_end : random.between(1, 60));
    if (HasFatalFailure()) return;
    session.check_newest();
    if (round % 10 == 0) session.check_memory();
    come_and_go(session, random);
    if (HasFailure()) FAIL() << "in round " << round;
  }
  EXPECT_GT(session.compactions(), rounds / 20);
  EXPECT_GT(session.moving_compactions(), rounds / 40);
}

TEST(Compactor, LeavesNoSlabThatIsHalfEmpty) {
  Random random(test::test_seed());
  Session session(random, small_slabs);
  session.workload().aim_for(1500);
  for (int round = 0; round != 60; ++round) run_batch(session, random);
  session.hold();
  session.workload().aim_for(0);
  for (int round = 0; round != 60; ++round) run_batch(session, random);
  const std::size_t before = session.manager().memory().bytes_reserved;
  session.compact(to_the_end);
  session.check_held(0);
  session.release(0);
  session.commit();
  session.compact(to_the_end);
  session.check_newest();
  session.check_memory();
  const BufferManager::Memory memory = session.manager().memory();
  EXPECT_GT(memory.moved.blocks, 0U);
  EXPECT_LT(memory.bytes_reserved, before);
  EXPECT_LE(memory.bytes_reserved, 2 * memory.bytes_in_use + (std::size_t{64} << 10U));
}

TEST(Compactor, WithoutMemoryLeavesTheWorldAsItWas) {
  Random random(test::test_seed());
  memory::PoolOptions pool = small_slabs;
  pool.bytes_max = std::size_t{32} << 20U;
  Session session(random, pool);
  int failed = 0;
  for (int round = 0; round != 24; ++round) {
    if (round % 8 == 0) session.workload().aim_for(round % 16 == 0 ? 600 : 0);
    run_batch(session, random);
    if (random.chance(10)) session.hold();
    if (HasFatalFailure()) return;
    failed += session.compact_without_memory(random.below(80)) ? 1 : 0;
    session.check_newest();
    session.check_memory();
    if (HasFailure()) FAIL() << "in round " << round;
  }
  EXPECT_GT(failed, 3);
}

}  // namespace
}  // namespace stoa::storage
