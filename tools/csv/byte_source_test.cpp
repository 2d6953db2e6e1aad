#include "csv/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "csv/reader.h"

namespace stoa::csv {
namespace {

using testing::HasSubstr;

class OpenFile : public testing::Test {
 protected:
  OpenFile() { std::filesystem::create_directories(folder_); }
  ~OpenFile() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() /
                                  ("stoa_csv_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

std::string compress(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// A text that does not compress to nothing and that is larger than one block of zstd.
std::string long_text() {
  std::string text = "a,b\n";
  for (unsigned i = 0; i < 40000; ++i) text += std::to_string(i * 2654435761u) + ',' + std::to_string(i) + '\n';
  return text;
}

std::expected<std::string, Error> read_all(ByteSource& source, std::size_t piece_bytes) {
  std::string text;
  std::string piece(piece_bytes, '\0');
  for (;;) {
    const auto got = source.read(piece);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) return text;
    text.append(piece, 0, *got);
  }
}

std::expected<std::string, Error> read_all(const std::filesystem::path& path, std::size_t piece_bytes = 1000) {
  auto source = open_file(path);
  if (!source) return std::unexpected(source.error());
  return read_all(**source, piece_bytes);
}

TEST_F(OpenFile, GivesThePlainBytes) {
  EXPECT_EQ(read_all(write("a.csv", long_text())).value(), long_text());
  EXPECT_EQ(read_all(write("empty.csv", "")).value(), "");
}

TEST_F(OpenFile, DecodesZstdIntoRoomOfAnySize) {
  const auto path = write("a.csv.zst", compress(long_text()));
  for (const std::size_t piece_bytes : {1u, 7u, 4096u, 1u << 20}) EXPECT_EQ(read_all(path, piece_bytes).value(), long_text());
}

TEST_F(OpenFile, DecodesZstdFramesInARow) {
  EXPECT_EQ(read_all(write("a.zst", compress("one\n") + compress("") + compress("two\n"))).value(), "one\ntwo\n");
}

TEST_F(OpenFile, ReportsCompressedProgress) {
  const std::string stored = compress(long_text());
  const auto source = open_file(write("a.zst", stored)).value();
  EXPECT_EQ(source->bytes_total(), stored.size());
  EXPECT_EQ(source->bytes_read(), 0u);
  ASSERT_TRUE(read_all(*source, 1000));
  EXPECT_EQ(source->bytes_read(), stored.size());
}

TEST_F(OpenFile, RefusesAZstdStreamThatIsCutShortAnywhere) {
  const std::string stored = compress("a,b\n1,2\n3,4\n");
  for (std::size_t bytes = 0; bytes < stored.size(); ++bytes) {
    const auto text = read_all(write("cut.csv.zst", stored.substr(0, bytes)));
    ASSERT_FALSE(text) << bytes;
    EXPECT_EQ(text.error().code(), ErrorCode::corrupt);
    EXPECT_THAT(text.error().message(), HasSubstr("cut.csv.zst"));
    EXPECT_THAT(text.error().message(), HasSubstr("cut short"));
  }
}

TEST_F(OpenFile, RefusesADamagedZstdStream) {
  std::string stored = compress(long_text());
  stored[stored.size() / 2] = static_cast<char>(stored[stored.size() / 2] ^ 0x55);
  stored[stored.size() / 2 + 1] = static_cast<char>(stored[stored.size() / 2 + 1] ^ 0x55);
  // Without a checksum in the frame a flipped literal may go unseen; these two bytes are in a block's entropy tables.
  const auto no_stream = read_all(write("plain.csv.zst", long_text()));
  ASSERT_FALSE(no_stream);
  EXPECT_EQ(no_stream.error().code(), ErrorCode::corrupt);
  const auto trailing = read_all(write("tail.csv.zst", compress("a\n") + "garbage"));
  ASSERT_FALSE(trailing);
  EXPECT_EQ(trailing.error().code(), ErrorCode::corrupt);
  EXPECT_THAT(trailing.error().message(), HasSubstr("tail.csv.zst at byte"));
}

}  // namespace
}  // namespace stoa::csv
