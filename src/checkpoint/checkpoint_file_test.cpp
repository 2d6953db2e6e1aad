// A checkpoint's bytes: of random worlds, written and read back, and not one bit of them may be another.
#include "base/field_bytes.h"
#include "base/file_memory.h"
#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/folder.h"
#include "delta/replay.h"
#include "storage/testing/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace stoa::checkpoint {
namespace {

using storage::test::Model;
using storage::test::Random;
using storage::test::Session;
using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

class CheckpointFileTest : public ::testing::Test {
 protected:
  static constexpr std::size_t small_blocks = 300;

  static wal::Identity identity() {
    SeededRandom random(7);
    return new_identity({1, 2}, random);
  }
  Bytes write(const detail::Root& root, std::size_t bytes_a_block = small_blocks) {
    (void)files_.remove(path_);
    auto file = files_.create(path_).value();
    const auto written = write_checkpoint(*file, identity(), root, bytes_a_block);
    EXPECT_TRUE(written) << written.error().message();
    return files_.contents(path_);
  }
  /// What reading all of these bytes answers.
  std::expected<void, Error> read(const Bytes& bytes, Version version) {
    files_.set_contents(path_, bytes);
    auto reader = CheckpointReader::open(files_.open_read_only(path_).value(), version);
    if (!reader) return std::unexpected(reader.error());
    return reader->verify();
  }
  void expect_refused(const Bytes& bytes, Version version, std::uint64_t damaged_at) {
    const auto refused = read(bytes, version);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::corrupt) << refused.error().message();
    ASSERT_NE(refused.error().place(), nullptr);
    EXPECT_EQ(refused.error().place()->source, path_);
    EXPECT_LE(refused.error().place()->offset, damaged_at);
  }

  static std::vector<std::span<const std::byte>> blocks_of(const Bytes& bytes) {
    std::vector<std::span<const std::byte>> out;
    for (std::size_t at = checkpoint_header_bytes; at != bytes.size(); at += out.back().size()) {
      const auto header = decode_block_header(std::span(bytes).subspan(at, block_header_bytes));
      out.push_back(std::span(bytes).subspan(at, block_header_bytes + header.value().body_bytes));
    }
    return out;
  }
  /// A world of several blocks; it stays as it is.
  const detail::Root& some_world() {
    do {
      session_.transaction(false);
      session_.commit();
    } while (blocks_of(write(session_.manager().write_buffer().root())).size() < 5);
    session_.hold();
    return session_.held_root(session_.held_count() - 1);
  }

  const std::string path_ = "checkpoint";
  MemoryFileSystem files_;
  Random random_{storage::test::test_seed()};
  Session session_{random_};
};

TEST_F(CheckpointFileTest, GivesBackRandomWorldsWithTheirFloors) {
  for (int round = 0; round != 60 && !HasFailure(); ++round) {
    for (std::uint64_t left = random_.between(1, 3); left != 0; --left) session_.transaction(false);
    if (random_.chance(4)) session_.destroy_all();
    session_.commit();
    session_.hold();
    const detail::Root& root = session_.held_root(0);
    const std::size_t blocks[] = {1, small_blocks, block_bytes};
    const Bytes bytes = write(root, blocks[round % 3]);

    auto reader = CheckpointReader::open(files_.open_read_only(path_).value(), root.version);
    ASSERT_TRUE(reader) << reader.error().message();
    ASSERT_TRUE(reader->verify());
    EXPECT_EQ(reader->header().version, root.version);
    EXPECT_EQ(reader->header().identity.database_id, identity().database_id);
    memory::PagePool pool;
    storage::WriteBuffer buffer(*root.world, pool);
    buffer.begin(detail::Root{});
    delta::Replay replay(*root.world);
    std::vector<Entity> ended;
    for (auto body = reader->next().value(); body; body = reader->next().value()) {
      const auto applied = replay.apply(*body, buffer);
      ASSERT_TRUE(applied) << applied.error().message();
      buffer.accept(ended);
    }
    EXPECT_TRUE(ended.empty());
    EXPECT_EQ(difference(buffer.root(), session_.held_model(0)), "");
    for (std::uint32_t index = 0; index != root.slot_count; ++index) {
      ASSERT_GE(generation_floor(buffer.root(), index), generation_floor(root, index)) << "of index " << index;
    }
    session_.release(0);
  }
  EXPECT_GT(session_.reused_count(), 0U);
}

