// The main test of storage: the write buffer and what is published of it, against a model, over random transactions.
#include "storage/buffer_manager.h"

#include "storage/testing/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

namespace stoa::storage {
namespace {

using test::Random;
using test::Session;

void run_batch(Session& session, Random& random) {
  for (std::uint64_t left = random.between(1, 8); left != 0; --left) {
    session.transaction(random.chance(33));
    if (testing::Test::HasFatalFailure()) return;
  }
  session.commit();
}

void come_and_go(Session& session, Random& random, std::size_t held_max) {
  if (session.held_count() < held_max && random.chance(20)) session.hold();
  if (session.held_count() == 0) return;
  const std::size_t number = random.below(session.held_count());
  if (random.chance(8)) {
    session.check_held(number);
  } else if (random.chance(4)) {
    session.release(number);
  }
}

TEST(BufferManager, EqualsItsModelInEveryVersion) {
  Random random(test::test_seed());
  Session session(random);
  const std::uint64_t rounds = test::test_rounds(400);
  for (std::uint64_t round = 0; round != rounds; ++round) {
    if (round % 50 == 0) session.workload().aim_for(random.chance(30) ? 0 : random.between(10, 300));
    run_batch(session, random);
    if (HasFatalFailure()) return;
    if (round % 10 == 0) session.check_memory();
    come_and_go(session, random, 8);
    if (HasFailure()) FAIL() << "in round " << round;
  }
  EXPECT_GT(session.reused_count(), rounds / 10);
}

TEST(BufferManager, GivesAllMemoryBackOnceTheWorldIsEmptyAndNobodyReads) {
  Random random(test::test_seed());
  Session session(random);
  for (std::uint64_t round = 0; round != 60; ++round) {
    run_batch(session, random);
    come_and_go(session, random, 4);
    if (HasFailure()) return;
  }
  session.destroy_all();
  session.commit();
  while (session.held_count() != 0) session.release(0);
  session.check_memory();
  session.commit();  // sees the pins gone
  const BufferManager::Memory memory = session.manager().memory();
  EXPECT_EQ(memory.bytes_retired, 0U);
  EXPECT_EQ(memory.pin_count, 0U);
  EXPECT_EQ(memory.oldest_root, 0U);
  // What is left: slots of the dead, and directories of empty tables.
  EXPECT_LT(memory.bytes_in_use, std::size_t{512} << 10U);
}

TEST(BufferManager, ShowsABatchOnlyOnceItIsCommitted) {
  BufferManager manager(test::make_world(), {});
  const Entity entity = manager.entities().reserve();
  ASSERT_EQ(manager.write_buffer().create(entity), Outcome::done);
  const PinnedRoot before = manager.pin();
  EXPECT_EQ(before.root->version, 0U);
  EXPECT_EQ(find_alive(*before.root, entity), nullptr);
  std::vector<Entity> ended;
  manager.write_buffer().accept(ended);
  manager.prepare_commit();
  manager.commit_batch(1, ended);
  EXPECT_EQ(find_alive(*before.root, entity), nullptr);
  const PinnedRoot after = manager.pin();
  EXPECT_EQ(after.root->version, 1U);
  EXPECT_NE(find_alive(*after.root, entity), nullptr);
  EXPECT_FALSE(manager.pins().release(*before.slot));
  EXPECT_FALSE(manager.pins().release(*after.slot));
}

// By its id a read knows a root again that it has seen before.
TEST(BufferManager, GivesEachRootAnIdOfItsOwn) {
  BufferManager one(test::make_world(), {});
  BufferManager other(test::make_world(), {});
  std::set<std::uint64_t> ids{0};
  const std::uint64_t rounds = std::min<std::uint64_t>(1000, 5 * detail::root_ids_together);
  for (Version version = 1; version <= rounds; ++version) {
    for (BufferManager* manager : {&one, &other}) {
      EXPECT_EQ(manager->write_buffer().root().id, 0U) << "not published";
      manager->prepare_commit();
      manager->commit_batch(version, {});
      const PinnedRoot pinned = manager->pin();
      EXPECT_TRUE(ids.insert(pinned.root->id).second);
      EXPECT_FALSE(manager->pins().release(*pinned.slot));
    }
  }
}

TEST(BufferManager, ReportsTheOldestPin) {
  BufferManager manager(test::make_world(), {});
  auto commit = [&manager, version = Version{0}]() mutable {
    manager.prepare_commit();
    manager.commit_batch(++version, {});
  };
  commit();
  const PinnedRoot old = manager.pin();
  commit();
  const PinnedRoot young = manager.pin();
  commit();
  EXPECT_EQ(manager.memory().oldest_root, old.root->root_seq);
  EXPECT_EQ(manager.memory().newest_root, young.root->root_seq + 1);
  EXPECT_EQ(manager.memory().pin_count, 2U);
  EXPECT_GT(manager.memory().bytes_retired, 0U);
  EXPECT_FALSE(manager.pins().release(*old.slot));
  commit();
  EXPECT_EQ(manager.memory().oldest_root, young.root->root_seq);
  EXPECT_FALSE(manager.pins().release(*young.slot));
  commit();
  EXPECT_EQ(manager.memory().pin_count, 0U);
  EXPECT_EQ(manager.memory().bytes_retired, 0U);
}

TEST(BufferManager, GivesBackSomeKibibytesTogetherWhereNobodyReads) {
  BufferManager manager(test::make_world(), {});
  std::uint64_t commits = 0;
  const auto commit = [&] {
    manager.prepare_commit();
    manager.commit_batch(++commits, {});
    return manager.memory().bytes_in_use;
  };
  std::size_t least = commit();
  std::size_t most = least;
  std::uint64_t times = 0;
  constexpr std::uint64_t commits_max = 10'000;
  for (std::size_t before = least; commits < commits_max;) {
    const std::size_t now = commit();
    times += now < before ? 1 : 0;
    least = std::min(least, now);
    most = std::max(most, now);
    before = now;
    EXPECT_EQ(manager.memory().bytes_retired, 0U) << "there is no snapshot that it could be kept for";
  }
  EXPECT_GT(times, 0U);
  EXPECT_LT(times, commits_max / 8) << "it is not done at each commit";
  EXPECT_LE(most - least, std::size_t{16} << 10U) << "and what waits for it is bounded";

  commit();
  const PinnedRoot pinned = manager.pin();
  commit();
  EXPECT_FALSE(manager.is_behind()) << "at once where somebody reads";
  EXPECT_GT(manager.memory().bytes_retired, 0U);
  EXPECT_FALSE(manager.pins().release(*pinned.slot));
  commit();
  EXPECT_FALSE(manager.is_behind()) << "and what somebody read goes back with the next commit";
  EXPECT_EQ(manager.memory().bytes_retired, 0U);
  commit();
  EXPECT_TRUE(manager.is_behind());
  manager.catch_up();
  EXPECT_FALSE(manager.is_behind());
  EXPECT_EQ(manager.memory().bytes_in_use, least);
}

TEST(BufferManager, LooksAtManyPinsOnlyWhenItPays) {
  constexpr std::size_t pin_count = 1000;
  BufferManager manager(test::make_world(), {});
  auto commit = [&manager, version = Version{0}]() mutable {
    manager.prepare_commit();
    manager.commit_batch(++version, {});
  };
  std::vector<PinnedRoot> pins;
  for (std::size_t i = 0; i != pin_count; ++i) {
    commit();
    pins.push_back(manager.pin());
  }
  manager.catch_up();
  EXPECT_FALSE(manager.is_behind());
  EXPECT_EQ(manager.memory().pin_count, pin_count);
  const std::size_t held = manager.memory().bytes_retired;

  std::size_t put_off = 0;
  std::size_t looks = 0;
  for (int i = 0; i != 10'000; ++i) {
    commit();
    looks += manager.is_behind() ? 0 : 1;
    put_off = std::max(put_off, manager.memory().bytes_retired - held);
  }
  EXPECT_GT(looks, 0U);
  EXPECT_LT(looks, 100U) << "the walk over the pins is shared by many commits";
  EXPECT_LE(put_off, pin_count * 1024) << "and what waits for it is bounded";
  EXPECT_GT(put_off, pin_count * 512) << "and counts as kept";
  manager.catch_up();
  EXPECT_EQ(manager.memory().bytes_retired, held + 64 * ((sizeof(Root) + sizeof(memory::BlockHeader) + 63) / 64))
      << "nothing but the last pinned root, which a newer one has replaced";

  for (const PinnedRoot& pin : pins) EXPECT_FALSE(manager.pins().release(*pin.slot));
  commit();
  manager.catch_up();
  EXPECT_EQ(manager.memory().bytes_retired, 0U);
}

}  // namespace
}  // namespace stoa::storage
