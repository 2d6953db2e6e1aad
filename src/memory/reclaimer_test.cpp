#include "memory/reclaimer.h"

#include "base/random.h"
#include "base/testing/seed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace stoa::memory {
namespace {

constexpr std::size_t payload_bytes = 64 - sizeof(BlockHeader);  // so that a block is 64 bytes

PinSet pins_of(std::vector<std::uint64_t> exact, std::optional<std::uint64_t> pinning_from = std::nullopt) {
  PinSet pins;
  std::sort(exact.begin(), exact.end());
  exact.erase(std::unique(exact.begin(), exact.end()), exact.end());
  pins.exact = std::move(exact);
  if (pinning_from) pins.pinning_from = *pinning_from;
  return pins;
}

/// Makes blocks for chosen roots and retires them in others.
class Roots {
 public:
  void* make(std::uint64_t birth) {
    writer.begin(birth);
    return writer.allocate(payload_bytes);
  }
  void retire(void* block, std::uint64_t root) {
    writer.begin(root);
    writer.discard(block);
    reclaimer.retire(writer.take_retired());
  }
  [[nodiscard]] std::size_t blocks_in_use() const { return pool.bytes_in_use() / 64; }

  PagePool pool;
  PageWriter writer{pool};
  Reclaimer reclaimer{pool, 1};
};

TEST(PinSet, HoldsWhatSomePinLiesInside) {
  const PinSet pins = pins_of({4, 9});
  EXPECT_FALSE(pins.holds(1, 4));
  EXPECT_TRUE(pins.holds(1, 5));
  EXPECT_TRUE(pins.holds(4, 5));
  EXPECT_FALSE(pins.holds(5, 9)) << "between two pins";
  EXPECT_TRUE(pins.holds(5, 10));
  EXPECT_FALSE(pins.holds(10, 20));
  EXPECT_EQ(pins.greatest_below(4), 0U);
  EXPECT_EQ(pins.greatest_below(9), 4U);
  EXPECT_EQ(pins.greatest_below(10), 9U);
}

TEST(PinSet, APinUnderWayHoldsWhatIsRetiredAfterIt) {
  const PinSet pins = pins_of({}, 5);
  EXPECT_FALSE(pins.holds(1, 5));
  EXPECT_TRUE(pins.holds(1, 6));
  EXPECT_TRUE(pins.holds(6, 7)) << "born later: the pin may get any root from 5 on";
}

TEST(PageWriter, DiscardsItsOwnBlocksAtOnce) {
  Roots roots;
  void* mine = roots.make(3);
  EXPECT_TRUE(roots.writer.owns(mine));
  roots.writer.discard(mine);
  EXPECT_EQ(roots.blocks_in_use(), 0U);
  EXPECT_EQ(roots.writer.take_retired().head, nullptr);
  void* older = roots.make(4);
  roots.writer.begin(5);
  EXPECT_FALSE(roots.writer.owns(older));
  roots.writer.discard(older);
  EXPECT_EQ(roots.blocks_in_use(), 1U);
  EXPECT_EQ(roots.writer.take_retired().head->retire, 5U);
}

TEST(Reclaimer, FreesNothingBeforeReclaim) {
  Roots roots;
  roots.retire(roots.make(1), 2);
  EXPECT_EQ(roots.blocks_in_use(), 1U);
  EXPECT_EQ(roots.reclaimer.bytes_fresh(), 64U);
  EXPECT_EQ(roots.reclaimer.bytes_held(), 0U) << "whether a pin holds it is not known yet";
  roots.reclaimer.reclaim(pins_of({}));
  EXPECT_EQ(roots.reclaimer.bytes_fresh(), 0U);
  EXPECT_EQ(roots.blocks_in_use(), 0U);
}

TEST(Reclaimer, BlocksComeBackInTheOrderInWhichTheyWereLetGo) {
  Roots roots;
  const std::vector<void*> blocks{roots.make(1), roots.make(1), roots.make(1), roots.make(1)};
  roots.writer.begin(2);
  for (std::size_t at : {2U, 0U}) roots.writer.discard(blocks[at]);
  roots.reclaimer.retire(roots.writer.take_retired());
  roots.retire(blocks[3], 3);
  roots.retire(blocks[1], 4);
  roots.reclaimer.reclaim(pins_of({}));
  for (std::size_t at : {2U, 0U, 3U, 1U}) EXPECT_EQ(roots.make(5), blocks[at]);
}

TEST(Reclaimer, HandsABlockDownToTheNextPinThatHoldsIt) {
  Roots roots;
  roots.retire(roots.make(2), 10);
  for (std::vector<std::uint64_t> pins : {std::vector<std::uint64_t>{1, 3, 5, 9}, {1, 3, 5}, {1, 3}}) {
    roots.reclaimer.reclaim(pins_of(pins));
    EXPECT_EQ(roots.blocks_in_use(), 1U);
  }
  roots.reclaimer.reclaim(pins_of({1}));
  EXPECT_EQ(roots.blocks_in_use(), 0U);
}

TEST(Reclaimer, AStalledReaderHoldsOnlyItsOwnWorld) {
  Roots roots;
  constexpr std::uint64_t world = 100;  // blocks of each root; one is replaced per commit
  std::vector<void*> live;
  for (std::uint64_t i = 0; i != world; ++i) live.push_back(roots.make(1));
  for (std::uint64_t root = 2; root != 5000; ++root) {
    void*& block = live[root % world];
    roots.retire(block, root);
    block = roots.make(root);
    roots.reclaimer.reclaim(pins_of({1, root - 1}));
    ASSERT_LE(roots.blocks_in_use(), 2 * world + 1);
  }
  EXPECT_EQ(roots.reclaimer.bytes_held(), 64 * (world + 1));
  roots.reclaimer.reclaim(pins_of({}));
  EXPECT_EQ(roots.blocks_in_use(), world);
}

TEST(Reclaimer, APinUnderWayHoldsUntilItIsNarrowed) {
  Roots roots;
  roots.retire(roots.make(1), 5);
  roots.retire(roots.make(1), 6);
  roots.retire(roots.make(6), 8);
  roots.reclaimer.reclaim(pins_of({}, 5));
  EXPECT_EQ(roots.blocks_in_use(), 2U) << "retired in 5: not in root 5 or later";
  roots.reclaimer.reclaim(pins_of({7}));
  EXPECT_EQ(roots.blocks_in_use(), 1U) << "narrowed to 7: retired in 6 goes, born in 6 and retired in 8 stays";
  roots.reclaimer.reclaim(pins_of({}));
  EXPECT_EQ(roots.blocks_in_use(), 0U);
}

TEST(Reclaimer, ALaterPinUnderWayTakesOverFromAnEarlierOne) {
  Roots roots;
  roots.retire(roots.make(1), 5);
  roots.retire(roots.make(1), 9);
  roots.reclaimer.reclaim(pins_of({}, 3));
  EXPECT_EQ(roots.blocks_in_use(), 2U);
  roots.reclaimer.reclaim(pins_of({4}, 8));
  EXPECT_EQ(roots.blocks_in_use(), 2U);
  roots.reclaimer.reclaim(pins_of({}, 8));
  EXPECT_EQ(roots.blocks_in_use(), 1U);
  roots.reclaimer.reclaim(pins_of({}, 9));
  EXPECT_EQ(roots.blocks_in_use(), 0U);
}

// Random births, retirements and pins against the rule itself, applied to every retired block after every commit.
TEST(Reclaimer, AgreesWithTheRuleInRandomHistories) {
  const std::uint64_t seed = stoa::test::test_seed();
  SeededRandom random(seed);
  std::uint64_t held_by_pinning = 0;
  std::uint64_t between_pins = 0;
  for (int run = 0; run != 60; ++run) {
    Roots roots;
    std::vector<void*> live;
    struct Retired {
      std::uint64_t birth;
      std::uint64_t retire;
    };
    std::vector<Retired> retired;
    std::vector<std::uint64_t> exact;    // snapshots: a root each
    std::vector<std::uint64_t> pinning;  // pins under way: what each announced
    std::uint64_t births[64] = {};       // of live, by place
    for (std::uint64_t root = 1; root != 300; ++root) {
      roots.writer.begin(root);
      for (std::uint64_t i = random.next() % 6; i != 0; --i) {
        if (live.size() < 64 && random.next() % 2 == 0) {
          births[live.size()] = root;
          live.push_back(roots.writer.allocate(payload_bytes));
        } else if (!live.empty()) {
          const std::size_t at = random.next() % live.size();
          if (births[at] != root) retired.push_back({births[at], root});
          roots.writer.discard(live[at]);
          live[at] = live.back();
          births[at] = births[live.size() - 1];
          live.pop_back();
        }
      }
      roots.reclaimer.retire(roots.writer.take_retired());
      // Readers come and go: announce from a root or a few before, narrow to one since, clone, release.
      for (std::uint64_t i = random.next() % 4; i != 0; --i) {
        const std::uint64_t pick = random.next();
        if (pick % 5 <= 1) pinning.push_back(root);
        if (pick % 5 == 2 && !pinning.empty()) {
          exact.push_back(pinning.front() + random.next() % (root - pinning.front() + 1));
          pinning.erase(pinning.begin());
        }
        if (pick % 5 == 3 && !exact.empty()) exact.push_back(exact[random.next() % exact.size()]);
        if (pick % 5 == 4 && !exact.empty()) {
          exact.erase(exact.begin() + static_cast<std::ptrdiff_t>(random.next() % exact.size()));
        }
      }
      while (exact.size() > 1 + random.next() % 12) exact.erase(exact.begin());
      if (random.next() % 8 == 0) continue;  // collect() gave up
      PinSet pins = pins_of(exact);
      for (std::uint64_t from : pinning) pins.pinning_from = std::min(pins.pinning_from, from);
      roots.reclaimer.reclaim(pins);
      std::erase_if(retired, [&](const Retired& block) {
        const bool pinned = std::any_of(exact.begin(), exact.end(),
                                        [&](std::uint64_t pin) { return block.birth <= pin && pin < block.retire; });
        const bool may_be =
            std::any_of(pinning.begin(), pinning.end(), [&](std::uint64_t from) { return from < block.retire; });
        held_by_pinning += !pinned && may_be;
        between_pins += !pinned && !may_be && pins.greatest_below(block.retire) != 0;
        return !pinned && !may_be;
      });
      ASSERT_EQ(roots.reclaimer.bytes_held(), retired.size() * 64)
          << "STOA_TEST_SEED=" << seed << " run " << run << " root " << root;
      ASSERT_EQ(roots.blocks_in_use(), retired.size() + live.size());
    }
    roots.reclaimer.reclaim(pins_of({}));
    ASSERT_EQ(roots.blocks_in_use(), live.size());
    ASSERT_EQ(roots.reclaimer.bytes_held(), 0U);
  }
  EXPECT_GT(held_by_pinning, 100U) << "the histories must meet the case";
  EXPECT_GT(between_pins, 100U) << "the histories must meet the case";
}

}  // namespace
}  // namespace stoa::memory
