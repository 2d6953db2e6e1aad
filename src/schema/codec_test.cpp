// Rows and values: what goes in comes out, and what a field cannot hold is refused.
#include <stoa/schema.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/testing/seed.h"
#include "schema/cell_text.h"
#include "schema/row_codec.h"

namespace stoa::schema {
namespace {

using testing::HasSubstr;

constexpr std::string_view text = R"([database]
name = "codec"
[enums.mood]
base = "i16"
variants = [{ name = "good", value = -300 }, { name = "zero", value = 0 }, { name = "bad", value = 300 }]
[enums.wide]
base = "u64"
variants = ["none", { name = "top", value = "18446744073709551615" }]
[structs.pair]
fields = [{ name = "a", type = "u8" }, { name = "b", type = "text" }]
[tables.t]
fields = [
  { name = "flag", type = "bool" },
  { name = "i8", type = "i8", min = -5, max = 5 }, { name = "i16", type = "i16" }, { name = "i32", type = "i32" },
  { name = "i64", type = "i64", min = -5 }, { name = "u8", type = "u8" }, { name = "u16", type = "u16" },
  { name = "u32", type = "u32" }, { name = "u64", type = "u64", max = "18446744073709551614" },
  { name = "f32", type = "f32", default = 0.5, min = 0.0, max = 1.0 }, { name = "f64", type = "f64" },
  { name = "mood", type = "mood", default = "bad" }, { name = "wide", type = "wide" },
  { name = "entity", type = "entity" }, { name = "text", type = "text", default = "a text beyond twelve bytes" },
  { name = "bytes", type = "bytes" }, { name = "list", type = "f32[3]", max = 9.0 },
  { name = "texts", type = "text[2]" }, { name = "pairs", type = "pair[2]" }, { name = "moods", type = "mood[2]" },
]
[tables.tight]
fields = [{ name = "a", type = "u32" }, { name = "b", type = "u32" }]
)";

class Codec : public testing::Test {
 protected:
  Codec() : row_(t_.bytes) {}

  const FieldModel& field(std::string_view name) const { return *t_.find(name); }
  std::string set_error(std::string_view name, const Value& value) {
    const auto done = set_field(model_, t_, field(name), row_.data(), value);
    return done ? "accepted" : done.error().message();
  }
  Value get(std::string_view name) const { return get_field(model_, field(name), row_.data()); }
  void expect_kept(std::string_view name, const Value& value) {
    EXPECT_EQ(set_error(name, value), "accepted") << name;
    EXPECT_EQ(get(name), value) << name;
  }
  std::string parse_error(std::string_view name, std::string_view cell) const {
    const auto value = parse_value(model_, field(name), cell);
    return value ? "accepted" : value.error().message();
  }

