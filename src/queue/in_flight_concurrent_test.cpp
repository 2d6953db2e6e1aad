#include "queue/in_flight.h"

#include <gtest/gtest.h>

#include <thread>

namespace stoa::queue {
namespace {

using Entry = InFlightLimit::Entry;

Deadline soon() { return deadline_after(std::chrono::milliseconds(5)); }

// Until the other thread stands in the line, which nobody may pass.
void await_line(InFlightLimit& limit) {
  while (limit.try_enter(0)) {
    limit.leave({1, 0});
    std::this_thread::yield();
  }
}

TEST(InFlightLimit, BoundsCount) {
  InFlightLimit limit({2, 100});
  EXPECT_TRUE(limit.try_enter(1));
  EXPECT_TRUE(limit.try_enter(1));
  EXPECT_FALSE(limit.try_enter(1));
  limit.leave({2, 2});
  EXPECT_TRUE(limit.try_enter(1));
}

TEST(InFlightLimit, BoundsBytes) {
  InFlightLimit limit({10, 100});
  EXPECT_TRUE(limit.try_enter(60));
  EXPECT_FALSE(limit.try_enter(41));
  EXPECT_TRUE(limit.try_enter(40));
  EXPECT_EQ(limit.in_flight().count, 2U);
  EXPECT_EQ(limit.in_flight().bytes, 100U);
}

TEST(InFlightLimit, AdmitsAGiantAlone) {
  InFlightLimit limit({10, 100});
  EXPECT_TRUE(limit.try_enter(InFlightLimit::bytes_max));
  EXPECT_FALSE(limit.try_enter(0));
  limit.leave({1, InFlightLimit::bytes_max});
  EXPECT_TRUE(limit.try_enter(1));
  EXPECT_FALSE(limit.try_enter(InFlightLimit::bytes_max));
}

TEST(InFlightLimit, TimesOutAndLeavesTheLineAsItWas) {
  InFlightLimit limit({10, 100});
  ASSERT_TRUE(limit.try_enter(10));
  EXPECT_EQ(limit.enter(500, soon()), Entry::timeout);
  EXPECT_TRUE(limit.try_enter(10)) << "the line is empty again";
}

TEST(InFlightLimit, LetsNobodyPassAWaitingGiant) {
  InFlightLimit limit({10, 100});
  ASSERT_TRUE(limit.try_enter(10));
  Entry entry = Entry::closed;
  std::jthread giant([&] { entry = limit.enter(500); });
  await_line(limit);
  EXPECT_EQ(limit.enter(1, soon()), Entry::timeout);
  limit.leave({1, 10});
  giant.join();
  EXPECT_EQ(entry, Entry::entered);
  EXPECT_EQ(limit.in_flight().bytes, 500U);
}

TEST(InFlightLimit, AGiantThatGivesUpLetsThoseBehindItIn) {
  InFlightLimit limit({10, 100});
  ASSERT_TRUE(limit.try_enter(10));
  std::jthread giant(
      [&] { EXPECT_EQ(limit.enter(500, deadline_after(std::chrono::milliseconds(30))), Entry::timeout); });
  await_line(limit);
  EXPECT_EQ(limit.enter(1), Entry::entered);
}

}  // namespace
}  // namespace stoa::queue
