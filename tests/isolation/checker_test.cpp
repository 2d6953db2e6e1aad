// Each anomaly in the smallest history that has it, and next to it what only looks like it.
#include "checker.h"
#include "story.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace stoa::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Register x = 0;
constexpr Register y = 1;

std::vector<std::string> names(const Anomalies& anomalies) {
  std::vector<std::string> out;
  for (const Anomaly& anomaly : anomalies) out.push_back(anomaly.name);
  return out;
}
std::vector<std::string> by_versions(const Story& story) { return names(check_versions(story.history())); }
std::vector<std::string> by_cycles(const Story& story) { return names(check_cycles(story.history())); }

// --- Histories that are right ---------------------------------------------------------------------------------------

TEST(Checker, ASerialHistoryIsRight) {
  EXPECT_EQ(verdict(Story(2)
                        .function(2, {r(x, 0), w(x)})
                        .at(10, 20)
                        .snapshot(2, {r(x, 1), r(y, 0)})
                        .at(30, 40)
                        .blind(3, {w(x), w(y)})
                        .at(50, 60)
                        .function(0, {r(x, 3), w(x), r(x, 4)})  // failed
                        .at(70, 80)
                        .function(4, {r(y, 3), w(y), w(y), r(y, 5)})
                        .at(90, 100)
                        .snapshot(4, {r(x, 3), r(y, 5), r(x, 3)})
                        .at(110, 120)
                        .history()),
            "");
}

TEST(Checker, WhatIsAtOnceMayBeSeenOrNot) {
  EXPECT_EQ(verdict(Story(2)
                        .function(2, {r(x, 0), w(x)})
                        .snapshot(1, {r(x, 0)})
                        .snapshot(2, {r(x, 1)})
                        .function(2, {r(x, 1)})  // wrote nothing: has the version that it saw
                        .function(0, {r(x, 0)})
                        .history()),
            "");
}

TEST(Checker, OneThreadMayReadWhileItsWriteWaits) {
  Story story(1);
  story.blind(2, {w(x)}).by(1).at(10, 50).blind(3, {w(x)}).by(1).at(11, 60);
  story.snapshot(1, {r(x, 0)}).by(1).at(12, 13).snapshot(2, {r(x, 1)}).by(1).at(14, 55);
  EXPECT_EQ(verdict(story.history()), "");
}

// --- Versions -------------------------------------------------------------------------------------------------------

TEST(CheckVersions, AnAbortedRead) {
  const Anomalies found = check_versions(Story(1).function(0, {r(x, 0), w(x)}).snapshot(1, {r(x, 1)}).history());
  EXPECT_THAT(names(found), ElementsAre("aborted read"));
  EXPECT_THAT(found[0].text, HasSubstr("T2 read r0 = T1 operation 1, where version 1 has r0 = T0"));
  EXPECT_THAT(found[0].text, HasSubstr("\n  T1 (write function of thread 101, failed, from 2 to 1000 ns): read r0"));
}

TEST(CheckVersions, AnIntermediateRead) {
  EXPECT_THAT(by_versions(Story(1).blind(2, {w(x), w(x)}).function(3, {r(x, 1, 0), w(x)})),
              ElementsAre("intermediate read"));
}

TEST(CheckVersions, AValueThatNobodyWrote) {
  EXPECT_THAT(by_versions(Story(2).snapshot(1, {r(x, 9)})), ElementsAre("unwritten value"));
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).snapshot(2, {r(y, 1)})), ElementsAre("unwritten value"));
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).snapshot(2, {r(y, 1, 0)})), ElementsAre("unwritten value"));
  EXPECT_THAT(by_versions(Story(2).function(0, {{Op::Kind::read, x, no_value}})), ElementsAre("unwritten value"))
      << "a failed function must not read it either";
}

TEST(CheckVersions, AnOwnWriteIsLost) {
  EXPECT_THAT(by_versions(Story(1).function(2, {r(x, 0), w(x), r(x, 0)})), ElementsAre("own write lost"));
  EXPECT_THAT(by_versions(Story(1).function(0, {w(x), w(x), r(x, 1, 0)})), ElementsAre("own write lost"));
}

