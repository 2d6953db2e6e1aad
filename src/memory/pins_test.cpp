#include "memory/pins.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace stoa::memory {
namespace {

constexpr std::uint64_t none_under_way = ~std::uint64_t{0};

PinSlot& pin(Pins& pins, std::uint64_t root) {
  PinSlot& slot = pins.announce(root);
  Pins::narrow(slot, root);
  return slot;
}

PinSet collected(const Pins& pins) {
  PinSet seen;
  EXPECT_TRUE(pins.collect(seen));
  return seen;
}

TEST(Pins, AnAnnouncementIsUnderWayUntilItIsNarrowed) {
  Pins pins;
  PinSlot& slot = pins.announce(5);
  EXPECT_EQ(collected(pins).pinning_from, 5U);
  EXPECT_TRUE(collected(pins).exact.empty());
  Pins::narrow(slot, 7);
  EXPECT_EQ(collected(pins).pinning_from, none_under_way);
  EXPECT_EQ(collected(pins).exact, std::vector<std::uint64_t>{7});
  EXPECT_FALSE(pins.release(slot));
  EXPECT_EQ(collected(pins).pin_count, 0U);
}

TEST(Pins, TheLeastAnnouncementCounts) {
  Pins pins;
  PinSlot* slots[] = {&pins.announce(9), &pins.announce(3), &pins.announce(6)};
  EXPECT_EQ(collected(pins).pinning_from, 3U);
  EXPECT_FALSE(pins.release(*slots[1]));
  EXPECT_EQ(collected(pins).pinning_from, 6U);
}

TEST(Pins, AThreadClaimsTheSlotThatItReleasedLast) {
  Pins pins;
  PinSlot& first = pin(pins, 1);
  PinSlot& second = pin(pins, 2);
  EXPECT_NE(&first, &second);
  EXPECT_FALSE(pins.release(first));
  EXPECT_FALSE(pins.release(second));
  EXPECT_EQ(&pin(pins, 3), &second);
  EXPECT_EQ(&pin(pins, 4), &first);
}

TEST(Pins, HoldAsManyAsAreAsked) {
  Pins pins;
  std::set<PinSlot*> slots;
  for (std::uint64_t i = 0; i != 1000; ++i) EXPECT_TRUE(slots.insert(&pin(pins, 1 + (i * 7) % 500)).second);
  PinSet seen = collected(pins);
  EXPECT_EQ(seen.pin_count, 1000U);
  ASSERT_EQ(seen.exact.size(), 500U) << "each number once";
  for (std::uint64_t i = 0; i != 500; ++i) EXPECT_EQ(seen.exact[i], i + 1);
  for (PinSlot* slot : slots) EXPECT_FALSE(pins.release(*slot));
  ASSERT_TRUE(pins.collect(seen));
  EXPECT_EQ(seen.pin_count, 0U) << "what was seen before is forgotten";
  EXPECT_TRUE(seen.exact.empty());
}

TEST(Pins, ASlotThatAnotherThreadReleasedIsFoundAgain) {
  Pins pins;
  std::vector<PinSlot*> slots;
  while (slots.size() != 30 * PinBlock::slot_count) slots.push_back(&pin(pins, 1));
  for (const std::size_t at : {700U, 5U, 950U}) {
    // Its own last slot is what the other thread remembers, and this thread's is taken.
    std::thread([&] { EXPECT_FALSE(pins.release(*slots[at])); }).join();
    EXPECT_EQ(&pin(pins, 2000), slots[at]) << "no block is added while one has room";
  }
}

TEST(PinPass, AnswersAscendingQuestions) {
  PinSet pins;
  pins.exact = {4, 9, 10};
  PinPass pass(pins);
  for (const std::uint64_t root : {1U, 4U, 5U, 9U, 10U, 11U}) {
    EXPECT_EQ(pass.pins(root), root == 4 || root == 9 || root == 10) << root;
  }
}

TEST(Pins, ACloneHoldsTheSameRootOnItsOwn) {
  Pins pins;
  PinSlot& held = pin(pins, 4);
  PinSlot& clone = pins.clone(held);
  EXPECT_EQ(collected(pins).pin_count, 2U);
  EXPECT_FALSE(pins.release(held));
  EXPECT_EQ(collected(pins).exact, std::vector<std::uint64_t>{4});
  EXPECT_FALSE(pins.release(clone));
  EXPECT_TRUE(collected(pins).exact.empty());
}

TEST(Pins, NeverClaimASlotOfAnotherDatabase) {
  auto gone = std::make_unique<Pins>();
  EXPECT_FALSE(gone->release(pin(*gone, 1)));
  gone.reset();
  Pins a;  // perhaps where the other one was
  Pins b;
  for (std::uint64_t i = 1; i != 100; ++i) {
    PinSlot& in_a = pin(a, i);
    PinSlot& in_b = pin(b, 1000 + i);
    EXPECT_EQ(collected(a).exact, std::vector<std::uint64_t>{i});
    EXPECT_EQ(collected(b).exact, std::vector<std::uint64_t>{1000 + i});
    EXPECT_FALSE(a.release(in_a));
    EXPECT_FALSE(b.release(in_b));
  }
}

TEST(Pins, AnOrphanedSetWithoutPinsHasNoLastOne) {
  Pins pins;
  EXPECT_FALSE(pins.release(pin(pins, 1)));
  EXPECT_TRUE(pins.orphan());
}

TEST(Pins, TheLastReleaseOfAnOrphanedSetIsTold) {
  Pins pins;
  std::vector<PinSlot*> slots;
  for (std::uint64_t i = 1; i != 100; ++i) slots.push_back(&pin(pins, i));
  EXPECT_FALSE(pins.orphan());
  EXPECT_EQ(collected(pins).exact.size(), 99U) << "the mark is no part of the number";
  for (PinSlot* slot : slots) EXPECT_EQ(pins.release(*slot), slot == slots.back());
}

TEST(Pins, ACloneOfAnOrphanIsAnOrphan) {
  Pins pins;
  PinSlot& held = pin(pins, 4);
  EXPECT_FALSE(pins.orphan());
  PinSlot& clone = pins.clone(held);
  PinSlot& clone_of_clone = pins.clone(clone);
  EXPECT_EQ(collected(pins).exact, std::vector<std::uint64_t>{4});
  EXPECT_FALSE(pins.release(clone));
  EXPECT_FALSE(pins.release(held));
  EXPECT_TRUE(pins.release(clone_of_clone));
}

}  // namespace
}  // namespace stoa::memory