  std::shared_ptr<const CompiledSchema> compiled_ = Schema::from_toml(text).value().compile().value();
  const SchemaModel& model_ = compiled_->model();
  const TableModel& t_ = *model_.find("t");
  std::vector<std::byte> row_;
};

TEST_F(Codec, KeepsTheExtremesOfEveryKind) {
  expect_kept("flag", true);
  expect_kept("i8", std::int8_t{-128});
  expect_kept("i16", std::int16_t{32767});
  expect_kept("i32", std::numeric_limits<std::int32_t>::min());
  expect_kept("i64", std::numeric_limits<std::int64_t>::min());
  expect_kept("u8", std::uint8_t{255});
  expect_kept("u16", std::uint16_t{65535});
  expect_kept("u32", std::numeric_limits<std::uint32_t>::max());
  expect_kept("u64", std::numeric_limits<std::uint64_t>::max());
  expect_kept("f32", std::numeric_limits<float>::denorm_min());
  expect_kept("f32", -std::numeric_limits<float>::infinity());
  expect_kept("f64", std::numeric_limits<double>::max());
  expect_kept("mood", "good");
  expect_kept("wide", "top");
  expect_kept("entity", Entity(3, 4));
  expect_kept("entity", Value());
  const Value long_text("more than twelve bytes of text");
  expect_kept("text", long_text);
  expect_kept("bytes", std::string("\0\xFF", 2));
  expect_kept("list", Value::List{1.F, 2.F, 3.F});
  const Value pairs(Value::List{Value::List{std::uint8_t{1}, "one"}, Value::List{std::uint8_t{2}, "two"}});
  expect_kept("pairs", pairs);
}

TEST_F(Codec, KeepsEveryBitOfAFloatThatIsNoNumber) {
  for (const std::uint32_t bits :
       {0x7FC0'0000U, 0xFFC0'0000U, 0x7FC0'0001U, 0x7F80'0001U, 0xFFBF'FFFFU, 0x8000'0000U}) {
    ASSERT_EQ(set_error("f32", std::bit_cast<float>(bits)), "accepted");
    std::uint32_t stored = 0;
    std::memcpy(&stored, row_.data() + field("f32").offset, sizeof stored);
    EXPECT_EQ(stored, bits);
    const Value read = get("f32");
    ASSERT_EQ(set_error("f32", 1.F), "accepted");
    ASSERT_EQ(set_error("f32", read), "accepted");
    std::memcpy(&stored, row_.data() + field("f32").offset, sizeof stored);
    EXPECT_EQ(stored, bits);
  }
  for (const std::uint64_t bits : {0x7FF0'0000'0000'0001U, 0xFFF8'0000'0000'0000U, 0x7FFF'FFFF'FFFF'FFFFU}) {
    ASSERT_EQ(set_error("f64", std::bit_cast<double>(bits)), "accepted");
    std::uint64_t stored = 0;
    std::memcpy(&stored, row_.data() + field("f64").offset, sizeof stored);
    EXPECT_EQ(stored, bits);
    ASSERT_EQ(set_error("f32", std::bit_cast<double>(bits)), "accepted");
    EXPECT_TRUE(std::isnan(std::get<double>(get("f32").variant()))) << "also where no bit of the payload fits";
  }
}

TEST_F(Codec, ConvertsWhatIsExact) {
  EXPECT_EQ(set_error("u8", 255), "accepted");
  EXPECT_EQ(set_error("i64", 5U), "accepted");
  EXPECT_EQ(set_error("f32", 16777216), "accepted");
  EXPECT_EQ(get("f32"), Value(16777216.0));
  EXPECT_EQ(set_error("f32", 0.1), "accepted");
  EXPECT_EQ(get("f32"), Value(0.1F));
  EXPECT_EQ(set_error("mood", -300), "accepted");
  EXPECT_EQ(get("mood"), Value("good"));
  EXPECT_EQ(set_error("wide", ~std::uint64_t{0}), "accepted");
  EXPECT_EQ(set_error("entity", Entity{}), "accepted");
  EXPECT_TRUE(get("entity").is_null());
  EXPECT_EQ(set_error("f32", std::numeric_limits<double>::quiet_NaN()), "accepted");
}

TEST_F(Codec, RefusesWhatAFieldCannotHold) {
  EXPECT_EQ(set_error("u8", 256), "t.u8: expected a value of u8, got 256");
  EXPECT_THAT(set_error("u8", -1), HasSubstr("got -1"));
  EXPECT_THAT(set_error("i64", ~std::uint64_t{0}), HasSubstr("expected a value of i64"));
  EXPECT_THAT(set_error("i32", 1.0), HasSubstr("expected a value of i32, got 1"));
  EXPECT_THAT(set_error("i32", true), HasSubstr("got true"));
  EXPECT_THAT(set_error("flag", 1), HasSubstr("expected true or false"));
  EXPECT_THAT(set_error("f32", 16777217), HasSubstr("expected a value of f32"));
  EXPECT_THAT(set_error("f64", std::numeric_limits<std::int64_t>::max()), HasSubstr("expected a value of f64"));
  EXPECT_THAT(set_error("f64", ~std::uint64_t{0}), HasSubstr("expected a value of f64"));
  EXPECT_THAT(set_error("f32", 1e39), HasSubstr("expected a value of f32"));
  EXPECT_THAT(set_error("f32", Value()), HasSubstr("got null"));
  EXPECT_THAT(set_error("text", Value()), HasSubstr("expected text, got null"));
  EXPECT_THAT(set_error("mood", "angry"), HasSubstr("mood has no variant \"angry\""));
  EXPECT_THAT(set_error("mood", 1), HasSubstr("expected a variant of mood, got 1"));
  EXPECT_THAT(set_error("entity", 7), HasSubstr("expected an entity or null"));
  EXPECT_THAT(set_error("list", Value::List{1.F, 2.F}), HasSubstr("expected a list of 3, got a list of 2"));
  EXPECT_THAT(set_error("list", Value::List{1.F, 2.F, "x"}), HasSubstr("t.list: [2]: expected a value of f32"));
  EXPECT_THAT(set_error("pairs", Value::List{Value::List{1}, Value::List{1}}), HasSubstr("the 2 fields of pair"));
  EXPECT_THAT(set_error("pairs", Value::List{Value::List{1, "x"}, Value::List{1, 2}}),
              HasSubstr("[1]: b: expected text"));
  EXPECT_EQ(set_error("text", std::string(blob_bytes_max, 'x')), "accepted");
  EXPECT_THAT(set_error("text", std::string(blob_bytes_max + 1, 'x')), HasSubstr("more than 16777216"));
}

TEST_F(Codec, CopiesFieldsAndZeroesPadding) {
  std::vector<std::byte> dirty(t_.bytes, std::byte{0xAA});
  std::vector<std::byte> copy(t_.bytes, std::byte{0xBB});
  copy_row(t_, dirty.data(), copy.data());
  std::vector<bool> is_field(t_.bytes);
  for (const ByteRun& run : t_.runs) {
    for (std::uint32_t i = 0; i < run.bytes; ++i) is_field[run.offset + i] = true;
  }
  for (std::size_t i = 0; i < copy.size(); ++i) EXPECT_EQ(copy[i], is_field[i] ? std::byte{0xAA} : std::byte{0}) << i;
  EXPECT_FALSE(is_field[field("mood").offset + 2]);  // before the u64
  const std::uint32_t inside_pair = field("pairs").offset + 1;
  EXPECT_FALSE(is_field[inside_pair]);

  const TableModel& tight = *model_.find("tight");
  EXPECT_FALSE(tight.is_padded());
  copy_row(tight, dirty.data(), copy.data());
  EXPECT_EQ(std::memcmp(copy.data(), dirty.data(), tight.bytes), 0);
}

TEST_F(Codec, GivesARowOfDefaults) {
  row_.assign(row_.size(), std::byte{0xCC});
  default_row(model_, t_, row_.data());
  EXPECT_EQ(get("f32"), Value(0.5F));
  EXPECT_EQ(get("mood"), Value("bad"));
  EXPECT_EQ(get("text"), Value("a text beyond twelve bytes"));
  EXPECT_EQ(get("u32"), Value(0U));
  EXPECT_TRUE(get("entity").is_null());
  EXPECT_TRUE(check_row(model_, t_, row_.data()).has_value());
}

TEST_F(Codec, ChecksBoolsEnumsAndTextLengths) {
  const auto check_with = [this](std::string_view name, std::size_t at, auto value) {
    default_row(model_, t_, row_.data());
    std::memcpy(row_.data() + field(name).offset + at, &value, sizeof value);
    const auto done = check_row(model_, t_, row_.data());
    return done ? "accepted" : done.error().message();
  };
  EXPECT_EQ(check_with("flag", 0, std::uint8_t{1}), "accepted");
  EXPECT_EQ(check_with("flag", 0, std::uint8_t{2}), "t.flag: a bool that is not 0 or 1");
  EXPECT_EQ(check_with("mood", 0, std::int16_t{301}), "t.mood: 301 is no variant of mood");
  EXPECT_EQ(check_with("wide", 0, ~std::uint64_t{0}), "accepted");
  EXPECT_THAT(check_with("wide", 0, std::uint64_t{2}), HasSubstr("t.wide: 2 is no variant"));
  EXPECT_THAT(check_with("moods", 2, std::int16_t{-1}), HasSubstr("t.moods: -1 is no variant"));
  EXPECT_THAT(check_with("texts", 16, blob_bytes_max + 1), HasSubstr("t.texts: 16777217 bytes"));
  EXPECT_THAT(check_with("pairs", 8, ~std::uint32_t{0}), HasSubstr("t.pairs: "));
}

TEST_F(Codec, JudgesBoundsOfEveryElement) {
  const auto in = [this](std::string_view name, auto value, std::size_t at = 0) {
    std::memset(row_.data(), 0, row_.size());
    std::memcpy(row_.data() + field(name).offset + at, &value, sizeof value);
    return in_range(field(name), row_.data() + field(name).offset);
  };
  EXPECT_TRUE(in("i8", std::int8_t{5}) && in("i8", std::int8_t{-5}));
  EXPECT_FALSE(in("i8", std::int8_t{6}));
  EXPECT_FALSE(in("i8", std::int8_t{-6}));
  EXPECT_TRUE(in("i64", std::numeric_limits<std::int64_t>::max()));
  EXPECT_FALSE(in("i64", std::int64_t{-6}));
  EXPECT_FALSE(in("u64", ~std::uint64_t{0}));
  EXPECT_TRUE(in("u64", ~std::uint64_t{0} - 1));
  EXPECT_TRUE(in("f32", 1.F) && in("f32", 0.F));
  EXPECT_FALSE(in("f32", std::nextafter(1.F, 2.F)));
  EXPECT_FALSE(in("f32", std::numeric_limits<float>::quiet_NaN()));
  EXPECT_FALSE(in("list", 10.F, 8));
  EXPECT_TRUE(in("u8", std::uint8_t{255}));  // no bounds
}

// ---- CSV cells

TEST_F(Codec, ParsesCells) {
  const auto parse = [this](std::string_view name, std::string_view cell) {
    return parse_value(model_, field(name), cell).value();
  };
  EXPECT_EQ(parse("flag", "1"), Value(true));
  EXPECT_EQ(parse("flag", "false"), Value(false));
  EXPECT_EQ(parse("i8", "-128"), Value(std::int8_t{-128}));
  EXPECT_EQ(parse("f32", "1e3"), Value(1000.F));
  EXPECT_EQ(parse("mood", "bad"), Value("bad"));
  EXPECT_EQ(parse("mood", "-300"), Value("good"));
  EXPECT_EQ(parse("wide", "18446744073709551615"), Value("top"));
  EXPECT_EQ(parse("entity", "7:2"), Value(Entity(7, 2)));
  EXPECT_TRUE(parse("entity", "").is_null());
  EXPECT_EQ(parse("text", " as; (it) is\\"), Value(" as; (it) is\\"));
  EXPECT_EQ(parse("bytes", "00fFa1"), Value(std::string("\0\xFF\xA1", 3)));
  EXPECT_EQ(parse("list", "1;2.5;-3"), Value(Value::List{1.F, 2.5F, -3.F}));
  EXPECT_EQ(parse("texts", "a\\;b;\\(c\\)"), Value(Value::List{"a;b", "(c)"}));
  EXPECT_EQ(parse("pairs", "(1;x);(2;)"),
            Value(Value::List{Value::List{std::uint8_t{1}, "x"}, Value::List{std::uint8_t{2}, ""}}));
}

TEST_F(Codec, RefusesCellsThatAreNotWhollyAValue) {
  for (const auto& [name, cell] : std::vector<std::pair<std::string, std::string>>{
           {"flag", "yes"}, {"flag", ""},       {"u8", ""},         {"u8", "256"},           {"u8", "-1"},
           {"u8", "+1"},    {"u8", "1 "},       {"u8", " 1"},       {"u8", "1.0"},           {"u8", "0x1"},
           {"f32", "1,5"},  {"f32", "1e39"},    {"f64", "1.5x"},    {"mood", "Bad"},         {"mood", "1"},
           {"entity", "7"}, {"entity", "7:0"},  {"entity", "7:2:"}, {"bytes", "0"},          {"bytes", "0g"},
           {"bytes", "-1"}, {"list", "1;2"},    {"list", "1;2;"},   {"list", "1;2;3;4"},     {"list", "(1;2;3)"},
           {"texts", "a"},  {"texts", "a;b\\"}, {"texts", "a(;b)"}, {"pairs", "(1;x);(2;y"}, {"pairs", "1;x;2;y"},
       }) {
    EXPECT_NE(parse_error(name, cell), "accepted") << name << " <- " << cell;
  }
  EXPECT_EQ(parse_error("u8", "256"), "\"256\" is no u8");
}

std::string random_text(std::mt19937_64& random) {
  constexpr std::string_view alphabet = "ab;()\\\"\n,:01 ";
  std::string out(random() % 20, ' ');
  for (char& c : out) c = alphabet[random() % alphabet.size()];
  return out;
}

TEST_F(Codec, RandomRowsComeBackFromTheirCells) {
  std::mt19937_64 random(stoa::test::test_seed());
  for (int round = 0; round < 500; ++round) {
    for (const FieldModel& field : t_.fields) {
      std::vector<std::byte> cell(field.bytes);
      for (std::byte& byte : cell) byte = static_cast<std::byte>(random());
      // Bits that are no value are replaced by one.
      Value value;
      const auto text_value = [&] { return Value(random_text(random)); };
      const auto mood = [&] { return Value(model_.enums[0].variants[random() % 3].name); };
      if (field.name == "flag") {
        value = random() % 2 == 0;
      } else if (field.name == "mood") {
        value = mood();
      } else if (field.name == "wide") {
        value = "top";
      } else if (field.name == "moods") {
        value = Value::List{mood(), mood()};
      } else if (field.name == "texts") {
        value = Value::List{text_value(), text_value()};
      } else if (field.name == "text" || field.name == "bytes") {
        value = text_value();
      } else if (field.name == "pairs") {
        value = Value::List{Value::List{static_cast<std::uint8_t>(random()), text_value()},
                            Value::List{std::uint8_t{0}, text_value()}};
      } else if (field.name == "entity") {
        value = Entity(static_cast<std::uint32_t>(random()), 1 + static_cast<std::uint32_t>(random() % 9));
      } else {
        FieldModel at_start = field;
        at_start.offset = 0;
        value = get_field(model_, at_start, cell.data());
      }
      const std::string written = format_value(model_, field, value);
      const auto back = parse_value(model_, field, written);
      ASSERT_TRUE(back.has_value()) << field.name << ": " << written << ": " << back.error().message();
      ASSERT_EQ(format_value(model_, field, *back), written) << field.name;
      if (written.find("nan") == std::string::npos) {  // NaN equals nothing
        ASSERT_EQ(*back, value) << field.name << ": " << written;
      }
    }
  }
}

}  // namespace
}  // namespace stoa::schema
