// Ids: fresh ones, indices that come back, and those that may not.
#include "storage/entity_allocator.h"

#include "base/testing/seed.h"
#include "storage/buffer_manager.h"
#include "storage/testing/properties.h"
#include "storage/testing/world.h"

#include <stoa/detail/constants.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace stoa::storage {
namespace {

class EntityAllocator : public testing::Test {
 protected:
  static constexpr auto nobody = [](std::uint64_t, Entity) { return false; };

  EntityAllocator() { buffer_.begin(Root{}); }

  static memory::PinSet pins(std::vector<std::uint64_t> exact) {
    memory::PinSet out;
    out.exact = std::move(exact);
    return out;
  }
  /// The entity begins and ends.
  void end(Entity entity, std::uint64_t root_seq) {
    ASSERT_EQ(buffer_.create(entity), Outcome::done);
    ASSERT_EQ(buffer_.destroy(entity), Outcome::done);
    buffer_.changes().clear();
    entities_.ended(entity, root_seq);
  }
  void burn(Entity entity) {
    entities_.burn(entity);
    entities_.offer_burnt(buffer_.root());
  }
  void recycle(const memory::PinSet& pins = {}, const std::function<bool(std::uint64_t, Entity)>& alive_in = nobody) {
    entities_.recycle(pins, buffer_.root(), alive_in);
  }
  void end_and_recycle(Entity entity, std::uint64_t root_seq) {
    end(entity, root_seq);
    recycle();
  }
  std::size_t fold() {
    std::size_t pages = 0;
    while (const auto page = entities_.take_dead_page()) {
      buffer_.fold_slots(*page);
      entities_.folded(*page);
      ++pages;
    }
    return pages;
  }
  [[nodiscard]] bool is_folded(std::uint32_t index) const { return find_slot(buffer_.root(), index) == nullptr; }

