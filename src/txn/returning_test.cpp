#include "txn/returning.h"

#include <gtest/gtest.h>

namespace stoa::txn {
namespace {

using namespace std::chrono_literals;

constexpr Returning::Time answered{1h};

TEST(Returning, IsWaitedForByAnEighthOfACommitAndOnce) {
  Returning returning;
  returning.note_commit(80us);
  returning.note_answers(3, answered);
  EXPECT_EQ(returning.until(), answered + 10us);
  EXPECT_EQ(returning.wanted_beside(4), 7U);
  EXPECT_EQ(returning.wanted_beside(4), 0U);
}

TEST(Returning, IsNotWaitedForWhereNobodySlept) {
  Returning returning;
  returning.note_commit(80us);
  returning.note_answers(3, answered);
  returning.note_answers(0, answered);
  EXPECT_EQ(returning.wanted_beside(4), 0U);
}

TEST(Returning, IsNotWaitedForLong) {
  Returning returning;
  returning.note_commit(1min);
  returning.note_answers(1, answered);
  EXPECT_EQ(returning.until(), answered + 200us);
}

TEST(Returning, IsNotWaitedForWhereACommitTakesNoTime) {
  Returning returning;
  returning.note_answers(1, answered);
  EXPECT_EQ(returning.until(), answered);
}

}  // namespace
}  // namespace stoa::txn
