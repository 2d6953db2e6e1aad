// What the writer does after it has published a root must not throw, with or without memory.
#include "base/testing/no_memory.h"
#include "memory/pins.h"
#include "memory/reclaimer.h"

#include <gtest/gtest.h>

namespace stoa::memory {
namespace {

using test::NoMemory;

TEST(OutOfMemory, CollectGivesUpAndReclaimCatchesUp) {
  PagePool pool;
  PageWriter writer(pool);
  Reclaimer reclaimer(pool, 1);
  Pins pins;
  writer.begin(1);
  void* held = writer.allocate(100);
  void* free = writer.allocate(100);
  PinSlot& slot = pins.announce(1);
  Pins::narrow(slot, 1);
  writer.begin(2);
  writer.discard(held);
  reclaimer.retire(writer.take_retired());
  header_of(free)->birth = 2;  // as if made in a later root
  writer.begin(3);
  writer.discard(free);
  reclaimer.retire(writer.take_retired());
  const std::size_t block = PagePool::block_bytes(held);

  PinSet seen;
  {
    const NoMemory now;
    EXPECT_FALSE(pins.collect(seen));
  }
  ASSERT_TRUE(pins.collect(seen));
  {
    const NoMemory now;
    reclaimer.reclaim(seen);
  }
  EXPECT_EQ(reclaimer.bytes_held(), 0U);
  EXPECT_EQ(reclaimer.bytes_fresh(), 2 * block) << "nothing freed";
  reclaimer.reclaim(seen);
  EXPECT_EQ(reclaimer.bytes_held(), block);
  EXPECT_EQ(reclaimer.bytes_fresh(), 0U);
  EXPECT_FALSE(pins.release(slot));
  ASSERT_TRUE(pins.collect(seen));
  {
    const NoMemory now;
    reclaimer.reclaim(seen);  // needs no bucket for a pin, and so no memory
  }
  EXPECT_EQ(pool.bytes_in_use(), 0U) << "nothing lost";
}

}  // namespace
}  // namespace stoa::memory