  detail::WorldInfo world_ = test::make_world();
  memory::PagePool pool_{{}};
  WriteBuffer buffer_{world_, pool_};
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
  end(entities_.reserve(), 5);
  EXPECT_EQ(entities_.reserve().index(), 1U);
}

TEST_F(EntityAllocator, GivesABurntIndexAgainWithTheNextGeneration) {
  burn(entities_.reserve());
  recycle(pins({1, 2}), [](std::uint64_t, Entity) { return true; });
  EXPECT_EQ(entities_.reserve(), Entity(0, 2)) << "no pin can know it";
}

TEST_F(EntityAllocator, RetiresAnIndexWhoseGenerationIsUsedUp) {
  const Entity last(0, detail::generation_max);
  EXPECT_EQ(entities_.reserve().index(), 0U);
  end_and_recycle({0, detail::generation_max - 1}, 5);
  EXPECT_EQ(entities_.reserve(), last);
  end_and_recycle(last, 6);
  EXPECT_EQ(entities_.reserve(), Entity(1, 1));
  burn(last);
  recycle();
  EXPECT_EQ(entities_.reserve(), Entity(2, 1));
}

TEST_F(EntityAllocator, HoldsAnIndexWhileAPinnedRootHasItsEntityAlive) {
  const Entity entity = entities_.reserve();
  end(entity, 10);
  const auto alive = [&](std::uint64_t pin, Entity asked) { return pin >= 7 && pin < 10 && asked == entity; };
  recycle(pins({3, 8, 9, 12}), alive);
  recycle(pins({3, 8}), alive);
  EXPECT_EQ(entities_.reserve(), Entity(1, 1)) << "root 8 has it alive";
  recycle(pins({3, 12}), alive);
  EXPECT_EQ(entities_.reserve(), Entity(0, 2)) << "it began after root 3 and ended before root 12";
}

TEST_F(EntityAllocator, HoldsAnIndexWhileAPinIsUnderWayFromBeforeItsEnd) {
  end(entities_.reserve(), 10);
  memory::PinSet pinning;
  pinning.pinning_from = 9;
  recycle(pinning);
  EXPECT_EQ(entities_.reserve(), Entity(1, 1));
  pinning.pinning_from = 10;
  recycle(pinning);
  EXPECT_EQ(entities_.reserve(), Entity(0, 2));
}

TEST_F(EntityAllocator, KeepsWhatTheRingHasNoRoomFor) {
  constexpr std::uint32_t count = 10'000;
  std::vector<Entity> first;
  for (std::uint32_t i = 0; i != count; ++i) first.push_back(entities_.reserve());
  for (Entity entity : first) end(entity, 2);
  std::set<Entity> again;
  std::uint32_t fresh = 0;
  while (again.size() < count && fresh < 10) {
    recycle();
    fold();
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

TEST_F(EntityAllocator, FoldsAPageOfTheDeadIntoAFloorAboveAllOfThem) {
  constexpr std::uint32_t size = 1U << detail::slot_page_bits;
  for (std::uint32_t i = 0; i != size; ++i) ASSERT_EQ(entities_.reserve(), Entity(i, 1));
  for (std::uint32_t i = 0; i + 1 != size; ++i) end({i, i + 1 == size / 2 ? 5U : 2U}, 3);  // they lived that often
  recycle();
  EXPECT_EQ(fold(), 0U) << "one is alive";
  end({size - 1, 1}, 4);
  // What the ring offers is out of hand, and there are too few to call it back.
  std::set<std::uint32_t> offered;
  for (std::uint32_t i = 0; i + 1 != size; ++i) {
    const Entity entity = entities_.reserve();
    offered.insert(entity.index());
    end(entity, 5);
  }
  EXPECT_EQ(offered.size(), size - 1);
  recycle();
  EXPECT_EQ(fold(), 1U);
  EXPECT_TRUE(is_folded(0));
  recycle();
  for (std::uint32_t i = 0; i != size; ++i) {
    EXPECT_EQ(entities_.reserve(), Entity(i, 7));
  }
}

TEST_F(EntityAllocator, KeepsNoPagesOfTheDeadHoweverTheyEnd) {
  constexpr std::uint32_t size = 1U << detail::slot_page_bits;
  constexpr std::uint32_t pages = 4096;
  std::vector<Entity> alive(std::size_t{size} * pages);
  ASSERT_EQ(entities_.reserve(alive), alive.size());
  std::shuffle(alive.begin(), alive.end(), std::mt19937(stoa::test::test_seed()));
  for (std::size_t i = 0; i != alive.size(); ++i) {
    end(alive[i], 2);
    if (i % 1000 == 0) recycle();
  }
  recycle();
  fold();
  std::uint32_t kept = 0;
  for (std::uint32_t page = 0; page != pages; ++page) kept += is_folded(page * size) ? 0 : 1;
  EXPECT_LT(kept, 4 * 4096 / size) << "of " << pages;
}

TEST_F(EntityAllocator, OffersAsManyAsAreTakenBetweenTwoCommits) {
  constexpr std::size_t churn = 100'000;
  std::vector<Entity> entities(churn);
  std::uint32_t highest = 0;
  for (std::uint64_t root_seq = 2; root_seq != 42; ++root_seq) {
    ASSERT_EQ(entities_.reserve(entities), churn);
    for (Entity entity : entities) {
      highest = std::max(highest, entity.index());
      end(entity, root_seq);
    }
    recycle();
    fold();
    recycle();
  }
  EXPECT_LT(highest, 12 * churn) << "fresh ones, and those of the dead lie idle";
}

TEST_F(EntityAllocator, OffersTheBurntOfGreatTransactionsAgain) {
  constexpr std::size_t churn = 100'000;
  std::vector<Entity> entities(churn);
  std::set<Entity> given;
  std::uint32_t highest = 0;
  for (int round = 0; round != 30; ++round) {
    ASSERT_EQ(entities_.reserve(entities), churn);
    for (Entity entity : entities) {
      ASSERT_TRUE(given.insert(entity).second) << test::to_string(entity);
      highest = std::max(highest, entity.index());
      entities_.burn(entity);
    }
    entities_.offer_burnt(buffer_.root());
  }
  EXPECT_LT(highest, 12 * churn) << "fresh ones, and the burnt lie idle";
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
    if (given.size() % 100 == 0) entities_.recycle({}, buffer.root(), nobody);  // the writer's refills
  }
  EXPECT_EQ(given, expected);
}

// No more are looked for than there are: the only one may be the last.
TEST_F(EntityAllocator, GoesOnFromARootWithAFreeIndexInAnyPage) {
  constexpr std::uint32_t page_slots = 1U << detail::slot_page_bits;
  constexpr std::uint32_t count = 3 * page_slots;
  for (const std::uint32_t free : {0U, page_slots, count - 1}) {
    BufferManager manager(test::make_world(), {});
    WriteBuffer& buffer = manager.write_buffer();
    for (std::uint32_t index = 0; index != count; ++index) ASSERT_EQ(buffer.create({index, 1}), Outcome::done);
    ASSERT_EQ(buffer.destroy({free, 1}), Outcome::done);
    storage::EntityAllocator entities;
    entities.resume(buffer.root());
    EXPECT_EQ(entities.reserve(), Entity(free, 2));
    EXPECT_EQ(entities.reserve(), Entity(count, 1));
  }
}

TEST_F(EntityAllocator, KeepsAGreatGapAsARun) {
  const Entity highest((1U << detail::slot_page_bits) * 10'000'000, 1);  // 2.56 billion, but for tiny pages
  BufferManager manager(test::make_world(), {});
  ASSERT_EQ(manager.write_buffer().create(highest), Outcome::done);
  entities_.resume(manager.write_buffer().root());
  std::set<Entity> given;
  for (int i = 0; i != 10'000; ++i) {
    entities_.recycle({}, manager.write_buffer().root(), nobody);
    given.insert(entities_.reserve());
  }
  EXPECT_EQ(given.size(), 10'000U);
  EXPECT_EQ(given.rbegin()->index(), 9'999U);
}

}  // namespace
}  // namespace stoa::storage