TEST(CheckVersions, ATornRead) {
  const Anomalies found = check_versions(Story(2).blind(2, {w(x), w(y)}).snapshot(2, {r(x, 1), r(y, 0)}).history());
  EXPECT_THAT(names(found), ElementsAre("torn read"));
  EXPECT_THAT(found[0].text, HasSubstr("read r1 = T0, where version 2 has r1 = T1"));
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).snapshot(1, {r(x, 1)})), ElementsAre("torn read"))
      << "of what came later";
  EXPECT_THAT(by_versions(Story(1).blind(2, {w(x)}).snapshot(1, {r(x, 0), r(x, 1)})), ElementsAre("torn read"))
      << "a snapshot that changes";
}

TEST(CheckVersions, ALostUpdate) {
  EXPECT_THAT(by_versions(Story(1).function(2, {r(x, 0), w(x)}).function(3, {r(x, 0), w(x)})),
              ElementsAre("lost update"));
  EXPECT_THAT(by_versions(Story(1).blind(2, {w(x)}).function(3, {r(x, 0), w(x)})), ElementsAre("lost update"));
}

TEST(CheckVersions, AStaleRead) {
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).function(3, {r(x, 0), r(y, 0), w(y)})), ElementsAre("stale read"));
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).function(2, {r(x, 0)})), ElementsAre("stale read"));
}

TEST(CheckVersions, AVersionIsGivenTwice) {
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).blind(2, {w(y)})), ElementsAre("version given twice"));
}

TEST(CheckVersions, ASnapshotIsOlderThanWhatHadEnded) {
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).at(10, 20).snapshot(1, {r(y, 0)}).at(21, 30)),
              ElementsAre("stale version"))
      << "also where it read nothing that had changed";
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).at(10, 20).snapshot(1, {r(y, 0)}).at(20, 30)), IsEmpty());
  EXPECT_THAT(by_versions(Story(2).blind(2, {w(x)}).snapshot(2, {}).at(10, 20).snapshot(1, {}).at(21, 30)),
              ElementsAre("stale version"))
      << "one that had been read";
  EXPECT_THAT(by_versions(Story(2).snapshot(2, {}).at(10, 20).blind(2, {w(x)}).at(21, 30)),
              ElementsAre("stale version"))
      << "a version that had been read before it was written";
}

TEST(CheckVersions, AThreadsTransactionsAreOvertaken) {
  EXPECT_THAT(by_versions(Story(2).blind(3, {w(x)}).by(1).at(10, 50).blind(2, {w(y)}).by(1).at(20, 60)),
              ElementsAre("order of submission"));
}

TEST(CheckVersions, OneBugDoesNotFillTheScreen) {
  Story story(1);
  for (int i = 0; i < 100; ++i) story.snapshot(1, {r(x, 999)});
  EXPECT_EQ(by_versions(story).size(), anomalies_max);
}

// --- Cycles ---------------------------------------------------------------------------------------------------------

TEST(CheckCycles, TwoReadEachOther) {
  EXPECT_THAT(by_cycles(Story(2).function(2, {r(x, 0), w(x), r(y, 2)}).function(3, {r(y, 0), w(y), r(x, 1)})),
              ElementsAre("cycle"));
  EXPECT_THAT(by_cycles(Story(1).function(2, {r(x, 2), w(x)}).function(3, {r(x, 1), w(x)})), ElementsAre("cycle"))
      << "each overwrites what the other wrote";
}

TEST(CheckCycles, HalfOfATransactionIsSeen) {
  const Anomalies found = check_cycles(Story(2).blind(2, {w(x), w(y)}).snapshot(2, {r(x, 1), r(y, 0)}).history());
  EXPECT_THAT(names(found), ElementsAre("cycle"));
  EXPECT_THAT(found[0].text, HasSubstr("T1 wrote r0, which the next one read: T2"));
  EXPECT_THAT(found[0].text, HasSubstr("T2 read r1, which the next one overwrote: T1"));
}

