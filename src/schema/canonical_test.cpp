// Random schemas: the canonical text reads back as the same schema, and the hash does not see what must not matter.
#include <stoa/schema.h>

#include "base/testing/seed.h"
#include "schema/kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace stoa {
namespace {

/// A schema as lists of declarations, so that they can be written in any order and under any names.
struct Draw {
  std::vector<std::vector<std::string>> enums;    // variants with values
  std::vector<std::vector<std::string>> structs;  // fields, in an order that matters
  struct Table {
    std::string head;
    std::vector<std::string> rules;
    std::vector<std::string> fields;
  };
  std::vector<Table> tables;
};

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  bool flip() { return below(2) == 0; }
  template <typename T>
  const T& one_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }
  template <typename T>
  void shuffle(std::vector<T>& list) {
    std::ranges::shuffle(list, random_);
  }

 private:
  std::mt19937_64 random_;
};

// @e<n> and @s<n> stand for the names of enums and structs.
Draw draw_schema(Dice& dice) {
  Draw out;
  for (std::size_t i = dice.below(4); i > 0; --i) {
    std::vector<std::string>& variants = out.enums.emplace_back();
    for (std::size_t v = 1 + dice.below(5); v > 0; --v) {
      variants.push_back(fmt::format("{{ name = \"v{}\", value = {} }}", dice.below(1000) * 8 + v, v));
    }
  }
  const std::vector<std::string> scalars{"bool", "i8", "i64", "u16", "u64", "f32", "f64", "text", "bytes", "entity"};
  for (std::size_t i = dice.below(4); i > 0; --i) {
    std::vector<std::string> fields;
    for (std::size_t f = 1 + dice.below(4); f > 0; --f) {
      const bool nest = !out.structs.empty() && dice.flip();
      fields.push_back(fmt::format("{{ name = \"f{}\", type = \"{}\" }}", f,
                                   nest ? fmt::format("@s{}", dice.below(out.structs.size())) : dice.one_of(scalars)));
    }
    out.structs.push_back(std::move(fields));
  }
  const std::vector<std::string> words{
      "type = \"u8\", default = 7, max = 9",
      "type = \"i64\", min = -9223372036854775808, index = true",
      "type = \"u64\", max = \"18446744073709551615\", unique = true",
      "type = \"f32\", default = 0.1, min = -1e30",
      "type = \"f64\", default = -0.0, max = inf",
      "type = \"f32[3]\", default = [1, 2.5, 1e-40]",
      "type = \"text\", default = \"a \\\"quoted\\\" \\u0001 \\\\ ü\", required = true",
      "type = \"bytes\", default = \"00ff7a\"",
      "type = \"bool\", default = true",
      "type = \"entity\", references = \"*\", on_delete = \"remove\"",
      "type = \"entity\", references = \"t0\", on_delete = \"set_null\"",
      "type = \"entity\"",
      "type = \"text[2]\"",
  };
  for (std::size_t t = 0, count = 1 + dice.below(6); t < count; ++t) {
    Draw::Table& table = out.tables.emplace_back();
    const bool is_target = t == 0;
    table.head =
        fmt::format("storage = \"{}\"\nlog = {}\n", dice.flip() ? "dense" : "sparse", is_target || dice.flip());
    for (std::size_t f = 0, fields = dice.below(8); f < fields; ++f) {
      std::string type = dice.one_of(words);
      if (!out.enums.empty() && dice.below(4) == 0)
        type = fmt::format("type = \"@e{}[2]\"", dice.below(out.enums.size()));
      if (!out.structs.empty() && dice.below(4) == 0)
        type = fmt::format("type = \"@s{}\"", dice.below(out.structs.size()));
      table.fields.push_back(fmt::format("{{ name = \"f{}_{}\", {} }}", f, dice.below(100), type));
    }
  }
  return out;
}

