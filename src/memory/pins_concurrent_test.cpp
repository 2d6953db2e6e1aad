#include "memory/pin_test_world.h"

#include "base/random.h"
#include "base/testing/seed.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::memory {
namespace {

struct Pinned {
  PinSlot* slot;
  const TestBlock* root;
  std::uint64_t tag;  // of the root when it was pinned
};

/// Pins on their way from one thread to another.
class Exchange {
 public:
  void give(Pinned pinned) {
    const std::lock_guard lock(mutex_);
    pins_.push_back(pinned);
  }
  bool take(Pinned& pinned) {
    const std::lock_guard lock(mutex_);
    if (pins_.empty()) return false;
    pinned = pins_.back();
    pins_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<Pinned> pins_;  // guarded by mutex_
};

TEST(PinsConcurrent, AnotherThreadMayReleaseASlotAndUseItNext) {
  Pins pins;
  const auto pin = [&pins](std::uint64_t root) -> PinSlot& {
    PinSlot& slot = pins.announce(root);
    Pins::narrow(slot, root);
    return slot;
  };
  PinSlot& slot = pin(4);
  PinSlot* next = nullptr;
  std::thread([&] {
    EXPECT_FALSE(pins.release(slot));
    next = &pin(6);
  }).join();
  EXPECT_EQ(next, &slot);
  EXPECT_NE(&pin(8), &slot) << "the hint of this thread names a slot that is taken";
  PinSet seen;
  EXPECT_TRUE(pins.collect(seen));
  EXPECT_EQ(seen.exact, (std::vector<std::uint64_t>{6, 8}));
}

// What is freed is overwritten at once, and AddressSanitizer and ThreadSanitizer see a touch of it that comes too late.
TEST(PinsConcurrent, PinnedContentNeverChanges) {
  const std::uint64_t seed = stoa::test::test_seed();
  constexpr int readers = 4;
  constexpr int rounds = 4000;
  TestWorld world;
  Exchange moving;
  std::atomic<int> readers_left{readers};
  std::atomic<std::uint64_t> torn{0};
  std::atomic<std::uint64_t> moved{0};
  std::atomic<std::uint64_t> roots_seen{0};

  auto check = [&](const Pinned& pinned) { torn += pinned.root->tag != pinned.tag || !is_whole(*pinned.root); };
  auto read = [&](std::uint64_t own_seed) {
    SeededRandom random(own_seed);
    std::vector<Pinned> held;
    std::uint64_t last = 0;
    for (int round = 0; round != rounds; ++round) {
      PinSlot& slot = world.pins.announce(world.load_number());
      if (random.next() % 64 == 0) std::this_thread::yield();  // stall between the steps
      const TestBlock* root = world.load_root();
      if (random.next() % 64 == 0) std::this_thread::yield();
      Pins::narrow(slot, root->tag);
      held.push_back({&slot, root, root->tag});
      torn += root->tag < last;  // a later pin never sees an earlier root
      roots_seen += root->tag != last;
      last = root->tag;
      if (const std::uint64_t pick = random.next() % 8; pick == 0) {
        Pinned& old = held[random.next() % held.size()];
        PinSlot& clone = world.pins.clone(*old.slot);
        static_cast<void>(world.pins.release(*std::exchange(old.slot, &clone)));
      } else if (pick == 1) {
        moving.give(held.back());
        held.pop_back();
      } else if (Pinned got{}; pick == 2 && moving.take(got)) {
        held.push_back(got);
        ++moved;
      }
      for (const Pinned& pinned : held) check(pinned);
      while (held.size() > random.next() % 6) {
        const std::size_t at = random.next() % held.size();
        check(held[at]);
        static_cast<void>(world.pins.release(*held[at].slot));
        held[at] = held.back();
        held.pop_back();
      }
    }
    for (const Pinned& pinned : held) static_cast<void>(world.pins.release(*pinned.slot));
    --readers_left;
  };

  std::vector<std::thread> threads;
  for (int i = 0; i != readers; ++i) threads.emplace_back(read, seed + static_cast<std::uint64_t>(i));
  SeededRandom random(seed + readers);
  std::uint64_t collections = 0;
  while (readers_left != 0) {
    world.fill(random.next() % TestBlock::leaves);
    world.store_root();
    world.store_number();
    world.retire();
    if (world.collect()) {
      ++collections;
      world.reclaim();
      world.empty_graves();
    }
    world.begin_next();
    if (random.next() % 256 == 0) std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  for (Pinned left{}; moving.take(left);) {
    check(left);
    EXPECT_FALSE(world.pins.release(*left.slot));
  }
  EXPECT_EQ(torn, 0U) << "STOA_TEST_SEED=" << seed;
  EXPECT_TRUE(world.collect());
  EXPECT_EQ(world.seen.pin_count, 0U);
  world.reclaim();
  world.empty_graves();
  EXPECT_TRUE(world.drained());
  EXPECT_GT(moved, 0U);
  EXPECT_GT(collections, 0U);
  EXPECT_GT(roots_seen, 0U);
}

// Only the slot itself puts a reader's last reads before the writer's reuse of what they read: the flag does not.
TEST(PinsConcurrent, AReleaseComesBeforeTheReuse) {
  TestWorld world;
  std::atomic<bool> released{false};
  bool whole = false;
  PinSlot& slot = world.pins.announce(world.load_number());
  const TestBlock* root = world.load_root();
  Pins::narrow(slot, root->tag);
  std::thread reader([&] {
    whole = is_whole(*root);
    static_cast<void>(world.pins.release(slot));
    released.store(true, std::memory_order_relaxed);  // relaxed: see above
  });
  while (!released.load(std::memory_order_relaxed)) std::this_thread::yield();  // relaxed: see above
  world.fill(0);
  world.store_root();
  world.store_number();
  world.retire();
  EXPECT_TRUE(world.collect());
  world.reclaim();
  world.empty_graves();
  EXPECT_TRUE(world.drained());
  reader.join();
  EXPECT_TRUE(whole);
}

// One root is pinned all the time, but by a pin that goes back and forth between the first slot and the last: a walk
// that meets the one before and the other after a clone sees neither, and must say that it is not to be trusted.
TEST(PinsConcurrent, AWalkNeverMissesAPinThatHopsByClone) {
  Pins pins;
  constexpr std::uint64_t hopping = 7;
  PinSlot& first = pins.announce(1);
  for (int i = 0; i != 400; ++i) Pins::narrow(pins.announce(1), 1);
  PinSlot* held = &pins.announce(1);
  Pins::narrow(*held, hopping);
  ASSERT_FALSE(pins.release(first));
  std::atomic<bool> stop{false};
  std::thread hopper([&] {
    PinSlot* now = held;
    SeededRandom random(1);
    while (!stop.load(std::memory_order_relaxed)) {  // relaxed: a flag
      PinSlot& next = pins.clone(*now);
      static_cast<void>(pins.release(*now));
      now = &next;
      if (random.next() % 4 == 0) std::this_thread::yield();
    }
    static_cast<void>(pins.release(*now));
  });
  PinSet seen;
  std::uint64_t trusted = 0;
  std::uint64_t missed = 0;
  for (int walk = 0; walk < 6000 || trusted == 0; ++walk) {
    if (!pins.collect(seen)) continue;
    ++trusted;
    missed += seen.greatest_below(hopping + 1) != hopping;
  }
  stop = true;
  hopper.join();
  EXPECT_EQ(missed, 0U) << "of " << trusted;
}

TEST(PinsConcurrent, ASlotHasOneHolder) {
  constexpr int holders = 4;
  Pins pins;
  std::atomic<std::uint64_t> shared{0};
  std::atomic<int> holders_left{holders};
  std::vector<std::thread> threads;
  for (std::uint64_t id = 1; id <= holders; ++id) {
    threads.emplace_back([&, id] {
      Pins other;
      std::vector<PinSlot*> slots;
      for (int round = 0; round != 20'000; ++round) {
        // Mostly one, now and then more than a block has, so that blocks are added meanwhile.
        for (int i = round % 1000 == 0 ? 40 : 1; i != 0; --i) {
          static_cast<void>(other.release(other.announce(1)));  // forget the hint: all contend for the first free slot
          slots.push_back(&pins.announce(id));
          Pins::narrow(*slots.back(), id);
        }
        for (PinSlot* slot : slots) shared += slot->word.load(std::memory_order_relaxed) != id * 2;  // relaxed: own
        for (PinSlot* slot : slots) static_cast<void>(pins.release(*slot));
        slots.clear();
      }
      --holders_left;
    });
  }
  PinSet seen;
  while (holders_left != 0) static_cast<void>(pins.collect(seen));  // walks into the blocks as they are added
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared, 0U);
}

// The database goes while snapshots are cloned and released on other threads: exactly one call is told that it is the
// last, and nobody holds a pin then.
TEST(PinsConcurrent, ExactlyOneIsTheLastOfAnOrphanedSet) {
  constexpr int holders = 3;
  for (int round = 0; round != 100; ++round) {
    Pins pins;
    // The first pins stand far behind free slots, to and fro between which the clones then hop: a walk that is on its
    // way meets a thread in neither place.
    std::array<PinSlot*, 400> slots;
    for (PinSlot*& slot : slots) Pins::narrow(*(slot = &pins.announce(1)), 1);
    for (std::size_t i = 0; i != slots.size() - holders; ++i) ASSERT_FALSE(pins.release(*slots[i]));
    std::atomic<int> ready{0};
    std::atomic<int> going{0};
    std::atomic<int> held{holders};
    std::atomic<int> told{0};
    std::atomic<int> told_early{0};
    auto last = [&] {
      ++told;
      told_early += held != 0;
    };
    std::vector<std::thread> threads;
    for (PinSlot* slot : std::span(slots).last<holders>()) {
      threads.emplace_back([&, slot] {
        ++ready;
        PinSlot* now = slot;
        for (int hop = 0, after = 0; after != 20; after += going) {
          if (++hop % 16 == 0) std::this_thread::yield();
          ++held;
          PinSlot& next = pins.clone(*now);
          --held;  // before the release, so that a count of none is never late
          if (pins.release(*now)) last();
          now = &next;
        }
        --held;
        if (pins.release(*now)) last();
      });
    }
    while (ready != holders) std::this_thread::yield();
    going = 1;
    if (pins.orphan()) last();
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(told, 1) << "round " << round;
    ASSERT_EQ(told_early, 0) << "round " << round;
  }
}

}  // namespace
}  // namespace stoa::memory
