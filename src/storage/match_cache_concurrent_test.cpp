// Readers that find out together which archetypes match, while the writer makes and gives up archetypes.
#include "storage/match_cache.h"

#include "storage/testing/many_archetypes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace stoa::storage {
namespace {

using test::ManyArchetypes;
using test::Random;

TEST(MatchCacheConcurrent, EveryReaderSeesWhatItsRootHas) {
  Random random(test::test_seed());
  ManyArchetypes world(random, 200);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> audits{0};
  std::vector<std::thread> readers;
  for (int number = 0; number != 3; ++number) {
    readers.emplace_back([&, seed = random.bits()] {
      Random dice(seed);
      while (!done.load() && !testing::Test::HasFailure()) {
        const PinnedRoot pinned = world.manager().pin();
        for (std::uint64_t left = dice.between(1, 5); left != 0; --left) {
          EXPECT_EQ(ManyArchetypes::audit(*pinned.root, dice), "");
          audits.fetch_add(1);
        }
        EXPECT_FALSE(world.manager().pins().release(*pinned.slot));
      }
    });
  }
  const std::uint64_t rounds = test::test_rounds(300);
  for (std::uint64_t round = 0; (round < rounds || audits.load() < 100) && !HasFailure(); ++round) {
    world.stray(40);
    if (round % 16 == 0) world.come_home();
    world.commit();
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace stoa::storage