void add_rules(Draw::Table& table, Dice& dice) {
  for (std::size_t i = dice.below(3); i > 0; --i) {
    const std::string other = fmt::format("r{}", i);
    table.fields.push_back(fmt::format("{{ name = \"{}\", type = \"u32\" }}", other));
    table.rules.push_back(dice.flip() ? fmt::format("[\"{}\", \"base\"]", other)
                                      : fmt::format("[\"base\", \"{}\"]", other));
  }
  table.fields.push_back("{ name = \"base\", type = \"i16\" }");
}

std::string join(const std::vector<std::string>& list) { return fmt::format("[{}]", fmt::join(list, ", ")); }

std::string write(const Draw& draw, std::string_view enum_name, std::string_view struct_name,
                  const std::vector<std::size_t>& table_order) {
  std::string out = "[database]\nname = \"random \\\"schema\\\"\"\n";
  for (const std::size_t t : table_order) {
    out += fmt::format("[tables.t{}]\n{}unique = {}\nfields = {}\n", t, draw.tables[t].head, join(draw.tables[t].rules),
                       join(draw.tables[t].fields));
  }
  for (std::size_t i = 0; i < draw.enums.size(); ++i)
    out += fmt::format("[enums.@e{}]\nvariants = {}\n", i, join(draw.enums[i]));
  for (std::size_t i = 0; i < draw.structs.size(); ++i)
    out += fmt::format("[structs.@s{}]\nfields = {}\n", i, join(draw.structs[i]));
  const auto replace = [&out](std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = out.find(from, at)) != std::string::npos; at += to.size())
      out.replace(at, from.size(), to);
  };
  replace("@e", enum_name);
  replace("@s", struct_name);
  return out;
}

std::shared_ptr<const CompiledSchema> compile(const std::string& text) {
  const auto schema = Schema::from_toml(text);
  if (!schema) ADD_FAILURE() << schema.error().message() << '\n' << text;
  return schema ? schema->compile().value() : nullptr;
}

std::uint32_t align_of(const SchemaModel& schema, const FieldType& type) {
  if (type.kind == FieldKind::structure) return schema.structs[type.definition].align;
  if (type.kind == FieldKind::enumeration) return schema::scalar_align(schema.enums[type.definition].base);
  return schema::scalar_align(type.kind);
}

// Fields in order, each where its type may be, none over another; a row after a row is aligned as the first one is.
template <typename Definition>
void expect_sound_layout(const SchemaModel& schema, const Definition& definition) {
  std::uint32_t end = 0;
  for (const FieldModel& field : definition.fields) {
    const std::uint32_t align = align_of(schema, field.type);
    EXPECT_EQ(field.offset % align, 0U) << field.name;
    EXPECT_EQ(definition.align % align, 0U) << field.name;
    EXPECT_GE(field.offset, end) << field.name;
    end = field.offset + field.bytes;
  }
  EXPECT_LE(end, definition.bytes);
  EXPECT_EQ(definition.bytes % definition.align, 0U);
}

