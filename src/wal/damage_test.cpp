// What recovery makes of bytes that are not as they were written.
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "wal/log_fixture.h"
#include "wal/segment_reader.h"

#include <gmock/gmock.h>

namespace stoa::wal {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

class DamageTest : public LogTest {
 protected:
  /// Where the next frame will begin in the only segment.
  static std::uint64_t end_of_frames(const Bytes& segment) {
    std::uint64_t at = segment_header_bytes;
    while (at + frame_header_bytes <= segment.size()) {
      const auto header = decode_frame_header(std::span(segment).subspan(at, frame_header_bytes));
      if (!header) break;
      at += frame_header_bytes + header->payload_bytes;
    }
    return at;
  }

  /// One segment: synced batches of 1, 2 and 3 transactions and, where asked for, a seal; closed if it has one.
  Bytes sample(bool sealed) {
    auto writer = open_writer({}, 2048).value();
    for (const std::uint64_t count : {1U, 2U, 3U}) write_synced(writer, count);
    EXPECT_TRUE(!sealed || writer.close());
    return files_.contents(segment_path(1));
  }
  void put(Bytes bytes, std::uint64_t number = 1) { files_.set_contents(segment_path(number), std::move(bytes)); }

  void expect_corrupt_at(std::uint64_t number, std::uint64_t offset) {
    const auto result = recover_checked();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::corrupt) << result.error().message();
    EXPECT_EQ(result.error().place()->source, segment_path(number));
    EXPECT_EQ(result.error().place()->offset, offset) << result.error().message();
  }
};

TEST_F(DamageTest, EveryBitFlipOfASealedSegmentIsFoundOrHarmless) {
  const Bytes good = sample(true);
  const std::uint64_t seal_at = good.size() - frame_header_bytes;
  std::uint64_t refused = 0;
  std::uint64_t dropped = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    put(std::move(bytes));
    const auto result = recover_checked();
    if (!result) {
      ++refused;
      ASSERT_EQ(result.error().place()->source, segment_path(1));
      ASSERT_LE(result.error().place()->offset, bit / 8);
      continue;
    }
    ++dropped;
    ASSERT_GE(bit / 8, seal_at) << "only a flip in the seal itself may go by, at bit " << bit;
    ASSERT_EQ(result->end.version, 6U);
    ASSERT_TRUE(result->dropped);
  }
  EXPECT_EQ(refused, seal_at * 8);
  EXPECT_EQ(dropped, frame_header_bytes * 8);
}

TEST_F(DamageTest, EveryBitFlipOfAnUnsealedSegmentLosesNoMoreThanTheLastBatch) {
  Bytes good = sample(false);
  const std::uint64_t end = end_of_frames(good);
  good.resize(static_cast<std::size_t>(end) + 64);  // the other zeros are alike
  std::uint64_t intact = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    put(std::move(bytes));
    const auto result = recover_checked();
    if (!result) continue;
    // Nothing after the last batch speaks for it: a flip there cannot be told from a torn write.
    ASSERT_GE(result->end.version, 3U) << "bit " << bit;
    ASSERT_TRUE(result->dropped) << "bit " << bit;
    if (result->end.version == 6) ++intact;
  }
  EXPECT_EQ(intact, (good.size() - end) * 8) << "flips behind the last frame cost nothing";
}

