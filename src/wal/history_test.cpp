// What a replica leaves in its log: transactions that lead over several versions, and segments of another history.
#include "wal/log_cursor.h"
#include "wal/log_fixture.h"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

namespace stoa::wal {
namespace {

using ::testing::HasSubstr;

constexpr RandomId others{11, 12};
constexpr RandomId own{13, 14};

class LogHistory : public LogTest {
 protected:
  // One that leads over so many versions, in a frame of its own.
  static void leap(Writer& writer, std::uint64_t step) {
    Batch batch;
    const std::uint64_t version = writer.last_version() + step;
    const std::vector<std::byte> body = body_of(version);
    batch.add({.version = version, .body = body, .step = step});
    ASSERT_TRUE(writer.write(batch));
    ASSERT_TRUE(writer.sync());
  }

  using Steps = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // from, to

  [[nodiscard]] std::expected<Recovery, Error> recover_from(std::uint64_t from, Steps& out) {
    out.clear();
    return recover(files_, log_folder, log_identity, from, Access::owner,
                   [&](const TransactionRecord& record) -> std::expected<void, Error> {
                     EXPECT_TRUE(std::ranges::equal(record.body, body_of(record.version)));
                     out.emplace_back(record.version - record.step, record.version);
                     return {};
                   });
  }
};

TEST_F(LogHistory, ATransactionMayLeadOverVersions) {
  auto writer = open_writer().value();
  leap(writer, 100);
  write_synced(writer, 2);
  leap(writer, 7);
  write_synced(writer);
  Steps steps;
  const auto recovered = recover_from(0, steps);
  ASSERT_TRUE(recovered) << recovered.error().message();
  EXPECT_EQ(steps, (Steps{{0, 100}, {100, 101}, {101, 102}, {102, 109}, {109, 110}}));
  EXPECT_EQ(recovered->end.version, 110U);
  ASSERT_TRUE(recover_from(102, steps));
  EXPECT_EQ(steps, (Steps{{102, 109}, {109, 110}}));
  EXPECT_THAT(recover_from(105, steps).error().message(), HasSubstr("leads over version 105"));

  auto cursor = LogCursor::open(files_, log_folder, log_identity, 105).value();
  const auto record = cursor.next().value();
  EXPECT_EQ(record->version, 109U);
  EXPECT_EQ(record->step, 7U);
}

TEST_F(LogHistory, ABatchHasOneThatLeadsOverVersionsAlone) {
  Batch batch;
  EXPECT_TRUE(batch.takes(1));
  EXPECT_TRUE(batch.takes(5));
  batch.add({.version = 3, .body = {}});
  EXPECT_TRUE(batch.takes(1));
  EXPECT_FALSE(batch.takes(5));
  batch.clear();
  batch.add({.version = 5, .body = {}, .step = 5});
  EXPECT_FALSE(batch.takes(1));
  EXPECT_FALSE(batch.takes(5));
  batch.clear();
  EXPECT_TRUE(batch.takes(1));
}

TEST_F(LogHistory, ASegmentSaysWhoseHistoryItIs) {
  auto writer = open_writer().value();
  writer.begin_history(others, true);
  leap(writer, 40);
  write_synced(writer, 3);
  Steps steps;
  auto recovered = recover_from(0, steps).value();
  EXPECT_EQ(recovered.history_id, others);
  EXPECT_TRUE(recovered.following);
  EXPECT_EQ(recovered.end.segment_number, 1U) << "the first segment had not begun";

  writer.begin_history(own, false);
  EXPECT_TRUE(recover_from(0, steps).value().following) << "nothing is written yet";
  write_synced(writer);
  ASSERT_TRUE(writer.close());
  recovered = recover_from(0, steps).value();
  EXPECT_EQ(recovered.history_id, own);
  EXPECT_FALSE(recovered.following);
  EXPECT_EQ(recovered.end.segment_number, 2U);
  EXPECT_EQ(steps, (Steps{{0, 40}, {40, 41}, {41, 42}, {42, 43}, {43, 44}})) << "what was before is a part of it";

  auto cursor = LogCursor::open(files_, log_folder, log_identity, 0).value();
  for (std::size_t i = 0; i != steps.size(); ++i) {
    ASSERT_TRUE(cursor.next().value());
    EXPECT_EQ(cursor.history_id(), i + 1 == steps.size() ? own : others);
  }
}

TEST_F(LogHistory, ASegmentCanBeginBeforeThereIsAnythingToWrite) {
  auto writer = open_writer().value();
  write_synced(writer, 2);
  writer.begin_history(own, false);
  ASSERT_TRUE(writer.begin_segment());
  const auto recovered = recover_checked();
  ASSERT_TRUE(recovered) << recovered.error().message();
  EXPECT_EQ(recovered->history_id, own);
  EXPECT_EQ(recovered->end.segment_number, 2U);
  EXPECT_EQ(recovered->end.version, 2U);
  write_synced(writer, 2);
  ASSERT_TRUE(writer.close());
  EXPECT_EQ(recover_checked()->end.segment_number, 2U) << "it went on there";
}

TEST_F(LogHistory, WhatLeadsOverVersionsIsHeldToTheChain) {
  auto writer = open_writer().value();
  write_synced(writer, 2);
  leap(writer, 5);
  ASSERT_TRUE(writer.close());
  std::vector<std::byte> bytes = files_.contents(segment_path(1));
  auto reader = SegmentReader::open(files_.open_read_only(segment_path(1)).value(), 1).value();
  ASSERT_TRUE(reader.next().value());
  ASSERT_TRUE(reader.next().value());
  EXPECT_EQ(reader.frame_base(), 2U);
  const auto at = static_cast<std::size_t>(reader.frame_offset());
  // The same frame, whole in itself, that leads to another version or says it has more than one.
  const FrameHeader good = decode_frame_header(std::span(bytes).subspan(at)).value();
  ASSERT_EQ(good.type, FrameType::leap);
  const auto with = [&](auto change) {
    FrameHeader header = good;
    change(header);
    std::vector<std::byte> changed = bytes;
    encode_frame(header, std::span(changed).subspan(at, frame_header_bytes + good.payload_bytes));
    changed.resize(at + frame_header_bytes + good.payload_bytes);  // without the seal, which would be proof
    files_.set_contents(segment_path(1), std::move(changed));
    Steps steps;
    return recover_from(0, steps);
  };
  EXPECT_EQ(with([](FrameHeader&) {})->end.version, 7U);
  EXPECT_EQ(with([](FrameHeader& header) { header.first_version = 3; })->end.version, 2U);
  EXPECT_EQ(with([](FrameHeader& header) { header.first_version = 2; })->end.version, 2U);
  EXPECT_EQ(with([](FrameHeader& header) { header.version_count = 2; })->end.version, 2U);
  EXPECT_EQ(with([](FrameHeader& header) { header.version_count = 0; })->end.version, 2U);
  EXPECT_EQ(with([](FrameHeader& header) { header.type = FrameType::transactions; })->end.version, 2U);
  EXPECT_EQ(with([](FrameHeader& header) { header.first_version = 8; }).error().code(), ErrorCode::corrupt)
      << "its record says 7";
}

}  // namespace
}  // namespace stoa::wal
