#include "latency.h"

#include <gtest/gtest.h>

namespace subway {
namespace {

using namespace std::chrono_literals;

TEST(Latency, QuantilesSinceAMomentForgetWhatWasBefore) {
  Latency latency;
  for (int i = 0; i < 1000; ++i) latency.add(1us);
  const Latency::Counts before = latency.counts();
  EXPECT_EQ(latency.counts().since(before).count(), 0U);
  EXPECT_EQ(latency.counts().since(before).quantile(0.5), 0ns);

  for (int i = 0; i < 90; ++i) latency.add(1ms);
  for (int i = 0; i < 10; ++i) latency.add(1s);
  const Latency::Counts since = latency.counts().since(before);
  EXPECT_EQ(since.count(), 100U);
  EXPECT_GE(since.quantile(0.5), 1ms);
  EXPECT_LE(since.quantile(0.5), 1.07ms);
  EXPECT_GE(since.quantile(0.99), 1s);
  EXPECT_LE(latency.quantile(0.5), 1.07us);  // of all there is
  EXPECT_EQ(latency.count(), 1100U);
}

}  // namespace
}  // namespace subway