TEST(Layout, OfRandomSchemasIsSound) {
  const std::uint64_t first = stoa::test::test_seed();
  for (std::uint64_t round = 0; round < 200 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(fmt::format("STOA_TEST_SEED={}", first + round));
    Dice dice(first + round);
    const Draw draw = draw_schema(dice);
    std::vector<std::size_t> order(draw.tables.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto schema = compile(write(draw, "e", "s", order));
    ASSERT_NE(schema, nullptr);
    for (const TableModel& table : schema->model().tables) expect_sound_layout(schema->model(), table);
    for (const StructModel& type : schema->model().structs) expect_sound_layout(schema->model(), type);
  }
}

TEST(Canonical, RandomSchemasReadBackAndHashAlikeInAnyOrder) {
  const std::uint64_t first = stoa::test::test_seed();
  for (std::uint64_t round = 0; round < 200; ++round) {
    SCOPED_TRACE(fmt::format("STOA_TEST_SEED={}", first + round));
    Dice dice(first + round);
    Draw draw = draw_schema(dice);
    for (Draw::Table& table : draw.tables) add_rules(table, dice);
    std::vector<std::size_t> order(draw.tables.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto one = compile(write(draw, "e", "s", order));
    ASSERT_NE(one, nullptr);

    const auto again = compile(one->canonical_text());
    ASSERT_NE(again, nullptr);
    ASSERT_EQ(again->canonical_text(), one->canonical_text());
    ASSERT_EQ(again->hash(), one->hash());
    ASSERT_EQ(again->model().tables.size(), one->model().tables.size());
    for (std::size_t t = 0; t < order.size(); ++t) {
      const TableModel& a = one->model().tables[t];
      const TableModel& b = again->model().tables[t];
      ASSERT_EQ(a.bytes, b.bytes);
      for (std::size_t f = 0; f < a.fields.size(); ++f) {
        ASSERT_EQ(a.fields[f].offset, b.fields[f].offset);
        ASSERT_EQ(a.fields[f].default_value, b.fields[f].default_value);
        ASSERT_EQ(a.fields[f].min, b.fields[f].min);
      }
    }

    dice.shuffle(order);
    for (auto& variants : draw.enums) dice.shuffle(variants);
    for (Draw::Table& table : draw.tables) {
      dice.shuffle(table.fields);
      dice.shuffle(table.rules);
    }
    const auto shuffled = compile(write(draw, "zeta", "alpha", order));
    ASSERT_NE(shuffled, nullptr);
    ASSERT_EQ(shuffled->hash(), one->hash()) << one->canonical_text() << shuffled->canonical_text();
  }
}

TEST(Canonical, HashSeesEveryWord) {
  const std::string base =
      "database.name = \"n\"\n[enums.e]\nvariants = [\"a\", \"b\"]\n[tables.t]\nfields = [{ name = \"x\", type = \"e\" "
      "}, "
      "{ name = \"y\", type = \"u8\", default = 1 }, { name = \"r\", type = \"entity\", references = \"*\" }]\n";
  const auto hash_with = [&base](std::string_view from, std::string_view to) {
    std::string text = base;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return compile(text.replace(at, from.size(), to))->hash();
  };
  std::vector<SchemaHash> hashes{hash_with("n", "n")};
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"n\"", "\"m\""},
           {"\"a\", \"b\"", "\"a\", \"c\""},
           {"\"a\", \"b\"", "\"b\", \"a\""},
           {"\"a\", \"b\"", "{ name = \"a\", number = 1 }, { name = \"b\", number = 0 }"},
           {"variants", "base = \"u8\"\nvariants"},
           {"tables.t", "tables.u"},
           {"fields", "storage = \"sparse\"\nfields"},
           {"fields", "log = false\nfields"},
           {"fields", "replicate = false\nfields"},
           {"fields", "unique = [[\"x\", \"y\"]]\nfields"},
           {"\"y\"", "\"z\""},
           {"u8", "i8"},
           {"u8", "u8[1]\", default = [1] }, { name = \"q\", type = \"u8"},
           {", default = 1", ""},  // what the words below are added to
           {"default = 1", "default = 2"},
           {"default = 1", "min = 1"},
           {"default = 1", "max = 1"},
           {"default = 1", "unique = true"},
           {"default = 1", "required = true"},
           {"default = 1", "key = true"},
           {"\"*\"", "\"t\""},
           {"\"*\"", "\"*\", on_delete = \"cascade\""},
       }) {
    hashes.push_back(hash_with(from, to));
  }
  const std::size_t count = hashes.size();
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::unique(hashes).size(), 0U);
  EXPECT_EQ(count, 23U);
  EXPECT_EQ(hash_with("default = 1", "default = 1, index = true"), hash_with("n", "n")) << "an index is derived";
}

TEST(Canonical, LeavesOutWhatNoTableUses) {
  const auto compiled = compile("database.name = \"n\"\n[enums.e]\nvariants = [\"a\"]\n");
  EXPECT_EQ(compiled->canonical_text(), "[database]\nname = \"n\"\n");
}

}  // namespace
}  // namespace stoa