TEST(CheckCycles, AnUpdateIsLost) {
  EXPECT_THAT(by_cycles(Story(1).function(2, {r(x, 0), w(x)}).function(3, {r(x, 0), w(x)})),
              ElementsAre("lost update"));
  EXPECT_THAT(by_cycles(Story(1).blind(2, {w(x)}).function(3, {r(x, 0), w(x)})), ElementsAre("lost update"))
      << "by its version the blind one is between";
  EXPECT_THAT(by_cycles(Story(1).function(0, {r(x, 0), w(x)}).function(2, {r(x, 0), w(x)})), IsEmpty())
      << "what failed has overwritten nothing";
}

TEST(CheckCycles, WriteSkew) {
  EXPECT_THAT(by_cycles(Story(2).function(2, {r(x, 0), r(y, 0), w(x)}).function(3, {r(x, 0), r(y, 0), w(y)})),
              ElementsAre("cycle"));
}

TEST(CheckCycles, TwoSnapshotsDisagreeWhichCameFirst) {
  Story story(2);
  story.blind(2, {w(x)}).blind(3, {w(y)}).snapshot(2, {r(x, 1), r(y, 0)}).snapshot(3, {r(x, 0), r(y, 2)});
  EXPECT_THAT(by_cycles(story), ElementsAre("cycle"));
}

TEST(CheckCycles, AFailedFunctionReadsTwoVersions) {
  EXPECT_THAT(by_cycles(Story(2).blind(2, {w(x), w(y)}).function(0, {r(x, 1), r(y, 0), w(y)})), ElementsAre("cycle"));
}

TEST(CheckCycles, AWriteGoesUnderAnEarlierOne) {
  EXPECT_THAT(by_cycles(Story(1).blind(3, {w(x)}).at(10, 20).blind(2, {w(x)}).at(30, 40)), ElementsAre("cycle"));
}

TEST(CheckCycles, AReadOfTheFuture) {
  EXPECT_THAT(by_cycles(Story(1).snapshot(1, {r(x, 2)}).at(10, 20).blind(2, {w(x)}).at(30, 40)), ElementsAre("cycle"));
}

TEST(CheckCycles, AStaleSnapshot) {
  const Anomalies found =
      check_cycles(Story(1).blind(2, {w(x)}).at(10, 20).snapshot(1, {r(x, 0)}).at(30, 40).history());
  EXPECT_THAT(names(found), ElementsAre("cycle"));
  EXPECT_THAT(found[0].text, HasSubstr("T1 had ended before the next one began: T2"));
  EXPECT_THAT(by_cycles(Story(1).blind(2, {w(x)}).snapshot(2, {r(x, 1)}).at(10, 20).snapshot(1, {r(x, 0)}).at(30, 40)),
              ElementsAre("cycle"))
      << "older than one that another thread had";
}

TEST(CheckCycles, VersionsDoNotCountWhereValuesTell) {
  std::vector<Version> versions{2, 3, 4, 5};
  do {
    Story story(1);
    story.function(versions[0], {r(x, 0), w(x)}).function(versions[1], {r(x, 1), w(x)});
    story.function(versions[2], {r(x, 2), w(x)}).snapshot(versions[3], {r(x, 2)});
    EXPECT_THAT(by_cycles(story), IsEmpty());
  } while (std::ranges::next_permutation(versions).found);
}

TEST(CheckCycles, TheShortestWayRoundAVeryLongHistory) {
  constexpr TransactionId count = 20'000;
  Story story(2);
  std::uint64_t time = 10;
  for (TransactionId id = 1; id <= count; ++id, time += 10) {
    story.function(id + 1, {r(x, id - 1), w(x)}).at(time, time + 5);
  }
  EXPECT_EQ(verdict(story.history()), "");
  story.snapshot(1, {r(x, 0)}).at(time, time + 5);
  const Anomalies found = check_cycles(story.history());
  EXPECT_THAT(names(found), ElementsAre("cycle"));
  EXPECT_THAT(found[0].text, HasSubstr("\n  T20001 read r0, which the next one overwrote: T1\n"));
  EXPECT_EQ(std::ranges::count(found[0].text, '\n'), 4) << "two that come before each other, and a line for each";
}

}  // namespace
}  // namespace stoa::test