TEST_F(DamageTest, EveryTruncationOfTheLastSegmentLeavesWholeBatches) {
  for (const bool sealed : {true, false}) {
    files_.set_contents(segment_path(1), {});
    ASSERT_TRUE(files_.remove(segment_path(1)));
    const Bytes good = sample(sealed);
    for (std::size_t length = 0; length < good.size(); ++length) {
      put(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
      const auto result = recover_checked();
      if (length < segment_header_bytes) {
        ASSERT_FALSE(result);
        ASSERT_EQ(result.error().code(), ErrorCode::corrupt);
        continue;
      }
      ASSERT_TRUE(result) << result.error().message();
      const std::uint64_t version = result->end.version;
      ASSERT_TRUE(version == 0 || version == 1 || version == 3 || version == 6) << version;
      ASSERT_TRUE(!result->dropped || result->dropped->offset + result->dropped->bytes <= length);
    }
  }
}

TEST_F(DamageTest, EveryTruncationAndBitFlipOfAnEarlierSegmentIsRefused) {
  auto writer = open_writer({}, 600).value();
  while (writer.segment_number() < 3) write_synced(writer);
  ASSERT_TRUE(writer.close());
  ASSERT_TRUE(recover_checked());
  const Bytes good = files_.contents(segment_path(1));
  for (std::size_t length = 0; length < good.size(); ++length) {
    put(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
    ASSERT_FALSE(recover_checked()) << "length " << length;
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    put(std::move(bytes));
    ASSERT_FALSE(recover_checked()) << "bit " << bit;
  }
}

TEST_F(DamageTest, DurableFrameIsNotDroppedAsATornOne) {
  Bytes bytes = sample(false);
  const std::uint64_t second = segment_header_bytes + frame_header_bytes + record_header_bytes + body_of(1).size();
  bytes[second + frame_header_bytes + 3] ^= std::byte{1};
  put(bytes);
  expect_corrupt_at(1, second);
  // Also where nothing of it is left to see.
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(second), frame_header_bytes, std::byte{});
  put(bytes);
  expect_corrupt_at(1, second);
}

TEST_F(DamageTest, UnsyncedFramesInAnyStateAreATornTail) {
  auto writer = open_writer().value();
  write_synced(writer);
  std::vector<std::uint64_t> starts;
  for (int i = 0; i < 3; ++i) {
    starts.push_back(end_of_frames(files_.contents(segment_path(1))));
    ASSERT_TRUE(write(writer));
  }
  const Bytes all = files_.contents(segment_path(1));
  starts.push_back(end_of_frames(all));
  // Each of the three unsynced frames reached the disk or did not.
  for (unsigned lost = 0; lost < 8; ++lost) {
    Bytes bytes = all;
    for (std::size_t i = 0; i < 3; ++i) {
      if ((lost >> i & 1U) == 0) continue;
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(starts[i]),
                bytes.begin() + static_cast<std::ptrdiff_t>(starts[i + 1]), std::byte{});
    }
    put(std::move(bytes));
    const auto result = recover_checked();
    ASSERT_TRUE(result) << result.error().message();
    const std::uint64_t good = (lost & 1U) != 0 ? 1 : (lost & 2U) != 0 ? 2 : (lost & 4U) != 0 ? 3 : 4;
    EXPECT_EQ(result->end.version, good);
    const bool remains = lost == 1 || lost == 2 || lost == 3 || lost == 5;
    ASSERT_EQ(result->dropped.has_value(), remains) << lost;
    EXPECT_TRUE(!remains || result->dropped->offset == starts[good - 1]);
  }
}

// The frames that were dropped stay in their file. What is written later knows of higher versions, and must not be
// taken for a proof against them.
TEST_F(DamageTest, DroppedTailStaysDroppedAfterTheLogGoesOn) {
  {
    auto writer = open_writer().value();
    write_synced(writer);
    ASSERT_TRUE(write(writer, 4));
    ASSERT_TRUE(write(writer, 4));
  }
  Bytes bytes = files_.contents(segment_path(1));
  const std::uint64_t second = segment_header_bytes + frame_header_bytes + record_header_bytes + body_of(1).size();
  bytes[second + 5] ^= std::byte{1};
  put(bytes);
  for (int look = 0; look < 3; ++look) {
    const auto result = recover_checked();
    ASSERT_TRUE(result) << result.error().message();
    ASSERT_TRUE(result->dropped) << "nothing was written since";
    auto writer = open_writer(result->end).value();
    EXPECT_TRUE(writer.close());
    EXPECT_EQ(files_.list(log_folder)->size(), 1U);
  }
  for (std::uint64_t run = 2; run < 5; ++run) {
    const auto result = recover_checked();
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->dropped.has_value(), run == 2) << "reported when it is dropped, not for ever";
    auto writer = open_writer(result->end).value();
    write_synced(writer, 20);
    ASSERT_TRUE(writer.seal());
  }
  const auto result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 61U);
}

