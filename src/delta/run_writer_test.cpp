// Rows that were written in bulk make the same bytes as the same rows told one by one.
#include "delta/run_writer.h"

#include "base/testing/seed.h"
#include "storage/world_info.h"

#include <stoa/schema.h>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::delta {
namespace {

class RunWriterTest : public ::testing::Test {
 protected:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  /// Of one table, whose fields are of these types.
  template <std::size_t Count>
  detail::WorldInfo world_of(const std::array<std::string_view, Count>& types, std::size_t fields) {
    std::string text = "[tables.t]\nfields = [\n";
    for (std::size_t i = 0; i != fields; ++i) {
      text += "  { name = \"f" + std::to_string(i) + "\", type = \"" + std::string(types[below(Count)]) + "\" },\n";
    }
    const auto schema = Schema::from_toml("[database]\nname = \"runs\"\n\n" + text + "]\n");
    EXPECT_TRUE(schema) << schema.error().message();
    return storage::make_world(schema->compile().value());
  }

  /// Side by side: mostly one index after the other.
  std::vector<Entity> entities(std::size_t count) {
    std::vector<Entity> out;
    std::uint32_t index = 7;
    std::uint32_t generation = 1;
    const std::size_t breaks = below(3) == 0 ? 4 : 200;
    while (out.size() != count) {
      if (below(breaks) == 0) index += static_cast<std::uint32_t>(below(1000));
      if (below(breaks) == 0) generation = static_cast<std::uint32_t>(1 + below(3));
      out.emplace_back(index++, generation);
    }
    return out;
  }

  /// All bytes of some rows, or of all alike, or of any, now and then none.
  std::vector<std::byte> turned(std::vector<std::byte> rows, std::size_t row_bytes) {
    const std::size_t alike = below(4);
    const std::size_t first = below(row_bytes);
    const std::size_t bytes = 1 + below(row_bytes - first);
    const std::size_t seldom = 1 + below(20);
    for (std::size_t at = 0; at != rows.size(); ++at) {
      const std::size_t place = at % row_bytes;
      const bool turns = alike == 0 ? below(seldom) == 0 : alike == 1 || (place >= first && place < first + bytes);
      if (turns && (alike != 3 || below(100) != 0)) rows[at] ^= std::byte{0x41};
    }
    return rows;
  }

  void expect_same_bytes(const detail::WorldInfo& world) {
    const TableId table = world.schema->model().tables[0].number;
    const std::size_t row_bytes = (*world.bytes)[table].row_bytes();
    RunWriter in_bulk(world);
    RunWriter one_by_one(world);
    for (int delta = 0; delta != 3; ++delta) {
      in_bulk.clear();
      one_by_one.clear();
      for (int column = 0; column != 2; ++column) {
        const std::vector<Entity> whose = entities(1 + below(300));
        std::vector<std::byte> before(whose.size() * row_bytes);
        for (std::byte& byte : before) byte = static_cast<std::byte>(random_());
        const std::vector<std::byte> after = turned(before, row_bytes);
        in_bulk.update_column(whose, table, before.data(), after.data());
        for (std::size_t row = 0; row != whose.size(); ++row) {
          one_by_one.update(whose[row], table, before.data() + row * row_bytes, after.data() + row * row_bytes);
        }
      }
      std::vector<std::byte> bulk_body;
      std::vector<std::byte> body;
      EXPECT_EQ(in_bulk.finish(bulk_body), one_by_one.finish(body));
      ASSERT_EQ(bulk_body, body);
    }
  }

 private:
  std::mt19937_64 random_{test::test_seed()};
};

TEST_F(RunWriterTest, RowsOfWholeWordsWrittenInBulkAreToldAsOneByOne) {
  constexpr std::array<std::string_view, 5> types{"f32", "f32", "u64", "i32", "f32"};
  for (int round = 0; round != 500; ++round) expect_same_bytes(world_of(types, 1 + below(8)));
}

TEST_F(RunWriterTest, RowsOfAnyFieldsWrittenInBulkAreToldAsOneByOne) {
  constexpr std::array<std::string_view, 8> types{"f32", "u8", "u64", "i16", "bool", "entity", "f32[3]", "u8[2]"};
  for (int round = 0; round != 500; ++round) expect_same_bytes(world_of(types, 1 + below(8)));
}

TEST_F(RunWriterTest, RowsOfVeryManyFieldsWrittenInBulkAreToldAsOneByOne) {
  constexpr std::array<std::string_view, 3> types{"f32", "u8", "u64"};
  for (int round = 0; round != 20; ++round) expect_same_bytes(world_of(types, 55 + below(20)));
}

}  // namespace
}  // namespace stoa::delta