TEST_F(CheckpointFileTest, OfNothingIsAHeaderAndAnEnd) {
  const detail::Root& root = session_.manager().write_buffer().root();
  const Bytes bytes = write(root);
  EXPECT_EQ(bytes.size(), checkpoint_header_bytes + block_header_bytes);
  EXPECT_TRUE(read(bytes, root.version));
}

TEST_F(CheckpointFileTest, EveryFlippedBitIsNoticed) {
  const detail::Root& root = some_world();
  const Bytes good = write(root);
  ASSERT_TRUE(read(good, root.version));
  for (std::size_t bit = 0; bit != good.size() * 8 && !HasFailure(); ++bit) {
    SCOPED_TRACE(bit);
    Bytes bytes = good;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    expect_refused(bytes, root.version, bit / 8);
  }
}

TEST_F(CheckpointFileTest, EveryOtherLengthIsNoticed) {
  const detail::Root& root = some_world();
  const Bytes good = write(root);
  for (std::size_t length = 0; length != good.size() && !HasFailure(); ++length) {
    SCOPED_TRACE(length);
    expect_refused(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)), root.version, length);
  }
  Bytes longer = good;
  for (const std::byte more : {std::byte{0}, std::byte{0xF7}}) {
    longer.resize(good.size());
    longer.push_back(more);
    expect_refused(longer, root.version, good.size());
  }
}

// Sectors of an older file, or blocks that were never written: each is whole, and in the wrong place.
TEST_F(CheckpointFileTest, ABlockThatIsNotInItsPlaceIsNoticed) {
  const detail::Root& root = some_world();
  const Bytes good = write(root);
  const auto blocks = blocks_of(good);
  const auto joined = [&](const std::vector<std::size_t>& order) {
    Bytes out(good.begin(), good.begin() + checkpoint_header_bytes);
    for (const std::size_t number : order) out.insert(out.end(), blocks[number].begin(), blocks[number].end());
    return out;
  };
  std::vector<std::size_t> in_order;
  for (std::size_t number = 0; number != blocks.size(); ++number) in_order.push_back(number);
  ASSERT_EQ(joined(in_order), good);
  for (std::size_t number = 0; number + 1 != blocks.size(); ++number) {
    SCOPED_TRACE(number);
    std::vector<std::size_t> order = in_order;
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(number));
    expect_refused(joined(order), root.version, good.size());
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(number), {number, number});
    expect_refused(joined(order), root.version, good.size());
    order = in_order;
    std::swap(order[number], order[number + 1]);
    expect_refused(joined(order), root.version, good.size());
  }
}

TEST_F(CheckpointFileTest, UnderTheNameOfAnotherVersionIsRefused) {
  const detail::Root& root = some_world();
  const auto refused = read(write(root), root.version + 1);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("not the one of its name"));
}

// A header that somebody else's program has written well.
TEST_F(CheckpointFileTest, OfANewerFormatIsToldFromDamage) {
  const CheckpointHeaderBytes good = encode(CheckpointHeader{.identity = identity(), .version = 3});
  ASSERT_TRUE(decode_checkpoint_header(good, path_));
  constexpr std::size_t places[] = {8, 12, 68, 103};  // format version, flags, reserved bytes
  for (const std::size_t place : places) {
    SCOPED_TRACE(place);
    CheckpointHeaderBytes bytes = good;
    bytes[place] = std::byte{2};
    FieldWriter(bytes.data() + 112).put(hash128(std::span(bytes).first(112)));
    const auto refused = decode_checkpoint_header(bytes, path_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::not_a_database);
  }
}

// Who knows how checksums are made claims a length that no file has, or one behind the end.
TEST_F(CheckpointFileTest, ALengthThatIsNotThereAllocatesNothing) {
  const CheckpointHeaderBytes header = encode(CheckpointHeader{.identity = identity(), .version = 3});
  Bytes block(block_header_bytes);
  const Hash128 start = checkpoint_checksum(header);
  (void)encode_block(BlockType::end, start, block);
  Bytes good(header.begin(), header.end());
  good.insert(good.end(), block.begin(), block.end());
  ASSERT_TRUE(read(good, 3));
  for (const std::uint64_t length : {std::uint64_t{1}, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    Bytes bytes = good;
    FieldWriter(bytes.data() + checkpoint_header_bytes + 8).put(length);
    const Hash128 checksum = block_checksum(std::span(bytes).subspan(checkpoint_header_bytes), {}, start);
    FieldWriter(bytes.data() + checkpoint_header_bytes + 16).put(checksum);
    expect_refused(bytes, 3, checkpoint_header_bytes);
  }
}

}  // namespace
}  // namespace stoa::checkpoint