TEST_F(DamageTest, GarbageBehindTheLastFrameIsDroppedAndZerosAreNothing) {
  const Bytes good = sample(false);
  const std::uint64_t end = end_of_frames(good);
  Bytes bytes = good;
  bytes.resize(bytes.size() + (std::size_t{3} << 20));
  put(bytes);
  EXPECT_FALSE(recover_checked()->dropped);
  bytes[bytes.size() - 7] = std::byte{1};
  put(bytes);
  auto result = recover_checked();
  ASSERT_TRUE(result->dropped);
  EXPECT_EQ(result->dropped->offset, end);
  EXPECT_EQ(result->dropped->bytes, bytes.size() - 6 - end);
  for (std::size_t i = end; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random_.next());
  put(bytes);
  result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 6U);
}

// A proof far behind the damage, and one whose magic lies across the edge of what is read at a time.
TEST_F(DamageTest, ProofIsFoundHoweverFarBehindTheDamage) {
  for (const std::size_t body_bytes :
       {std::size_t{3} << 20, Window::step_bytes - frame_header_bytes - record_header_bytes - 2}) {
    SCOPED_TRACE(body_bytes);
    MemoryFileSystem files;
    ASSERT_TRUE(files.make_directory(log_folder));
    auto writer = Writer::open(files, log_folder, log_identity, {}, random_, {.segment_bytes = 8 << 20}).value();
    Batch batch;
    const Bytes body(body_bytes);
    batch.add({.version = 1, .wall_ns = 0, .tag = 0, .body = body});
    ASSERT_TRUE(writer.write(batch));
    ASSERT_TRUE(writer.seal());
    Bytes bytes = files.contents(segment_path(1));
    bytes[segment_header_bytes + frame_header_bytes + record_header_bytes] = std::byte{1};
    files.set_contents(segment_path(1), bytes);
    const auto result = recover(files, log_folder, log_identity, 0, Access::owner,
                                [](const TransactionRecord&) -> std::expected<void, Error> { return {}; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().place()->offset, segment_header_bytes);
  }
}

TEST_F(DamageTest, MissingSegmentIsRefusedUnlessItIsTheLast) {
  auto writer = open_writer({}, 512).value();
  while (writer.segment_number() < 4) write_synced(writer);
  for (std::uint64_t missing = 1; missing < 4; ++missing) {
    const Bytes bytes = files_.contents(segment_path(missing));
    ASSERT_TRUE(files_.remove(segment_path(missing)));
    const auto result = recover_checked();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::corrupt);
    EXPECT_EQ(result.error().place()->source, segment_path(missing + 1));
    put(bytes, missing);
  }
  EXPECT_TRUE(recover_checked());
}

TEST_F(DamageTest, SegmentUnderAnotherNameIsRefused) {
  auto writer = open_writer({}, 512).value();
  while (writer.segment_number() < 3) write_synced(writer);
  put(files_.contents(segment_path(1)), 2);
  const auto result = recover_checked();
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("holds segment 1"));
}

// Two logs of one database that fork after version 3: the second's next segment does not continue the first's.
TEST_F(DamageTest, SegmentOfAnotherBranchIsRefused) {
  const auto fork = [&](std::uint64_t count) {
    files_.set_contents(segment_path(1), {});
    EXPECT_TRUE(files_.remove(segment_path(1)));
    auto writer = open_writer().value();
    write_synced(writer, count);
    if (count == 1) write_synced(writer, 2);
    EXPECT_TRUE(writer.close());
  };
  fork(3);
  {
    auto writer = open_writer(recover_checked()->end).value();
    write_synced(writer);
  }
  const Bytes second = files_.contents(segment_path(2));
  ASSERT_TRUE(files_.remove(segment_path(2)));
  fork(1);
  put(second, 2);
  const auto result = recover_checked();
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("of other content"));
}

