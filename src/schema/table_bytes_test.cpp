// What a delta says of a table: where its rows' bytes lie, in as few bytes as that needs.
#include "schema/table_bytes.h"

#include "base/varint.h"

#include <stoa/schema.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::schema {
namespace {

SchemaModel model_of(std::string_view toml) {
  auto schema = Schema::from_toml("[database]\nname = \"x\"\n" + std::string(toml), "x.toml");
  if (!schema) throw std::runtime_error(schema.error().message());
  auto compiled = schema->compile();
  if (!compiled) throw std::runtime_error(compiled.error().message());
  return (*compiled)->model();
}

class TableBytesTest : public ::testing::Test {
 protected:
  // How many bytes a table is said in; that it is understood the same has been seen then.
  static std::size_t said_in(std::string_view toml) {
    const SchemaModel model = model_of(toml);
    const TableBytes tables(model);
    std::vector<std::byte> bytes;
    for (const TableModel& table : model.tables) tables.encode(table.number, bytes);
    TableBytes again;
    std::span<const std::byte> in = bytes;
    while (!in.empty()) {
      if (!again.decode(in)) throw std::runtime_error("not understood");
    }
    for (const TableModel& table : model.tables) {
      const RowBytes& was = tables[table.number];
      const RowBytes* is = again.find(table.number);
      EXPECT_TRUE(is != nullptr && is->row_bytes() == was.row_bytes() && is->field_count() == was.field_count());
      for (const std::uint16_t field : was.all()) EXPECT_TRUE(std::ranges::equal(was.pieces(field), is->pieces(field)));
    }
    return bytes.size();
  }

  static bool is_understood(std::initializer_list<std::uint64_t> numbers) {
    std::vector<std::byte> bytes;
    for (std::uint64_t number : numbers) put_varint(bytes, number);
    std::span<const std::byte> in = bytes;
    TableBytes tables;
    return tables.decode(in) && in.empty();
  }
};

TEST_F(TableBytesTest, AnOrdinaryFieldIsSaidInAByte) {
  constexpr std::size_t head = 3;
  EXPECT_EQ(said_in(R"([tables.tag]
fields = [])"),
            head);
  EXPECT_EQ(said_in(R"([tables.all]
fields = [{ name = "a", type = "u8" }, { name = "b", type = "f64" }, { name = "c", type = "text" },
          { name = "d", type = "u16" }, { name = "e", type = "u32" }, { name = "f", type = "entity" },
          { name = "g", type = "f32[3]" }, { name = "h", type = "i8[3]" }, { name = "i", type = "i32" }])"),
            head + 9);
}

TEST_F(TableBytesTest, AFieldOfMorePiecesOrElsewhereIsUnderstood) {
  said_in(R"([structs.inner]
fields = [{ name = "a", type = "f64" }, { name = "b", type = "f32" }]
[structs.outer]
fields = [{ name = "label", type = "text" }, { name = "in", type = "inner[2]" }, { name = "c", type = "u8" }]
[tables.one]
fields = [{ name = "x", type = "f32" }, { name = "in", type = "inner" }, { name = "out", type = "outer[2]" }]
[tables.numbered]
fields = [{ name = "x", type = "u8", number = 2 }, { name = "y", type = "f64", number = 0 },
          { name = "z", type = "u8", number = 1 }])");
}

TEST_F(TableBytesTest, APieceLiesInTheRow) {
  EXPECT_TRUE(is_understood({0, 8, 2, 4 * 4, 4 * 4}));
  EXPECT_FALSE(is_understood({0, 8, 2, 4 * 4, 8 * 4})) << "from 8 to 16";
  EXPECT_FALSE(is_understood({0, 8, 1, 0 * 4})) << "a text's cell has 16 bytes";
  EXPECT_TRUE(is_understood({0, 8, 1, 4 * 4 + 2, 4}));
  EXPECT_FALSE(is_understood({0, 8, 1, 4 * 4 + 2, 5}));
  EXPECT_FALSE(is_understood({0, 8, 1, 4 * 4 + 2, ~std::uint64_t{0}}));
  EXPECT_FALSE(is_understood({0, 8, 1, ~std::uint64_t{0} - 3}));
}

TEST_F(TableBytesTest, ThereIsOneWayToSayIt) {
  EXPECT_TRUE(is_understood({0, 8, 2, 4 * 4, 4 * 4}));
  EXPECT_FALSE(is_understood({0, 8, 2, 4 * 4, 4 * 4 + 2, 4})) << "it says where it would be anyway";
  EXPECT_FALSE(is_understood({0, 8, 1, 4 * 4 + 1})) << "more are said to follow";
}

}  // namespace
}  // namespace stoa::schema
