#include "csv/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <memory>
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

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("stoa_csv_" + std::to_string(::getpid()) + "_" + testing::UnitTest::GetInstance()->current_test_info()->name());
};

std::string compress(const std::string& text) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress2(context.get(), out.data(), out.size(), text.data(), text.size()));
  return out;
}

// A text that does not compress to nothing and that is larger than one block of zstd.
std::string long_text() {
  std::string text = "a,b\n";
  for (unsigned i = 0; i < 40000; ++i) text += std::to_string(i * 2654435761u) + ',' + std::to_string(i) + '\n';
  return text;
}

// Appends to `text`, so that it has what came before an error too.
std::expected<void, Error> read_into(std::string& text, ByteSource& source, std::size_t piece_bytes) {
  std::string piece(piece_bytes, '\0');
  for (;;) {
    const auto got = source.read(piece);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) return {};
    text.append(piece, 0, *got);
  }
}

std::expected<std::string, Error> read_all(const std::filesystem::path& path, std::size_t piece_bytes = 1000) {
  auto source = open_file(path);
  if (!source) return std::unexpected(source.error());
  std::string text;
  if (auto read = read_into(text, **source, piece_bytes); !read) return std::unexpected(read.error());
  return text;
}

TEST_F(OpenFile, GivesThePlainBytes) {
  EXPECT_EQ(read_all(write("a.csv", long_text())).value(), long_text());
  EXPECT_EQ(read_all(write("empty.csv", "")).value(), "");
}

TEST_F(OpenFile, DecodesZstdIntoRoomOfAnySize) {
  const auto path = write("a.csv.zst", compress(long_text()));
  for (const std::size_t piece_bytes : {1u, 7u, 4096u, 1u << 20})
    EXPECT_TRUE(read_all(path, piece_bytes).value() == long_text()) << piece_bytes;
}

TEST_F(OpenFile, DecodesZstdFramesInARow) {
  EXPECT_EQ(read_all(write("a.zst", compress("one\n") + compress("") + compress("two\n"))).value(), "one\ntwo\n");
}

TEST_F(OpenFile, ReportsCompressedProgress) {
  const std::string stored = compress(long_text());
  const auto source = open_file(write("a.zst", stored)).value();
  EXPECT_EQ(source->bytes_total(), stored.size());
  EXPECT_EQ(source->bytes_read(), 0u);
  std::string text;
  ASSERT_TRUE(read_into(text, *source, 1000));
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

TEST_F(OpenFile, GivesAllThatPrecedesACutIntoRoomOfAnySize) {
  const std::string text = long_text();
  const std::string stored = compress(text);
  const auto path = write("cut.csv.zst", stored.substr(0, stored.size() - 4));  // the checksum
  for (const std::size_t piece_bytes : {1u, 7u, 4096u, 1u << 20}) {
    const auto source = open_file(path).value();
    std::string read;
    EXPECT_FALSE(read_into(read, *source, piece_bytes));
    EXPECT_TRUE(read == text) << piece_bytes;  // not EQ: a diff of texts this long takes minutes
  }
}

TEST_F(OpenFile, NeverGivesOtherBytesForADamagedZstdStreamWithAChecksum) {
  const std::string text = long_text().substr(0, 1000);
  const std::string stored = compress(text);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < stored.size(); ++at) {
    std::string damaged = stored;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const auto read = read_all(write("damaged.csv.zst", damaged));
    if (read) {
      EXPECT_EQ(*read, text) << at;  // the frame's header has bits that no decoder reads
      continue;
    }
    ++refused;
    EXPECT_THAT(read.error().code(), testing::AnyOf(ErrorCode::corrupt, ErrorCode::too_large)) << at;
    EXPECT_THAT(read.error().message(), HasSubstr("damaged.csv.zst"));
  }
  EXPECT_GT(refused, stored.size() * 9 / 10);
}

TEST_F(OpenFile, RefusesWhatIsNoZstdStream) {
  for (const std::string& stored : {long_text(), compress("a\n") + "garbage"}) {
    const auto read = read_all(write("plain.csv.zst", stored));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), ErrorCode::corrupt);
    EXPECT_THAT(read.error().message(), HasSubstr("plain.csv.zst"));
  }
}

TEST_F(OpenFile, NamesAFileThatCannotBeRead) {
  const auto missing = open_file(folder_ / "missing.csv");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  EXPECT_THAT(missing.error().message(), HasSubstr("missing.csv: cannot open: No such file"));
  const auto directory = read_all(folder_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code(), ErrorCode::io);
  EXPECT_THAT(directory.error().message(), HasSubstr("cannot read: Is a directory"));
}

TEST_F(OpenFile, EndsTheReaderWithTheErrorOfACutStream) {
  const std::string stored = compress(long_text());
  auto reader = Reader::open(open_file(write("cut.csv.zst", stored.substr(0, stored.size() - 5))).value()).value();
  auto read = reader.next();
  while (read && *read) read = reader.next();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::corrupt);
  EXPECT_TRUE(reader.failed());
}

}  // namespace
}  // namespace stoa::csv
