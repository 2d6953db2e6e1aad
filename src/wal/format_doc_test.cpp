// docs/format.md and the code say the same: the worked example there is what the writer makes, byte by byte.
#include "base/testing/documented_example.h"
#include "wal/log_fixture.h"

namespace stoa::wal {
namespace {

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
  EXPECT_EQ(test::documented_example(STOA_SOURCE_DIR, "wal segment"), written) << test::hex_dump(written);
}

}  // namespace
}  // namespace stoa::wal
