// docs/format.md and the code say the same: the worked example of a checkpoint is what the writer makes, byte by byte.
#include "base/file_memory.h"
#include "base/testing/documented_example.h"
#include "checkpoint/checkpoint_writer.h"
#include "memory/page_pool.h"
#include "storage/world_info.h"
#include "storage/write_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace stoa::checkpoint {
namespace {

TEST(FormatDocument, CheckpointIsWhatTheWriterMakes) {
  const auto schema =
      Schema::from_toml("[database]\nname = \"w\"\n[tables.a]\nfields = [{ name = \"x\", type = \"u32\" }]\n", "w")
          .value()
          .compile()
          .value();
  const detail::WorldInfo info = storage::make_world(schema);
  memory::PagePool pool;
  storage::WriteBuffer buffer(info, pool);
  buffer.begin(detail::Root{});
  const std::uint32_t row = 7;
  const storage::RowImage image{TableId{0}, reinterpret_cast<const std::byte*>(&row)};
  ASSERT_EQ(buffer.create({3, 1}, {&image, 1}), storage::Outcome::done);
  buffer.raise_floors({4, 2}, 1);
  std::vector<Entity> ended;
  buffer.accept(ended);

  const wal::Identity identity{.database_id = {.low = 0x0706050403020100, .high = 0x0F0E0D0C0B0A0908},
                               .history_id = {.low = 0x1716151413121110, .high = 0x1F1E1D1C1B1A1918},
                               .schema_hash = {0x2726252423222120, 0x2F2E2D2C2B2A2928},
                               .encoding = 2,
                               .compression = 0};
  MemoryFileSystem files;
  const auto file = files.create("checkpoint").value();
  ASSERT_TRUE(write_checkpoint(*file, identity, buffer.seal(5)));
  const std::vector<std::byte> written = files.contents("checkpoint");
  EXPECT_EQ(test::documented_example(STOA_SOURCE_DIR, "checkpoint"), written) << test::hex_dump(written);
}

}  // namespace
}  // namespace stoa::checkpoint
