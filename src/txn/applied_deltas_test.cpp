#include "txn/applied_deltas.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace stoa::txn {
namespace {

constexpr std::array<std::byte, 2> content{std::byte{1}, std::byte{2}};
constexpr std::array<std::byte, 2> other_content{std::byte{1}, std::byte{3}};

void add(AppliedDeltas& deltas, Version from, Version to) {
  deltas.make_room();
  deltas.add(from, to, content);
}

TEST(AppliedDeltas, KnowsOtherContentUnderTheSameVersionsOnly) {
  AppliedDeltas deltas;
  EXPECT_FALSE(deltas.has_other(0, 1, other_content)) << "nothing is known yet";
  add(deltas, 0, 1);
  add(deltas, 1, 4);
  EXPECT_FALSE(deltas.has_other(0, 1, content));
  EXPECT_TRUE(deltas.has_other(0, 1, other_content));
  EXPECT_TRUE(deltas.has_other(1, 4, other_content));
  EXPECT_TRUE(deltas.has_other(1, 4, {}));
  EXPECT_FALSE(deltas.has_other(0, 4, other_content));
  EXPECT_FALSE(deltas.has_other(1, 2, other_content));
  deltas.clear();
  EXPECT_FALSE(deltas.has_other(0, 1, other_content));
}

TEST(AppliedDeltas, ForgetsTheOldestOnly) {
  AppliedDeltas deltas;
  constexpr Version forgotten = 3;
  constexpr Version newest = AppliedDeltas::count_max + forgotten;
  for (Version from = 0; from != newest; ++from) add(deltas, from, from + 1);
  for (Version from = 0; from != forgotten; ++from) {
    EXPECT_FALSE(deltas.has_other(from, from + 1, other_content)) << from;
  }
  for (const Version from : {forgotten, forgotten + 1, newest / 2, newest - 2, newest - 1}) {
    EXPECT_TRUE(deltas.has_other(from, from + 1, other_content)) << from;
  }
}

}  // namespace
}  // namespace stoa::txn
