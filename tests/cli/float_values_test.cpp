// Floats that look the same and are not: to a unique rule a value is its bits, and so it is to the commands.
#include <stoa/database.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

constexpr std::string_view schema = R"([database]
name = "floats"
[tables.reading]
unique = [["ratio", "sensor"]]
fields = [
  { name = "sensor", type = "u32" },
  { name = "narrow", type = "f32", unique = true },
  { name = "wide", type = "f64", unique = true },
  { name = "ratio", type = "f32" },
]
)";

class FloatValues : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    write("schema.toml", schema);
    auto opened = Database::open(folder() / "world", Schema::from_toml(schema).value());
    ASSERT_TRUE(opened) << opened.error().message();
    database_.emplace(std::move(*opened));
  }

  /// A reading whose values are unique but for the one given.
  std::expected<Commit, Error> add(std::string_view field, Value value, std::uint32_t sensor = 0) {
    Transaction transaction = database_->begin();
    NamedValue fields[] = {{"sensor", sensor == 0 ? 1000 + next_ : sensor},
                           {"narrow", static_cast<float>(next_)},
                           {"wide", static_cast<double>(next_)},
                           {"ratio", 0.F}};
    ++next_;
    std::ranges::find(fields, field, &NamedValue::name)->value = std::move(value);
    transaction.insert("reading", transaction.create(), fields);
    return std::move(transaction).commit();
  }

  void expect_all_right(std::uint64_t count) {
    ASSERT_TRUE(database_->close());
    const Finished done = stoa({"verify", "world"});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(done.err, "");
    EXPECT_NE(done.out.find(" " + std::to_string(3 * count) + " unique values\n"), std::string::npos) << done.out;
  }

  std::optional<Database> database_;
  std::uint32_t next_ = 1;
};

constexpr std::uint32_t narrow_bits[] = {
    0x7FC0'0000, 0xFFC0'0000, 0x7FC0'0001, 0x7FC0'0002, 0x7FFF'FFFF,  // quiet NaNs
    0x7F80'0001, 0xFF80'0001, 0x7FA0'0000,                            // signaling ones
    0x0000'0000, 0x8000'0000,                                         // zeros
};
constexpr std::uint64_t wide_bits[] = {
    0x7FF8'0000'0000'0000, 0xFFF8'0000'0000'0000, 0x7FF8'0000'0000'0001, 0x7FFF'FFFF'FFFF'FFFF,
    0x7FF0'0000'0000'0001, 0xFFF0'0000'0000'0001, 0x0000'0000'0000'0000, 0x8000'0000'0000'0000,
};

TEST_F(FloatValues, ThatDifferInABitAreDifferentToVerify) {
  std::uint64_t count = 0;
  for (const std::uint32_t bits : narrow_bits) {
    ASSERT_TRUE(add("narrow", std::bit_cast<float>(bits))) << std::hex << bits;
    EXPECT_FALSE(add("narrow", std::bit_cast<float>(bits))) << std::hex << bits;
    ++count;
  }
  for (const std::uint64_t bits : wide_bits) {
    ASSERT_TRUE(add("wide", std::bit_cast<double>(bits))) << std::hex << bits;
    EXPECT_FALSE(add("wide", std::bit_cast<double>(bits))) << std::hex << bits;
    ++count;
  }
  expect_all_right(count);
}

TEST_F(FloatValues, ThatDifferInABitAreDifferentInARuleOfSeveralFields) {
  std::uint64_t count = 0;
  for (const std::uint32_t bits : narrow_bits) {
    for (const std::uint32_t sensor : {1U, 2U}) {
      ASSERT_TRUE(add("ratio", std::bit_cast<float>(bits), sensor)) << std::hex << bits;
      EXPECT_FALSE(add("ratio", std::bit_cast<float>(bits), sensor)) << std::hex << bits;
      ++count;
    }
  }
  expect_all_right(count);
}

TEST_F(FloatValues, OfTheDatabaseAreToldFromThoseOfACell) {
  ASSERT_TRUE(add("ratio", std::bit_cast<float>(0x7FC0'0001), 1));
  ASSERT_TRUE(add("ratio", 0.F, 1));
  ASSERT_TRUE(add("ratio", std::bit_cast<float>(0x7FC0'0000), 2));
  ASSERT_TRUE(add("narrow", std::bit_cast<float>(0x7F80'0001)));
  ASSERT_TRUE(add("wide", std::bit_cast<double>(0x7FF8'0000'0000'0001)));
  ASSERT_TRUE(database_->close());
  write("new.csv", "sensor,narrow,wide,ratio\n1,nan,nan,nan\n1,-nan,-nan,-0\n");
  const Finished done = stoa({"import", "world", "reading=new.csv"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
  write("taken.csv", "sensor,narrow,wide,ratio\n2,50,50,nan\n");
  EXPECT_EQ(
      stoa({"import", "world", "reading=taken.csv"}).err,
      "taken.csv:2: (ratio, sensor): the same values are in the database already, and together they are unique\n");
  write("twice.csv", "sensor,narrow,wide,ratio\n9,nan,51,51\n");
  EXPECT_EQ(stoa({"import", "world", "reading=twice.csv"}).err,
            "twice.csv:2:2: narrow: \"nan\" is in the database already, and narrow is unique\n");
}

}  // namespace
}  // namespace stoa::cli_test
