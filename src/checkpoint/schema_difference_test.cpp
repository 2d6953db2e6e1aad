// What a mismatch says of a folder's schema and another one: each thing that the schemas' hashes know of.
#include "checkpoint/schema_difference.h"

#include <stoa/schema.h>

#include <gtest/gtest.h>

#include <ostream>

namespace stoa::checkpoint {
namespace {

constexpr std::string_view kept_text = R"([database]
name = "harbour"
[enums.phase]
base = "u8"
variants = ["parked", { name = "moving", value = 4 }]
[structs.place]
fields = [{ name = "x", type = "f32" }, { name = "y", type = "f32[2]" }]
[tables.port]
fields = [{ name = "code", type = "text", key = true }]
[tables.ship]
unique = [["name", "size"]]
fields = [
  { name = "name", type = "text", default = "none" },
  { name = "size", type = "u32", default = 5, min = 1, max = 100, unique = true },
  { name = "at", type = "place" },
  { name = "phase", type = "phase", required = true },
  { name = "port", type = "entity", references = "port", on_delete = "cascade" },
]
)";

struct Change {
  const char* name;
  std::string_view what;
  std::string with;
  std::string says;
};
std::ostream& operator<<(std::ostream& out, const Change& change) { return out << change.name; }

std::shared_ptr<const CompiledSchema> compile(const std::string& text) {
  const auto schema = Schema::from_toml(text);
  EXPECT_TRUE(schema.has_value()) << schema.error().message();
  return schema ? schema->compile().value() : nullptr;
}

class SchemaDifference : public testing::TestWithParam<Change> {};

TEST_P(SchemaDifference, IsNamedWithWhatEitherSays) {
  const auto kept = compile(std::string(kept_text));
  std::string text(kept_text);
  const std::size_t at = text.find(GetParam().what);
  ASSERT_NE(at, std::string::npos);
  const auto given = compile(text.replace(at, GetParam().what.size(), GetParam().with));
  ASSERT_NE(given, nullptr);
  EXPECT_NE(kept->hash(), given->hash());
  EXPECT_EQ(first_difference(kept->model(), given->model()), GetParam().says);
  EXPECT_NE(first_difference(given->model(), kept->model()), "");
  EXPECT_EQ(first_difference(given->model(), given->model()), "");
}

std::string both(std::string_view where, std::string_view folder, std::string_view given) {
  return std::string(where) + " is " + std::string(folder) + " in the folder and " + std::string(given) +
         " in the schema given";
}

const std::string long_text(100, 'x');

const Change changes[] = {
    {"Name", "harbour", "port", "the database's name is harbour, not port"},
    {"TableGone", "[tables.port]", "[tables.bay]\n[tables.port]", "table bay is not in the folder's schema"},
    {"TableAlone", "[tables.ship]", "[tables.zoo]\n[tables.ship]", "table zoo is not in the folder's schema"},
    {"Field", R"({ name = "at", type = "place" },)",
     R"({ name = "alt", type = "u8" }, { name = "at", type = "place" },)",
     "table ship: field alt is not in the folder's schema"},
    {"FieldGone", R"({ name = "at", type = "place" },)", "", "table ship: field at is not in the schema given"},
    {"Type", "\"u32\"", "\"u16\"", both("table ship: field size: type", "u32", "u16")},
    {"Extent", R"(name = "y", type = "f32[2])", R"(name = "y", type = "f32[3])",
     both("table ship: field at.y: type", "f32[2]", "f32[3]")},
    {"StructField", R"(name = "x", type = "f32" })", R"(name = "z", type = "f32" })",
     both("table ship: field at: field 1 of its struct", "x", "z")},
    {"StructFieldMore", R"({ name = "x", type = "f32" })",
     R"({ name = "x", type = "f32" }, { name = "z", type = "f32" })",
     both("table ship: field at: field 2 of its struct", "y", "z")},
    {"Base", "\"u8\"", "\"i8\"", both("table ship: field phase: base", "u8", "i8")},
    {"Variant", "\"parked\"", "\"parked\", \"lost\"",
     "table ship: field phase: variant lost is not in the folder's schema"},
    {"VariantGone", "\"parked\", ", "", "table ship: field phase: variant parked is not in the schema given"},
    {"VariantValue", "value = 4", "value = 5", both("table ship: field phase: variant moving: value", "4", "5")},
    {"VariantNumber", R"("parked", { name = "moving", value = 4)",
     R"({ name = "parked", number = 0 }, { name = "moving", number = 1, value = 4)",
     both("table ship: field phase: variant parked: number", "1", "0")},
    {"Max", "max = 100", "max = 50", both("table ship: field size: max", "100", "50")},
    {"Min", "min = 1,", "", both("table ship: field size: min", "1", "nothing")},
    {"Default", "default = 5", "default = 6", both("table ship: field size: default", "5", "6")},
    {"DefaultText", "\"none\"", "\"" + long_text + "\"",
     both("table ship: field name: default", "\"none\"", "\"" + long_text.substr(0, 63) + "...")},
    {"DefaultControl", "\"none\"", "\"a\\nb\"", both("table ship: field name: default", "\"none\"", "\"a\\x0ab\"")},
    {"Unique", ", unique = true", "", both("table ship: field size: unique", "true", "false")},
    {"Key", "key = true", "unique = true, required = true", both("table port: field code: key", "true", "false")},
    {"Required", ", required = true", "", both("table ship: field phase: required", "true", "false")},
    {"OnDelete", "\"cascade\"", "\"remove\"", both("table ship: field port: on_delete", "cascade", "remove")},
    {"References", "references = \"port\"", "references = \"*\"",
     both("table ship: field port: references", "port", "\"*\"")},
    {"Storage", "[tables.ship]\n", "[tables.ship]\nstorage = \"sparse\"\n",
     both("table ship: storage", "dense", "sparse")},
    {"Log", "[tables.ship]\n", "[tables.ship]\nlog = false\n", both("table ship: log", "true", "false")},
    {"Replicate", "[tables.ship]\n", "[tables.ship]\nreplicate = false\n",
     both("table ship: replicate", "true", "false")},
    {"Together", R"(["name", "size"])", R"(["name", "size"], ["size", "port"])",
     "table ship: (port, size) are unique together in the schema given, and not in the folder"},
    {"TogetherGone", "unique = [[\"name\", \"size\"]]\n", "",
     "table ship: (name, size) are unique together in the folder, and not in the schema given"},
};
INSTANTIATE_TEST_SUITE_P(Each, SchemaDifference, testing::ValuesIn(changes),
                         [](const auto& tested) { return tested.param.name; });

TEST(SchemaDifferences, IndexesAndNamesOfTypesAreNone) {
  const auto kept = compile(std::string(kept_text));
  std::string text(kept_text);
  for (const auto& [what, with] :
       {std::pair("unique = true", "unique = true, index = true"),
        std::pair("[\"name\", \"size\"]", "[\"size\", \"name\"]"), std::pair("[enums.phase]", "[enums.state]"),
        std::pair("\"phase\", r", "\"state\", r")}) {
    text.replace(text.find(what), std::string_view(what).size(), with);
  }
  EXPECT_EQ(kept->hash(), compile(text)->hash());
  EXPECT_EQ(first_difference(kept->model(), compile(text)->model()), "");
}

}  // namespace
}  // namespace stoa::checkpoint
