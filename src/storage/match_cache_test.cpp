// Queries over more archetypes than a walk should look at, while archetypes come and are given up.
#include "storage/match_cache.h"

#include "storage/testing/many_archetypes.h"
#include "storage/testing/properties.h"

#include <gtest/gtest.h>

#include <vector>

namespace stoa::storage {
namespace {

using test::ManyArchetypes;
using test::Random;

std::size_t archetypes_of(const detail::Root& root) {
  std::size_t out = 0;
  for (std::uint32_t number = 0; next_archetype(root, number) != nullptr; ++number) ++out;
  return out;
}

TEST(MatchCache, AnswersAsALookAtEveryArchetypeDoes) {
  Random random(test::test_seed());
  ManyArchetypes world(random, 400);
  std::vector<PinnedRoot> held;
  for (std::uint64_t round = test::test_rounds(300); round != 0; --round) {
    world.stray(random.below(60));
    if (random.chance(4)) world.come_home();
    world.commit();
    if (random.chance(30)) held.push_back(world.manager().pin());
    if (held.size() > 6 || (!held.empty() && random.chance(20))) {
      const std::size_t at = random.below(held.size());
      EXPECT_FALSE(world.manager().pins().release(*held[at].slot));
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    }
    for (int query = 0; query != 10; ++query) {
      const detail::Root& root =
          held.empty() || random.chance(40) ? world.buffer().root() : *held[random.below(held.size())].root;
      ASSERT_EQ(ManyArchetypes::audit(root, random), "") << "root " << root.root_seq;
    }
  }
  for (const PinnedRoot& pinned : held) EXPECT_FALSE(world.manager().pins().release(*pinned.slot));
}

TEST(MatchCache, ArchetypesWithoutRowsAreGivenUp) {
  Random random(test::test_seed());
  ManyArchetypes world(random, 50);
  std::size_t most = 0;
  for (int round = 0; round != 200; ++round) {
    world.stray(100);
    world.commit();
    most = std::max(most, archetypes_of(world.buffer().root()));
  }
  // 50 entities are in 50 at most. What a batch makes is on top: 100 steps make 100.
  EXPECT_LE(most, std::max<std::size_t>(detail::archetypes_kept, 2 * 51) + 1 + 100);
  EXPECT_GT(world.buffer().root().archetype_count, 2 * most) << "none was given up";

  world.commit();
  world.manager().catch_up();
  test::Reachable reachable;
  const PinnedRoot now = world.manager().pin();
  reachable.add(*now.root);
  EXPECT_LE(reachable.bytes(), world.manager().memory().bytes_in_use);
  // The next root's block, and what the next batch has copied of it.
  EXPECT_LE(world.manager().memory().bytes_in_use - reachable.bytes(), 1024U) << "leaked";
  EXPECT_FALSE(world.manager().pins().release(*now.slot));
}

TEST(MatchCache, KeepsAListForEachSetOfTerms) {
  Random random(test::test_seed());
  ManyArchetypes world(random, 100);
  world.stray(1000);
  world.commit();
  const detail::Root& root = world.buffer().root();
  detail::MatchCache cache;
  using Need = detail::Term::Need;
  const std::array terms{detail::Term{TableId{3}, Need::row}, detail::Term{TableId{1}, Need::without}};
  const std::array same{detail::Term{TableId{1}, Need::without}, detail::Term{TableId{7}, Need::maybe},
                        detail::Term{TableId{3}, Need::with}};
  const std::array other{detail::Term{TableId{3}, Need::without}, detail::Term{TableId{1}, Need::row}};
  const detail::MatchList* list = cache.find(root, terms);
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(cache.find(root, same), list);
  EXPECT_NE(cache.find(root, other), list);
  const detail::MatchList::Extent extent = list->extent();
  EXPECT_EQ(extent.examined, root.archetype_count);
  std::uint32_t matching = 0;
  std::uint32_t number = 0;
  for (const detail::ChunkStore* store; (store = next_archetype(root, number)) != nullptr; ++number) {
    if (!store->shape->has(TableId{3}) || store->shape->has(TableId{1})) continue;
    ASSERT_LT(matching, extent.count);
    EXPECT_EQ(list->at(matching++), number);
  }
  EXPECT_EQ(matching, extent.count);
  EXPECT_GT(matching, 8U);
}

TEST(MatchCache, ArchetypesOfFailedTransactionsGoWithThem) {
  Random random(test::test_seed());
  ManyArchetypes world(random, 1);
  world.commit();
  const std::uint32_t first = world.buffer().root().archetype_count;
  const std::size_t used = world.manager().memory().bytes_in_use;
  world.refuse(4 * detail::archetypes_kept);
  EXPECT_EQ(world.buffer().root().archetype_count, first);
  world.manager().note_memory();
  EXPECT_LE(world.manager().memory().bytes_in_use, used + 16384) << "copies of what they touched";
  world.stray(100);
  world.commit();
  for (int i = 0; i != 50; ++i) ASSERT_EQ(ManyArchetypes::audit(world.buffer().root(), random), "") << "numbers reused";
}

// The writer looks for archetypes that may be taken back, and whose numbers then are others'.
TEST(MatchCache, RemembersNoneThatMayBeTakenBack) {
  Random random(test::test_seed());
  ManyArchetypes world(random, 100);
  world.stray(1000);
  world.commit();
  detail::MatchCache cache;
  const std::array terms{detail::Term{TableId{3}, detail::Term::Need::row}};
  const detail::Root& root = world.buffer().root();
  (void)cache.find(root, terms);
  const std::uint32_t accepted = root.archetype_count;
  const detail::StoreShape* last = nullptr;  // what was made last may have been given up
  std::uint32_t number = 0;
  for (const detail::ChunkStore* store; (store = next_archetype(root, number)) != nullptr; ++number) {
    last = store->shape;
  }
  for (std::uint16_t tag = 0; root.archetype_count == accepted; ++tag) {
    if (!last->has(TableId{tag})) number = world.buffer().archetypes().with(last->number, TableId{tag});
  }
  const detail::MatchList* list = cache.find(root, terms);
  EXPECT_EQ(list->extent().examined, accepted);
  for (std::uint32_t i = 0; i != list->extent().count; ++i) EXPECT_NE(list->at(i), number);
  world.buffer().revert();
  EXPECT_EQ(root.archetype_count, accepted);
}

}  // namespace
}  // namespace stoa::storage
