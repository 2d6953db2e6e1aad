// The log read at its reader's pace: nothing twice, nothing left out, and no more believed than recovery believes.
#include "wal/log_cursor.h"

#include "wal/log_fixture.h"

#include <gmock/gmock.h>

#include <utility>

namespace stoa::wal {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

class LogCursorTest : public LogTest {
 protected:
  std::expected<LogCursor, Error> open(std::uint64_t from = 0) {
    return LogCursor::open(files_, log_folder, log_identity, from);
  }

  /// Reads to the end as it is, checks each transaction, and returns the version before the next one.
  std::expected<std::uint64_t, Error> read_on(LogCursor& cursor, std::uint64_t before) {
    while (true) {
      const auto record = cursor.next();
      if (!record) return std::unexpected(record.error());
      if (!*record) return before;
      EXPECT_EQ((*record)->version, ++before);
      EXPECT_EQ((*record)->wall_ns, -static_cast<std::int64_t>(before));
      EXPECT_EQ((*record)->tag, tags_[before]);
      EXPECT_TRUE(std::ranges::equal((*record)->body, body_of(before)));
    }
  }

  /// Some segments, the last of them sealed.
  void write_segments() {
    auto writer = open_writer({}, 700).value();
    for (int i = 0; i < 12; ++i) write_synced(writer, 1 + i % 3);
    ASSERT_TRUE(writer.close());
    ASSERT_GT(writer.segment_number(), 2U);
  }
  /// In the file that is there, which a cursor may have open.
  void overwrite(const Bytes& bytes) {
    auto file = files_.open(segment_path(1)).value();
    ASSERT_TRUE(file->write(0, bytes));
  }
  [[nodiscard]] std::uint64_t base_of(std::uint64_t number) const {
    return decode_segment_header(files_.contents(segment_path(number)), "").value().base_version;
  }
};

TEST_F(LogCursorTest, StartsAtAnyVersion) {
  auto writer = open_writer({}, 512).value();
  for (int i = 0; i < 40; ++i) write_synced(writer, 2);
  for (std::uint64_t from = 0; from <= 81; ++from) {
    auto cursor = open(from).value();
    EXPECT_EQ(read_on(cursor, from == 0 ? 0 : from - 1).value(), 80U) << from;
  }
  auto beyond = open(90).value();
  EXPECT_FALSE(beyond.next().value());
  write_synced(writer, 20);
  EXPECT_EQ(read_on(beyond, 89).value(), 100U);
}

TEST_F(LogCursorTest, GoesOnWhereItWasOverNewSegmentsAndOwners) {
  LogEnd end;
  std::optional<LogCursor> cursor;
  std::uint64_t seen = 0;
  for (std::uint64_t run = 0; run < 4; ++run) {
    auto writer = open_writer(end, 900).value();
    for (std::uint64_t i = 0; i < 25; ++i) {
      write_synced(writer, 1 + i % 4);
      if (!cursor) cursor = open().value();
      if (i % 3 != run % 3) continue;
      seen = read_on(*cursor, seen).value();
      EXPECT_EQ(seen, writer.last_version());
    }
    if (run != 2) {
      ASSERT_TRUE(writer.close());
    }
    end = recover_checked()->end;
  }
  EXPECT_EQ(read_on(*cursor, seen).value(), end.version);
  EXPECT_GT(end.segment_number, 8U);
}

TEST_F(LogCursorTest, StopsBeforeATornWriteAndGoesOnBehindIt) {
  auto writer = open_writer().value();
  write_synced(writer, 3);
  auto cursor = open().value();
  ASSERT_TRUE(write(writer, 2));
  Bytes torn = files_.contents(segment_path(1));
  const auto last = std::find_if(torn.rbegin(), torn.rend(), [](std::byte byte) { return byte != std::byte{}; });
  *last = std::byte{};
  overwrite(torn);
  EXPECT_EQ(read_on(cursor, 0).value(), 3U);
  EXPECT_EQ(read_on(cursor, 3).value(), 3U);
  const auto end = recover_checked();
  ASSERT_TRUE(end && end->dropped);
  auto next = open_writer(end->end).value();
  write_synced(next, 4);  // versions 4 and 5 again, of other content
  EXPECT_EQ(read_on(cursor, 3).value(), 7U);
}

TEST_F(LogCursorTest, SeesAFrameThatComesInPieces) {
  auto writer = open_writer().value();
  write_synced(writer, 1);
  const Bytes before = files_.contents(segment_path(1));
  write_synced(writer, 3);
  const Bytes after = files_.contents(segment_path(1));
  overwrite(before);
  auto cursor = open().value();
  EXPECT_EQ(read_on(cursor, 0).value(), 1U);
  Bytes now = before;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (now[i] == after[i]) continue;
    now[i] = after[i];
    overwrite(now);
    EXPECT_EQ(read_on(cursor, 1).value(), now == after ? 4U : 1U);
    if (now == after) return;
  }
}

