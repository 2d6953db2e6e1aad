// Ids: fresh ones, indices that come back, and those that may not.
#include "storage/entity_allocator.h"

#include "storage/buffer_manager.h"
#include "storage/testing/properties.h"
#include "storage/testing/world.h"

#include <stoa/detail/constants.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace stoa::storage {
namespace {

class EntityAllocator : public testing::Test {
 protected:
  static constexpr auto nobody = [](std::uint64_t, Entity) { return false; };

  static memory::PinSet pins(std::vector<std::uint64_t> exact) {
    memory::PinSet out;
    out.exact = std::move(exact);
    return out;
  }
  void end_and_recycle(Entity entity, std::uint64_t root_seq) {
    entities_.ended(entity, root_seq);
    entities_.recycle({}, nobody);
  }

  storage::EntityAllocator entities_;
};

TEST_F(EntityAllocator, CountsFreshIndicesFromZero) {
  for (std::uint32_t index = 0; index != 100; ++index) EXPECT_EQ(entities_.reserve(), Entity(index, 1));
}

TEST_F(EntityAllocator, GivesAnEndedIndexAgainWithTheNextGeneration) {
  const Entity first = entities_.reserve();
  end_and_recycle(first, 5);
  EXPECT_EQ(entities_.reserve(), Entity(first.index(), 2));
  EXPECT_EQ(entities_.reserve(), Entity(1, 1)) << "once";
}

TEST_F(EntityAllocator, GivesNoEndedIndexBeforeItIsRecycled) {
  entities_.ended(entities_.reserve(), 5);
  EXPECT_EQ(entities_.reserve().index(), 1U);
}

TEST_F(EntityAllocator, GivesABurntIndexAgainWithTheNextGeneration) {
  entities_.burn(entities_.reserve());
  entities_.recycle(pins({1, 2}), [](std::uint64_t, Entity) { return true; });
  EXPECT_EQ(entities_.reserve(), Entity(0, 2)) << "no pin can know it";
}

TEST_F(EntityAllocator, RetiresAnIndexWhoseGenerationIsUsedUp) {
  const Entity last(0, detail::generation_max);
  EXPECT_EQ(entities_.reserve().index(), 0U);
  end_and_recycle({0, detail::generation_max - 1}, 5);
  EXPECT_EQ(entities_.reserve(), last);
  end_and_recycle(last, 6);
  EXPECT_EQ(entities_.reserve(), Entity(1, 1));
  entities_.burn(last);
  entities_.recycle({}, nobody);
  EXPECT_EQ(entities_.reserve(), Entity(2, 1));
}

TEST_F(EntityAllocator, HoldsAnIndexWhileAPinnedRootHasItsEntityAlive) {
  const Entity entity = entities_.reserve();
  entities_.ended(entity, 10);
  const auto alive = [&](std::uint64_t pin, Entity asked) { return pin >= 7 && pin < 10 && asked == entity; };
  entities_.recycle(pins({3, 8, 9, 12}), alive);
  entities_.recycle(pins({3, 8}), alive);
  EXPECT_EQ(entities_.reserve(), Entity(1, 1)) << "root 8 has it alive";
  entities_.recycle(pins({3, 12}), alive);
  EXPECT_EQ(entities_.reserve(), Entity(0, 2)) << "it began after root 3 and ended before root 12";
}

TEST_F(EntityAllocator, HoldsAnIndexWhileAPinIsUnderWayFromBeforeItsEnd) {
  entities_.ended(entities_.reserve(), 10);
  memory::PinSet pinning;
  pinning.pinning_from = 9;
  entities_.recycle(pinning, nobody);
  EXPECT_EQ(entities_.reserve(), Entity(1, 1));
  pinning.pinning_from = 10;
  entities_.recycle(pinning, nobody);
  EXPECT_EQ(entities_.reserve(), Entity(0, 2));
}

TEST_F(EntityAllocator, KeepsWhatTheRingHasNoRoomFor) {
  constexpr std::uint32_t count = 10'000;
  std::vector<Entity> first;
  for (std::uint32_t i = 0; i != count; ++i) first.push_back(entities_.reserve());
  for (Entity entity : first) entities_.ended(entity, 2);
  std::set<Entity> again;
  std::uint32_t fresh = 0;
  while (again.size() < count && fresh < 10) {
    entities_.recycle({}, nobody);
    for (;;) {
      const Entity entity = entities_.reserve();
      if (entity.generation() == 1) {
        ++fresh;
        break;
      }
      ASSERT_TRUE(again.insert(entity).second) << test::to_string(entity);
    }
  }
  EXPECT_EQ(again.size(), count);
  EXPECT_EQ(again.rbegin()->index(), count - 1);
}

// What recovery leaves: ids alive, ids ended, and gaps of ids that no log ever spoke of.
TEST_F(EntityAllocator, GoesOnFromARootAndGivesEveryFreeIndexOnce) {
  const std::uint32_t gap = (1U << detail::slot_page_bits) * 3 + 1;  // whole pages that are not there, and a part
  const std::set<Entity> alive{{0, 1}, {2, 3}, {gap, 2}};
  const std::set<Entity> ended{{1, 4}, {gap + 1, 1}, {gap + 2, detail::generation_max}};
  BufferManager manager(test::make_world(), {});
  WriteBuffer& buffer = manager.write_buffer();
  for (Entity entity : alive) ASSERT_EQ(buffer.create(entity), Outcome::done);
  for (Entity entity : ended) {
    ASSERT_EQ(buffer.create(entity), Outcome::done);
    ASSERT_EQ(buffer.destroy(entity), Outcome::done);
  }
  std::vector<Entity> gone;
  buffer.accept(gone);
  manager.prepare_commit();
  manager.commit_batch(1, {});

  entities_.resume(buffer.root());
  std::set<Entity> expected{{1, 5}, {gap + 1, 2}};  // the third has used its generations up
  for (std::uint32_t index = 3; index != gap; ++index) expected.insert({index, 1});
  std::set<Entity> given;
  for (;;) {
    const Entity entity = entities_.reserve();
    if (entity.index() == gap + 3) break;  // nothing is left below: a fresh one
    ASSERT_TRUE(given.insert(entity).second) << test::to_string(entity);
    if (given.size() % 100 == 0) entities_.recycle({}, nobody);  // the writer's refills
  }
  EXPECT_EQ(given, expected);
}

TEST_F(EntityAllocator, KeepsAGreatGapAsARun) {
  const Entity highest((1U << detail::slot_page_bits) * 10'000'000, 1);  // 2.56 billion, but for tiny pages
  BufferManager manager(test::make_world(), {});
  ASSERT_EQ(manager.write_buffer().create(highest), Outcome::done);
  entities_.resume(manager.write_buffer().root());
  std::set<Entity> given;
  for (int i = 0; i != 10'000; ++i) {
    entities_.recycle({}, nobody);
    given.insert(entities_.reserve());
  }
  EXPECT_EQ(given.size(), 10'000U);
  EXPECT_EQ(given.rbegin()->index(), 9'999U);
}

}  // namespace
}  // namespace stoa::storage
