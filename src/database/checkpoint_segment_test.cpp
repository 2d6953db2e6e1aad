// A checkpoint begins a new segment of the log: what is before it is neither read by whoever opens from it, nor kept
// for longer than the older one.
#include "database/checkpoint_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace stoa::detail {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CheckpointSegmentTest : public CheckpointTest {
 protected:
  /// So that no segment begins because one is full.
  static Options options() {
    Options out = FolderTest::options();
    out.segment_bytes_max = 1'000'000;
    return out;
  }
  std::expected<Core, Error> open() { return CheckpointTest::open(files_, options()); }

  std::uint64_t base_of(std::uint64_t number) {
    const auto file = files_.open_read_only(join_path(world, wal::segment_name(number))).value();
    return wal::read_segment_start(*file, number).value().header.base_version;
  }
  /// Opens the folder with that segment damaged, which refuses what is read of it but its header.
  void expect_not_read(std::uint64_t number) {
    const std::string path = join_path(world, wal::segment_name(number));
    damage(path, 1000);
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(numbers_in(**opened), numbers_);
  }
};

TEST_F(CheckpointSegmentTest, WhatIsBeforeTheCheckpointIsNotRead) {
  {
    const Core core = open().value();
    commit_many(*core, 100);
    ASSERT_TRUE(core->checkpoint());
    ASSERT_THAT(segments(), ElementsAre(1U, 2U));
    EXPECT_EQ(base_of(2), 100U);
    commit_many(*core, 5);
    ASSERT_TRUE(core->close());
  }
  expect_not_read(1);
  ASSERT_TRUE(files_.remove(join_path(world, wal::segment_name(1))));
  EXPECT_EQ(open().value()->recovery().transactions, 5U);
}

TEST_F(CheckpointSegmentTest, WhatIsBeforeTheOlderOneGoesWithIt) {
  const Core core = open().value();
  commit_many(*core, 10);
  ASSERT_TRUE(core->checkpoint());
  EXPECT_THAT(segments(), ElementsAre(1U, 2U)) << "a single checkpoint has the whole log to stand in for it";
  commit_many(*core, 10);
  ASSERT_TRUE(core->checkpoint());
  EXPECT_THAT(segments(), ElementsAre(2U, 3U));
  commit_many(*core, 10);
  ASSERT_TRUE(core->checkpoint());
  EXPECT_THAT(segments(), ElementsAre(3U, 4U));
  EXPECT_EQ(base_of(3), 20U);
  EXPECT_EQ(base_of(4), 30U);
}

TEST_F(CheckpointSegmentTest, OfWhatAnEarlierOwnerLoggedOneIsBegunToo) {
  for (int life = 0; life != 2; ++life) {
    const Core core = open().value();
    if (life == 0) commit_many(*core, 10);
    if (life == 1) {
      EXPECT_EQ(core->checkpoint().value(), 10U);
      EXPECT_THAT(segments(), ElementsAre(1U, 2U));
    }
    ASSERT_TRUE(core->close());
  }
  expect_not_read(1);
}

TEST_F(CheckpointSegmentTest, NoneIsBegunWhereNoneIsNeeded) {
  {
    const Core core = open().value();
    ASSERT_EQ(core->checkpoint().value(), 0U);
    EXPECT_THAT(segments(), IsEmpty());
    commit_many(*core, 10);
    for (int i = 0; i != 2; ++i) ASSERT_EQ(core->checkpoint().value(), 10U);
    EXPECT_THAT(segments(), ElementsAre(1U, 2U));
    ASSERT_TRUE(core->close());
  }
  const Core core = open().value();
  EXPECT_EQ(core->checkpoint().value(), 10U);
  EXPECT_THAT(segments(), ElementsAre(1U, 2U));
}

// Where the segment has no room the checkpoint may: it is what makes room.
TEST_F(CheckpointSegmentTest, WithoutRoomForOneTheCheckpointGoesOn) {
  Options with = options();
  with.segment_bytes_max = 100'000;
  const Core core = CheckpointTest::open(files_, with).value();
  commit_many(*core, 3);
  std::uint64_t used = 0;
  for (const std::string& name : names()) used += files_.contents(join_path(world, name)).size();
  files_.set_capacity(used + 50'000);
  EXPECT_EQ(core->checkpoint().value(), 3U);
  EXPECT_THAT(segments(), ElementsAre(1U));
  EXPECT_TRUE(std::ranges::none_of(names(), wal::is_unfinished_segment_name));
  commit_many(*core, 3);
  files_.set_capacity(used + 1'000'000);
  EXPECT_EQ(core->checkpoint().value(), 6U);
  EXPECT_THAT(segments(), ElementsAre(1U, 2U)) << "the first holds what is after the older one";
  ASSERT_TRUE(core->close());
  EXPECT_EQ(numbers_in(*open().value()), numbers_);
}

// The newest being damaged, the older one and the log since then stand in for it, over the segments between.
TEST_F(CheckpointSegmentTest, TheLogSinceTheOlderOneGoesOverBoth) {
  {
    const Core core = open().value();
    for (int i = 0; i != 3; ++i) {
      commit_many(*core, 10);
      ASSERT_TRUE(core->checkpoint());
    }
    commit_many(*core, 3);
    ASSERT_TRUE(core->close());
  }
  ASSERT_THAT(segments(), ElementsAre(3U, 4U));
  damage(path_of(30), 300);
  const Core core = open().value();
  EXPECT_EQ(core->recovery().checkpoint, 20U);
  EXPECT_EQ(core->recovery().transactions, 13U);
  EXPECT_EQ(numbers_in(*core), numbers_);
}

}  // namespace
}  // namespace stoa::detail