TEST_F(LogCursorTest, SeesTheEndOfAFrameThatIsLargerThanALook) {
  auto writer = open_writer({}, std::size_t{8} << 20).value();
  write_synced(writer, 1);
  auto cursor = open().value();
  EXPECT_EQ(read_on(cursor, 0).value(), 1U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read_on(cursor, 1).value(), 1U);
  write_synced(writer, 30'000);
  const Bytes whole = files_.contents(segment_path(1));
  Bytes torn = whole;
  const auto last = std::find_if(torn.rbegin(), torn.rend(), [](std::byte byte) { return byte != std::byte{}; });
  ASSERT_GT(torn.rend() - last, 2 * static_cast<std::ptrdiff_t>(Window::step_bytes));
  *last = std::byte{};
  overwrite(torn);
  EXPECT_EQ(read_on(cursor, 1).value(), 1U);
  overwrite(whole);
  EXPECT_EQ(read_on(cursor, 1).value(), 30'001U);
}

TEST_F(LogCursorTest, LosesNothingThatIsWrittenBetweenItsLooks) {
  auto writer = open_writer({}, 700).value();
  write_synced(writer, 2);
  auto cursor = open().value();
  int lists = 0;
  files_.set_fault_hook([&](FileOperation operation, const std::string&) -> std::optional<Error> {
    if (operation != FileOperation::list || ++lists != 1) return std::nullopt;
    while (writer.segment_number() < 3) EXPECT_TRUE(write(writer, 3));  // after it saw the segment's end
    return std::nullopt;
  });
  const std::uint64_t seen = read_on(cursor, 0).value();
  files_.set_fault_hook(nullptr);
  EXPECT_EQ(seen, writer.last_version());
  EXPECT_GT(lists, 1);
}

TEST_F(LogCursorTest, JudgesDamageAsRecoveryDoes) {
  write_segments();
  std::uint64_t refused = 0;
  const std::vector<std::uint64_t> numbers = list_segments(files_, log_folder).value();
  for (const std::uint64_t number : numbers) {
    const Bytes good = files_.contents(segment_path(number));
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
      Bytes bytes = good;
      bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      files_.set_contents(segment_path(number), std::move(bytes));
      const auto recovered = recover_checked(0, Access::observer);
      auto cursor = open();
      const auto read = cursor ? read_on(*cursor, 0) : std::unexpected(cursor.error());
      ASSERT_EQ(read.has_value(), recovered.has_value()) << number << ", bit " << bit;
      if (recovered) {
        ASSERT_EQ(*read, recovered->end.version);
      } else {
        ++refused;
        ASSERT_EQ(read.error().code(), recovered.error().code());
        ASSERT_EQ(read.error().place()->source, recovered.error().place()->source) << read.error().message();
        ASSERT_EQ(read.error().place()->offset, recovered.error().place()->offset) << read.error().message();
      }
    }
    files_.set_contents(segment_path(number), good);
  }
  EXPECT_GT(refused, 1000U);
}

TEST_F(LogCursorTest, FindsDamageThatComesWhileItWaits) {
  auto writer = open_writer().value();
  write_synced(writer, 2);
  auto cursor = open().value();
  EXPECT_EQ(read_on(cursor, 0).value(), 2U);
  const Bytes before = files_.contents(segment_path(1));
  write_synced(writer, 1);
  write_synced(writer, 1);  // its frame knows that the one before is durable
  Bytes after = files_.contents(segment_path(1));
  const auto at = static_cast<std::uint64_t>(std::ranges::mismatch(before, after).in1 - before.begin());
  after[at + frame_header_bytes] ^= std::byte{1};
  overwrite(after);
  for (int i = 0; i < 2; ++i) {  // it comes no further
    const auto read = read_on(cursor, 2);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), ErrorCode::corrupt);
    EXPECT_EQ(read.error().place()->source, segment_path(1));
    EXPECT_EQ(read.error().place()->offset, at);
  }
}

