// docs/format.md and the code say the same: the worked example there is what the writer makes, byte by byte.
#include "wal/log_fixture.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

namespace stoa::wal {
namespace {

/// The bytes of the lines "offset: hex hex ...  meaning" between the markers of the example.
std::vector<std::byte> documented_example() {
  const std::string path = join_path(STOA_SOURCE_DIR, "docs/format.md");
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::vector<std::byte> bytes;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "<!-- example: wal segment -->") inside = true;
    if (line == "<!-- end of example -->") inside = false;
    const std::size_t colon = line.find(':');
    if (!inside || colon != 4) continue;
    EXPECT_EQ(std::stoul(line.substr(0, colon), nullptr, 16), bytes.size()) << line;
    std::istringstream words(line.substr(colon + 1, line.find("  ", colon) - colon - 1));
    for (std::string word; words >> word;) bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
  }
  return bytes;
}

std::string hex_dump(const std::vector<std::byte>& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 8 == 0) text += fmt::format("\n{:04x}:", i);
    text += fmt::format(" {:02x}", std::to_integer<unsigned>(bytes[i]));
  }
  return text;
}

TEST(FormatDocument, ExampleIsWhatTheWriterMakes) {
  MemoryFileSystem files;
  SeededRandom random(0);
  ASSERT_TRUE(files.make_directory(log_folder));
  const Identity identity{.database_id = {.low = 0x0706050403020100, .high = 0x0F0E0D0C0B0A0908},
                          .history_id = {.low = 0x1716151413121110, .high = 0x1F1E1D1C1B1A1918},
                          .schema_hash = {0x2726252423222120, 0x2F2E2D2C2B2A2928},
                          .encoding = 2,
                          .compression = 0};
  auto writer = Writer::open(files, log_folder, identity, {}, random, {.segment_bytes = 4096}).value();
  Batch batch;
  const std::string body = "stoa";
  batch.add({.version = 1, .wall_ns = 1'000'000'000, .tag = 42, .body = std::as_bytes(std::span(body))});
  ASSERT_TRUE(writer.write(batch));
  ASSERT_TRUE(writer.close());
  const std::vector<std::byte> written = files.contents(join_path(log_folder, segment_name(1)));
  EXPECT_EQ(documented_example(), written) << hex_dump(written);
}

}  // namespace
}  // namespace stoa::wal