/// Bytes made by somebody who knows salt and checksum: frames that are whole but lie.
class HostileTest : public DamageTest {
 protected:
  static Bytes header_of(std::uint64_t salt) {
    const SegmentHeaderBytes bytes = encode(SegmentHeader{.identity = log_identity, .number = 1, .salt = salt});
    return {bytes.begin(), bytes.end()};
  }
  static FrameHeader next_frame(const Bytes& segment) {
    return {
        .payload_bytes = 0, .first_version = 1, .version_count = 1, .salt = 9, .previous_crc = segment_crc(segment)};
  }
  static void append(Bytes& segment, FrameHeader header, const Bytes& payload) {
    Bytes frame(frame_header_bytes);
    frame.insert(frame.end(), payload.begin(), payload.end());
    header.payload_bytes = payload.size();
    encode_frame(header, frame);
    segment.insert(segment.end(), frame.begin(), frame.end());
  }
  static Bytes record(std::uint64_t version, std::uint64_t body_bytes) {
    Bytes bytes(record_header_bytes);
    store_little_endian(bytes.data(), version);
    store_little_endian(bytes.data() + 24, body_bytes);
    return bytes;
  }
};

TEST_F(HostileTest, PayloadThatIsNotItsTransactionsIsRefused) {
  const auto refused = [&](FrameHeader header, const Bytes& payload) {
    Bytes segment = header_of(9);
    append(segment, header, payload);
    put(segment);
    const auto result = recover(files_, log_folder, log_identity, 0, Access::observer,
                                [](const TransactionRecord&) -> std::expected<void, Error> { return {}; });
    return !result && result.error().code() == ErrorCode::corrupt && result.error().place()->offset == 128;
  };
  const FrameHeader header = next_frame(header_of(9));
  EXPECT_FALSE(refused(header, record(1, 0))) << "the good one";
  EXPECT_TRUE(refused(header, record(2, 0)));
  EXPECT_TRUE(refused(header, record(1, 1)));
  EXPECT_TRUE(refused(header, record(1, ~std::uint64_t{0})));
  EXPECT_TRUE(refused(header, Bytes(record_header_bytes - 1)));
  EXPECT_TRUE(refused(header, {}));
  Bytes more = record(1, 0);
  more.push_back(std::byte{});
  EXPECT_TRUE(refused(header, more));
  FrameHeader many = header;
  many.version_count = std::uint64_t{1} << 62;
  EXPECT_TRUE(refused(many, record(1, 0)));
}

TEST_F(HostileTest, HeadersThatCannotFollowAreNotFollowed) {
  const auto end_of = [&](FrameHeader header, const Bytes& payload) {
    Bytes segment = header_of(9);
    append(segment, header, payload);
    put(segment);
    const auto result = recover_checked(0, Access::observer);
    return result ? result->end.version : 99;
  };
  FrameHeader header = next_frame(header_of(9));
  header.salt = 8;
  EXPECT_EQ(end_of(header, record(1, 0)), 0U) << "another segment's";
  header = next_frame(header_of(9));
  header.first_version = 2;
  EXPECT_EQ(end_of(header, record(2, 0)), 0U) << "a gap";
  header = next_frame(header_of(9));
  header.previous_crc ^= 1;
  EXPECT_EQ(end_of(header, record(1, 0)), 0U) << "another chain's";
  header = next_frame(header_of(9));
  header.synced = 1;
  EXPECT_EQ(end_of(header, record(1, 0)), 99U) << "knows what comes after it";
  header = next_frame(header_of(9));
  header.version_count = 0;
  EXPECT_EQ(end_of(header, record(1, 0)), 0U) << "transactions, but none";
  header.type = FrameType::seal;
  EXPECT_EQ(end_of(header, record(1, 0)), 0U) << "a seal with a payload";
}

TEST_F(HostileTest, VersionsThatWrapAroundAreNotFollowed) {
  const SegmentHeader start{.identity = log_identity, .number = 1, .base_version = 5, .salt = 9};
  const SegmentHeaderBytes bytes = encode(start);
  Bytes segment(bytes.begin(), bytes.end());
  FrameHeader header = next_frame(segment);
  header.first_version = 6;
  header.version_count = ~std::uint64_t{0} - 2;
  append(segment, header, record(6, 0));
  put(segment);
  const auto result = recover_checked(5, Access::observer);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->frame_count, 0U);
  EXPECT_TRUE(result->dropped);
}

