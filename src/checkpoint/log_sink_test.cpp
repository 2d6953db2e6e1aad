// What of a batch goes into which frame and which segment, where not all of it is of one kind.
#include "checkpoint/log_sink.h"

#include "base/file_memory.h"
#include "wal/log_cursor.h"
#include "wal/reader.h"
#include "wal/segments.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace stoa::checkpoint {
namespace {

const std::string folder = "log";
constexpr std::array<std::byte, 3> body{std::byte{1}, std::byte{2}, std::byte{3}};

class LogSinkTest : public ::testing::Test {
 protected:
  static constexpr RandomId first{1, 2};
  static constexpr RandomId second{3, 4};
  static constexpr detail::HistoryId second_history{3, 4};

  LogSinkTest() {
    EXPECT_TRUE(files_.make_directory(folder));
    sink_.emplace(wal::Writer::open(files_, folder, identity_, {}, random_, {.segment_bytes = 4096}).value(),
                  Durability::sync(), 0, system_clock());
  }

  void add(Version from, Version to) { ASSERT_TRUE(sink_->add({.from = from, .to = to, .tag = to, .delta = body})); }

  using Line = std::tuple<Version, Version, RandomId>;  // from, to, history
  [[nodiscard]] std::vector<Line> logged() {
    auto cursor = wal::LogCursor::open(files_, folder, identity_, 0);
    std::vector<Line> out;
    while (cursor) {
      const auto record = cursor->next();
      EXPECT_TRUE(record);
      if (!record || !*record) break;
      EXPECT_EQ((*record)->tag, (*record)->version);
      out.emplace_back((*record)->version - (*record)->step, (*record)->version, cursor->history_id());
    }
    return out;
  }

  MemoryFileSystem files_;
  SeededRandom random_{1};
  const wal::Identity identity_{.database_id = {7, 7}, .history_id = first, .encoding = 2};
  std::optional<LogSink> sink_;
};

TEST_F(LogSinkTest, WhatLeadsOverVersionsGoesBetweenTheOthers) {
  for (const auto& [from, to] : std::vector<std::pair<Version, Version>>{{0, 1}, {1, 2}, {2, 9}, {9, 20}, {20, 21}}) {
    add(from, to);
  }
  ASSERT_TRUE(sink_->commit());
  EXPECT_EQ(sink_->durable_version(), 21U);
  EXPECT_EQ(logged(),
            (std::vector<Line>{{0, 1, first}, {1, 2, first}, {2, 9, first}, {9, 20, first}, {20, 21, first}}));
  ASSERT_TRUE(sink_->commit()) << "of nothing";
}

TEST_F(LogSinkTest, WhatWasAddedBeforeAHistoryIsOfTheOneBefore) {
  add(0, 1);
  add(1, 2);
  sink_->begin_history(second_history, false);
  add(2, 3);
  ASSERT_TRUE(sink_->commit());
  EXPECT_EQ(logged(), (std::vector<Line>{{0, 1, first}, {1, 2, first}, {2, 3, second}}));
}

TEST_F(LogSinkTest, KeepsAHistoryBehindWhatWasAddedBefore) {
  add(0, 1);
  add(1, 2);
  sink_->begin_history(second_history, false);
  ASSERT_TRUE(sink_->keep_history());
  EXPECT_EQ(sink_->durable_version(), 2U);
  const auto recovered = wal::recover(files_, folder, identity_, 0, wal::Access::observer,
                                      [](const wal::TransactionRecord&) { return std::expected<void, Error>(); });
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->history_id, second);
  EXPECT_EQ(recovered->end.version, 2U);
  add(2, 3);
  ASSERT_TRUE(sink_->commit());
  EXPECT_EQ(logged(), (std::vector<Line>{{0, 1, first}, {1, 2, first}, {2, 3, second}}));
}

// One that could not be added after all, and was taken back.
TEST_F(LogSinkTest, AHistoryThatNothingWasAddedToIsNone) {
  add(0, 1);
  sink_->begin_history(second_history, true);
  sink_->begin_history({first.low, first.high}, false);
  add(1, 2);
  ASSERT_TRUE(sink_->commit());
  EXPECT_EQ(logged(), (std::vector<Line>{{0, 1, first}, {1, 2, first}}));
}

TEST_F(LogSinkTest, BeginsASegmentThatIsWantedWhereThereIsAnythingBeforeIt) {
  const auto segments = [&] { return wal::list_segments(files_, folder).value().size(); };
  sink_->want_segment();
  ASSERT_TRUE(sink_->flush());
  EXPECT_EQ(segments(), 0U) << "of nothing";
  add(0, 1);
  ASSERT_TRUE(sink_->commit());
  ASSERT_TRUE(sink_->flush());
  EXPECT_EQ(segments(), 1U) << "wanted before there was anything";
  sink_->want_segment();
  ASSERT_TRUE(sink_->flush());
  EXPECT_EQ(segments(), 2U);
  sink_->want_segment();
  ASSERT_TRUE(sink_->flush());
  EXPECT_EQ(segments(), 2U) << "it has nothing yet";
  add(1, 2);
  ASSERT_TRUE(sink_->commit());
  EXPECT_EQ(segments(), 2U);
  EXPECT_EQ(logged(), (std::vector<Line>{{0, 1, first}, {1, 2, first}}));
}

TEST_F(LogSinkTest, ASegmentThatIsWantedMakesDurableWhatIsBeforeIt) {
  sink_.emplace(wal::Writer::open(files_, folder, identity_, {}, random_, {.segment_bytes = 4096}).value(),
                Durability::none(), 0, system_clock());
  add(0, 1);
  ASSERT_TRUE(sink_->commit());
  ASSERT_TRUE(sink_->flush());
  EXPECT_EQ(sink_->durable_version(), 0U);
  sink_->want_segment();
  ASSERT_TRUE(sink_->flush());
  EXPECT_EQ(sink_->durable_version(), 1U);
}

TEST_F(LogSinkTest, ASegmentThatIsWantedAndHasNoRoomIsNotMissed) {
  add(0, 1);
  ASSERT_TRUE(sink_->commit());
  files_.set_capacity(0);
  sink_->want_segment();
  EXPECT_TRUE(sink_->flush());
  add(1, 2);
  EXPECT_TRUE(sink_->commit());
  EXPECT_EQ(wal::list_segments(files_, folder).value().size(), 1U);
}

// A transaction that begins a history finds no room, and is taken back: no segment may say that there was any.
TEST_F(LogSinkTest, ASegmentThatIsWantedIsOfTheHistoryThatWasKept) {
  add(0, 1);
  ASSERT_TRUE(sink_->commit());
  sink_->begin_history(second_history, true);
  files_.set_capacity(0);
  const auto refused = sink_->add({.from = 1, .to = 2, .tag = 2, .delta = body});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::disk_full);
  sink_->begin_history({first.low, first.high}, false);
  files_.set_capacity(std::uint64_t{1} << 30U);
  sink_->want_segment();
  ASSERT_TRUE(sink_->flush());
  const auto recovered = wal::recover(files_, folder, identity_, 1, wal::Access::observer,
                                      [](const wal::TransactionRecord&) { return std::expected<void, Error>(); });
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->end.segment_number, 2U);
  EXPECT_EQ(recovered->history_id, first);
  EXPECT_FALSE(recovered->following);
}

}  // namespace
}  // namespace stoa::checkpoint