TEST_F(LogCursorTest, LosesNothingToAReadThatFails) {
  write_segments();
  const std::uint64_t last = recover_checked()->end.version;
  std::uint64_t failed = 0;
  for (std::uint64_t fail_at = 0;; ++fail_at) {
    std::uint64_t calls = 0;
    bool once = false;
    files_.set_fault_hook([&](FileOperation, const std::string& path) -> std::optional<Error> {
      if (calls++ != fail_at) return std::nullopt;
      once = true;
      return Error(ErrorCode::io, Place{.source = path}, "injected");
    });
    auto cursor = open();
    if (!cursor) {
      EXPECT_EQ(cursor.error().code(), ErrorCode::io);
      continue;
    }
    std::uint64_t seen = 0;
    while (true) {
      const auto record = cursor->next();
      if (!record) {
        EXPECT_EQ(record.error().code(), ErrorCode::io);
        ++failed;
        continue;
      }
      if (!*record) break;
      EXPECT_EQ((*record)->version, ++seen);
    }
    EXPECT_EQ(seen, last) << "the read that failed: " << fail_at;
    if (!once) break;
  }
  files_.set_fault_hook(nullptr);
  EXPECT_GT(failed, 10U);
}

TEST_F(LogCursorTest, OfATrimmedLogBeginsWhereThatBegins) {
  write_segments();
  const std::uint64_t base = base_of(3);
  auto reader = open().value();
  ASSERT_TRUE(reader.next().value());  // it has the first segment open
  ASSERT_EQ(trim(files_, log_folder, base).value(), 2U);
  auto cursor = open().value();
  EXPECT_EQ(read_on(cursor, base).value(), recover_checked(base)->end.version);
  EXPECT_TRUE(open(base + 1).value().next().value());
  for (const std::uint64_t from : {std::uint64_t{1}, base}) {
    const auto gone = open(from);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code(), ErrorCode::history_gone);
    EXPECT_THAT(gone.error().message(), HasSubstr("the log is there from version " + std::to_string(base + 1) + " on"));
  }
  const auto overtaken = read_on(reader, 1);
  ASSERT_FALSE(overtaken);
  EXPECT_EQ(overtaken.error().code(), ErrorCode::history_gone) << overtaken.error().message();
}

TEST_F(LogCursorTest, OfSegmentsThatATrimLeftBehindLooksAtNone) {
  write_segments();
  const std::uint64_t base = base_of(3);
  ASSERT_TRUE(files_.remove(segment_path(2)));  // the first one's removal was lost
  auto cursor = open().value();
  EXPECT_EQ(read_on(cursor, base).value(), recover_checked(base)->end.version);
  EXPECT_EQ(open(1).error().code(), ErrorCode::history_gone);
}

TEST_F(LogCursorTest, MissesASegmentThatIsGoneBehindOneThatIsThere) {
  auto writer = open_writer({}, 700).value();
  write_synced(writer, 1);
  auto cursor = open().value();
  EXPECT_EQ(read_on(cursor, 0).value(), 1U);
  while (writer.segment_number() < 3) write_synced(writer, 3);
  ASSERT_TRUE(files_.remove(segment_path(2)));
  const auto read = read_on(cursor, 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::corrupt);
  EXPECT_THAT(read.error().message(), HasSubstr("the segment after this one is missing"));
}

TEST_F(LogCursorTest, SaysThatTheLogWasRemoved) {
  write_segments();
  auto cursor = open().value();
  const std::vector<std::uint64_t> numbers = list_segments(files_, log_folder).value();
  for (const std::uint64_t number : numbers) {
    ASSERT_TRUE(files_.remove(segment_path(number)));
  }
  const auto read = read_on(cursor, 0);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::not_found);
  EXPECT_EQ(open().error().code(), ErrorCode::not_found);
}

TEST_F(LogCursorTest, RefusesAFrameOfOtherTransactionsThanItNames) {
  auto writer = open_writer().value();
  write_synced(writer, 3);
  Bytes bytes = files_.contents(segment_path(1));
  // The second transaction of the frame says that it is the fourth, and the frame's checksum is right.
  const std::size_t payload = segment_header_bytes + frame_header_bytes;
  const std::size_t second = payload + record_header_bytes + body_of(1).size();
  bytes[second] = std::byte{4};
  const auto header = decode_frame_header(std::span(bytes).subspan(segment_header_bytes)).value();
  encode_frame(header, std::span(bytes).subspan(segment_header_bytes,
                                                frame_header_bytes + static_cast<std::size_t>(header.payload_bytes)));
  files_.set_contents(segment_path(1), std::move(bytes));
  auto cursor = open().value();
  EXPECT_EQ(cursor.next().value()->version, 1U);
  for (int i = 0; i < 2; ++i) {
    const auto refused = cursor.next();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
    EXPECT_EQ(refused.error().place()->offset, segment_header_bytes);
  }
}

TEST_F(LogCursorTest, RefusesAnotherDatabase) {
  write_segments();
  Identity other = log_identity;
  other.database_id.low ^= 1;
  EXPECT_EQ(LogCursor::open(files_, log_folder, other, 0).error().code(), ErrorCode::corrupt);
}

}  // namespace
}  // namespace stoa::wal