TEST_F(HostileTest, LengthBeyondTheFileIsNeverAllocated) {
  Bytes segment = header_of(9);
  append(segment, next_frame(segment), record(1, 0));
  for (const std::uint64_t length : {~std::uint64_t{0}, ~std::uint64_t{0} - 200, std::uint64_t{1} << 40}) {
    store_little_endian(segment.data() + segment_header_bytes + 8, length);
    put(segment);
    EXPECT_EQ(recover_checked()->end.version, 0U);
  }
}

// Headers back to back, each claiming all the rest of the file: to check each of them is quadratic.
TEST_F(HostileTest, OverlappingClaimsAreRefusedNotChecked) {
  Bytes segment = header_of(9);
  const std::size_t total = std::size_t{2} << 20;
  while (segment.size() + frame_header_bytes < total) {
    Bytes frame(frame_header_bytes);
    FrameHeader header = next_frame(segment);
    header.payload_bytes = total - segment.size() - frame_header_bytes;
    encode_frame(header, frame);
    segment.insert(segment.end(), frame.begin(), frame.end());
  }
  segment.resize(total);
  put(segment);
  const auto result = recover_checked(0, Access::observer);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("more frames claim to be here"));
}

TEST_F(HostileTest, RandomBytesNeverCrashAndNeverValidate) {
  const std::uint64_t seed = test_seed(1);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  SeededRandom random(seed);
  const Bytes good = sample(true);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes = good;
    const std::uint64_t changes = 1 + random.next() % 20;
    for (std::uint64_t i = 0; i < changes; ++i) {
      bytes[segment_header_bytes + random.next() % (bytes.size() - segment_header_bytes)] =
          static_cast<std::byte>(random.next());
    }
    put(std::move(bytes));
    (void)recover_checked();  // checks whatever it visits
  }
}

TEST(Format, ZeroBytesAreNeitherHeaderNorFrame) {
  const Bytes zeros(256);
  EXPECT_FALSE(decode_segment_header(zeros, "x"));
  EXPECT_FALSE(decode_frame_header(zeros));
}

TEST(Format, OnlyMagicTypeAndReservedZerosMakeAFrame) {
  Bytes good(frame_header_bytes);
  encode_frame({}, good);
  EXPECT_TRUE(decode_frame_header(good));
  for (std::size_t at = 0; at < 8; ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes bytes = good;
      bytes[at] = static_cast<std::byte>(value);
      const bool is_type = at == 4 && (value == static_cast<unsigned>(FrameType::seal) ||
                                       value == static_cast<unsigned>(FrameType::leap));
      EXPECT_EQ(decode_frame_header(bytes).has_value(), bytes == good || is_type) << at << ' ' << value;
    }
  }
}

TEST(Format, NewerFormatAndUnknownFlagsAreRefusedAsSuch) {
  const auto code_with = [](std::size_t offset, std::uint32_t value) {
    SegmentHeaderBytes bytes = encode(SegmentHeader{.identity = log_identity, .number = 1});
    store_little_endian(bytes.data() + offset, value);
    store_little_endian(bytes.data() + 124, crc32c(std::span(bytes).first(124)));
    const auto header = decode_segment_header(bytes, "x");
    return header ? std::nullopt : std::optional(header.error().code());
  };
  EXPECT_EQ(code_with(8, 1), std::nullopt);
  EXPECT_EQ(code_with(8, 2), ErrorCode::not_a_database);
  EXPECT_EQ(code_with(12, 1), std::nullopt);
  EXPECT_EQ(code_with(12, 2), ErrorCode::not_a_database);
  EXPECT_EQ(code_with(96, 1), std::nullopt);
  EXPECT_EQ(code_with(112, 1), ErrorCode::not_a_database);
}

}  // namespace
}  // namespace stoa::wal
