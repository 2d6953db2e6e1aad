#include "base/random.h"

#include "base/clock.h"

#include <gtest/gtest.h>

namespace stoa {
namespace {

TEST(Random, SystemIdsDifferAndAreNotNull) {
  const RandomId a = system_random().next_id();
  const RandomId b = system_random().next_id();
  EXPECT_NE(a, b);
  EXPECT_NE(a, RandomId{});
}

// The first outputs of SplitMix64 from 0, as its author published them: a replay must not depend on the build.
TEST(Random, SeededSequenceIsFixedForEver) {
  SeededRandom source(0);
  EXPECT_EQ(source.next(), 0xE220A8397B1DCDAFU);
  EXPECT_EQ(source.next(), 0x6E789E6AA1B965F4U);
}

TEST(Clock, SteadyNeverGoesBackAndWallIsInThisCentury) {
  const std::int64_t before = system_clock().now_steady_ns();
  EXPECT_GE(system_clock().now_steady_ns(), before);
  EXPECT_GT(system_clock().now_wall_ns(), std::int64_t{1'600'000'000} * 1'000'000'000);
}

}  // namespace
}  // namespace stoa
