// TOML schemas: what a right one means, and that each wrong one is refused at its place with its reason.
#include <stoa/schema.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>

namespace stoa {
namespace {

using testing::HasSubstr;

constexpr std::string_view airfield = R"([database]
name = "airfield"

[enums.phase]
base = "u8"
variants = ["parked", "taxiing", { name = "airborne", value = 7 }]

[structs.vec3]
fields = [{ name = "x", type = "f32" }, { name = "y", type = "f32" }, { name = "z", type = "f32" }]

[tables.flight]
fields = [{ name = "callsign", type = "text" }, { name = "phase", type = "phase" },
          { name = "fuel", type = "f32[4]" }, { name = "at", type = "vec3[2]" }]

[tables.airport]
fields = [{ name = "code", type = "text", key = true }]

[tables.docked]
storage = "sparse"
unique = [["port", "gate"]]
log = false
replicate = false
fields = [
  { name = "port", type = "entity", references = "airport", on_delete = "cascade", required = true },
  { name = "owner", type = "entity", references = "*", on_delete = "set_null" },
  { name = "gate", type = "u32", default = 5, min = 0, max = 99, index = true },
]

[tables.delayed]
)";

std::shared_ptr<const CompiledSchema> compile(std::string_view text) {
  const auto schema = Schema::from_toml(text);
  if (!schema) {
    ADD_FAILURE() << schema.error().message();
    return nullptr;
  }
  return schema->compile().value();
}

TEST(Toml, SaysWhatTheExampleOfTheApiSays) {
  const auto compiled = compile(airfield);
  const SchemaModel& model = compiled->model();
  EXPECT_EQ(model.name, "airfield");
  ASSERT_EQ(model.tables.size(), 4U);
  EXPECT_EQ(model.tables[0].name, "airport");  // numbered by name
  EXPECT_EQ(model.find("flight")->number, TableId{3});
  EXPECT_EQ(model.find("nothing"), nullptr);

  const TableModel& flight = *model.find("flight");
  EXPECT_EQ(flight.bytes, 16U + 4 + 16 + 24 + 4);  // the enum is padded to 4, the row to 8
  EXPECT_EQ(flight.align, 8U);
  EXPECT_EQ(flight.find("fuel")->offset, 20U);
  EXPECT_EQ(flight.find("at")->offset, 36U);
  EXPECT_EQ(flight.find("at")->number, FieldId{0});
  EXPECT_EQ(&flight.field(FieldId{1}), flight.find("callsign"));
  EXPECT_EQ(flight.blobs, std::vector<std::uint32_t>{0});
  ASSERT_EQ(flight.checked.size(), 1U);
  EXPECT_EQ(flight.checked[0].offset, 16U);
  ASSERT_EQ(flight.runs.size(), 2U);
  EXPECT_EQ(flight.runs[0].bytes, 17U);
  EXPECT_EQ(flight.runs[1].offset, 20U);
  EXPECT_TRUE(flight.is_padded());

  const FieldModel* code = model.find("airport")->key();
  ASSERT_NE(code, nullptr);
  EXPECT_TRUE(code->unique && code->required);
  EXPECT_FALSE(model.find("airport")->is_padded());

  const TableModel& docked = *model.find("docked");
  EXPECT_EQ(docked.storage, Storage::sparse);
  EXPECT_FALSE(docked.logged || docked.replicated);
  EXPECT_EQ(docked.find("port")->reference->target, TableId{0});
  EXPECT_EQ(docked.find("port")->reference->on_delete, OnDelete::cascade);
  EXPECT_EQ(docked.find("owner")->reference->target, no_table);
  EXPECT_EQ(docked.find("gate")->default_value, Value(5U));
  EXPECT_EQ(docked.find("gate")->max, Value(99U));
  ASSERT_EQ(docked.unique_together.size(), 1U);
  EXPECT_EQ(docked.unique_together[0], (std::vector{docked.find("port")->number, docked.find("gate")->number}));
  EXPECT_TRUE(model.find("delayed")->is_tag());
  EXPECT_EQ(model.find("delayed")->bytes, 0U);

  ASSERT_EQ(model.enums.size(), 1U);
  EXPECT_EQ(model.enums[0].variants[2].value, 7);
  EXPECT_EQ(model.enums[0].variants[2].number, 0U);  // airborne is the first by name
}

TEST(Toml, TakesPermanentNumbers) {
  const auto compiled = compile(R"(database.name = "n"
[enums.e]
variants = [{ name = "a", number = 1 }, { name = "b", number = 0 }]
[tables.a]
number = 1
fields = [{ name = "x", type = "e", number = 1 }, { name = "y", type = "u8", number = 0 }]
[tables.b]
number = 0)");
  EXPECT_EQ(compiled->model().tables[0].name, "b");
  EXPECT_EQ(compiled->model().find("a")->field(FieldId{1}).name, "x");
  EXPECT_EQ(compiled->model().enums[0].variants[0].number, 1U);
}

TEST(Toml, TakesU64BeyondItsOwnIntegersAsText) {
  const auto compiled = compile(R"(database.name = "n"
[enums.e]
base = "u64"
variants = ["zero", { name = "top", value = "18446744073709551615" }]
[tables.t]
fields = [{ name = "x", type = "u64", default = "18446744073709551615" }, { name = "e", type = "e" }])");
  EXPECT_EQ(compiled->model().tables[0].fields[0].default_value, Value(~std::uint64_t{0}));
  EXPECT_THAT(compiled->canonical_text(), HasSubstr("default = \"18446744073709551615\""));
  EXPECT_EQ(compile(compiled->canonical_text())->canonical_text(), compiled->canonical_text());
}

// ---- wrong schemas: '^' stands before the place that the error must name, and is no part of the text

struct Wrong {
  std::string name;
  std::string text;
  std::string reason;
};
std::ostream& operator<<(std::ostream& out, const Wrong& wrong) { return out << wrong.name; }

std::string tables(std::string_view body) { return fmt::format("[database]\nname = \"w\"\n[tables]\n{}\n", body); }
/// A table t with one field x of these words.
std::string field(std::string_view words) {
  return tables(
      fmt::format("u = {{ fields = [{{ name = \"k\", type = \"text\", key = true }}] }}\n"
                  "t.fields = [{{ name = \"x\", {} }}]",
                  words));
}
std::string in_schema(std::string_view body) { return fmt::format("[database]\nname = \"w\"\n{}\n", body); }

class WrongToml : public testing::TestWithParam<Wrong> {};

TEST_P(WrongToml, IsRefusedAtItsPlace) {
  std::string text = GetParam().text;
  const std::size_t at = text.find('^');
  ASSERT_NE(at, std::string::npos);
  text.erase(at, 1);
  const auto line = 1 + static_cast<std::uint64_t>(std::ranges::count(text.substr(0, at), '\n'));
  const std::uint64_t column = at - (text.substr(0, at).rfind('\n') + 1) + 1;  // npos + 1 is 0

  const auto schema = Schema::from_toml(text, "wrong.toml");
  ASSERT_FALSE(schema.has_value()) << text;
  const Error& error = schema.error();
  EXPECT_EQ(error.code(), ErrorCode::schema_invalid);
  ASSERT_NE(error.place(), nullptr) << error.message();
  EXPECT_EQ(error.place()->source, "wrong.toml");
  EXPECT_EQ(error.place()->line, line) << error.message() << '\n' << text;
  EXPECT_EQ(error.place()->column, column) << error.message() << '\n' << text;
  EXPECT_THAT(error.message(), HasSubstr(GetParam().reason));
  EXPECT_EQ(std::ranges::count(error.message(), '\n'), 0) << "one mistake, one line: " << error.message();
}

const std::string deep = [] {
  std::string out = "^s17.fields = [{ name = \"f\", type = \"s16\" }]\n";
  for (int i = 16; i > 0; --i) {
    out += fmt::format("s{}.fields = [{{ name = \"f\", type = \"{}\" }}]\n", i,
                       i == 1 ? std::string("u8") : fmt::format("s{}", i - 1));
  }
  return in_schema("[structs]\n" + out);
}();

/// A name of this many parts.
std::string dotted(int parts) {
  std::string out = "a";
  for (int i = 1; i < parts; ++i) out += ".a";
  return out;
}

/// A chain of structs that are in one another, with a mark before the section.
std::string chain(int length) {
  std::string out = "[database]\nname = \"w\"\n^[structs]\n";
  for (int i = 0; i < length; ++i) {
    out += fmt::format("s{}.fields = [{{ name = \"f\", type = \"{}\" }}]\n", i,
                       i + 1 == length ? std::string("u8") : fmt::format("s{}", i + 1));
  }
  return out;
}

const std::string too_many_enums = [] {
  std::string out = "[database]\nname = \"w\"\n^[enums]\n";
  for (int i = 0; i < 70'000; ++i) out += fmt::format("e{}.variants = [\"a\"]\n", i);
  return out;
}();

const std::string too_many_tables = [] {
  std::string out = "[database]\nname = \"w\"\n^[tables]\n";
  for (int i = 0; i < 4097; ++i) out += fmt::format("t{} = {{}}\n", i);
  return out;
}();

const Wrong wrongs[] = {
    {"Syntax", "[database]\nname = ^\n", ""},
    {"DuplicateKey", in_schema("[tables.t]\n^[tables.t]"), ""},
    {"NoDatabase", "^[tables.t]\n", "the database has no name"},
    {"EmptyDatabaseName", "[database]\nname = ^\"\"", "the database has no name"},
    {"DatabaseNameType", "[database]\nname = ^7\n", "name is a string, not an integer"},
    {"UnknownSection", in_schema("[^table.t]"), "unknown key \"table\""},
    {"SectionType", "tables = ^1\n" + in_schema(""), "tables is a table, not an integer"},
    {"UnknownDatabaseKey", "[database]\nname = \"w\"\n^version = 1", "unknown key \"version\"; known here: name"},
    {"TableType", tables("^t = 4"), "t is a table, not an integer"},
    {"UnknownTableKey", tables("t = { ^logged = false }"), "unknown key \"logged\""},
    {"TableName", tables("^\"two words\" = {}"), "is no name"},
    {"TableNameDigit", tables("^1st = {}"), "is no name"},
    {"TableCount", too_many_tables, "4097 tables, more than 4096"},
    {"EnumCount", too_many_enums, "70000 enums, more than 4096"},
    {"StructCount", chain(4097), "4097 structs, more than 4096"},
    {"StructCountBeyondAnIndex", chain(70'000), "70000 structs, more than 4096"},
    {"DottedName", in_schema(dotted(257) + "^" + "." + dotted(40'000) + " = 1"), "more than 256 levels"},
    {"DottedHeader", in_schema("[" + dotted(256) + "^" + "." + dotted(40'000) + "]"), "more than 256 levels"},
    {"DottedNameOfStrings",
     in_schema(dotted(200) + ". \"b.c\" .'d.e' . f." + dotted(54) + "^" + "." + dotted(40'000) + " = 1"),
     "more than 256 levels"},
    {"DottedNamesInBrackets",
     in_schema("a = [[{ " + dotted(100) + " = { " + dotted(154) + "^" + "." + dotted(40'000) + " = 1 } }]]"),
     "more than 256 levels"},
    {"Storage", tables("t = { storage = ^\"columns\" }"), "storage is dense or sparse"},
    {"LogType", tables("t = { log = ^0 }"), "log is true or false, not an integer"},
    {"ReplicateType", tables("t = { replicate = ^\"no\" }"), "replicate is true or false, not a string"},
    {"FieldsType", tables("t = { fields = ^{} }"), "fields is an array, not a table"},
    {"FieldNotATable", tables("t.fields = [^\"x\"]"), "a field is a table, not a string"},
    {"FieldWithoutName", tables("t.fields = [^{ type = \"u8\" }]"), "name is missing"},
    {"FieldWithoutType", tables("t.fields = [^{ name = \"x\" }]"), "type is missing"},
    {"FieldName", tables("t.fields = [^{ name = \"a-b\", type = \"u8\" }]"), "\"a-b\" is no name"},
    {"FieldTwice", tables("t.fields = [{ name = \"x\", type = \"u8\" }, ^{ name = \"x\", type = \"u8\" }]"),
     "two fields are named x"},
    {"UnknownFieldKey", field("type = \"u8\", ^indexed = true"), "unknown key \"indexed\""},
    {"UnknownType", field("type = ^\"u24\""), "\"u24\" is no type"},
    {"TypeType", field("type = ^8"), "type is a string, not an integer"},
    {"ArrayOfNothing", field("type = ^\"u8[0]\""), "is no array type"},
    {"ArrayUnclosed", field("type = ^\"u8[4\""), "is no array type"},
    {"ArrayOfArrays", field("type = ^\"u8[4][4]\""), "is no array type"},
    {"ArrayNegative", field("type = ^\"u8[-4]\""), "is no array type"},
    {"RowBytes", tables("^t.fields = [{ name = \"x\", type = \"u8[65536]\" }, { name = \"y\", type = \"u8\" }]"),
     "65537 bytes, more than 65536"},
    {"UnknownReference", field("type = \"entity\", references = ^\"airport\""), "no table has that name"},
    {"EmptyReference", field("type = \"entity\", references = ^\"\""), "a table's name, or \"*\""},
    {"ReferenceType", field("type = \"u64\", references = ^\"u\""), "only an entity can be a reference"},
    {"ReferenceArray", field("type = \"entity[2]\", references = ^\"u\""), "only an entity can be a reference"},
    {"OnDelete", field("type = \"entity\", references = \"u\", on_delete = ^\"delete\""), "on_delete is restrict"},
    {"OnDeleteAlone", field("type = \"entity\", on_delete = ^\"cascade\""), "on_delete without references"},
    {"SetNullRequired", field("type = \"entity\", references = \"u\", required = true, on_delete = ^\"set_null\""),
     "is required, so it cannot be set to null"},
    {"LoggedToUnlogged", tables("u.log = false\nt.fields = [{ name = \"x\", type = \"entity\", references = ^\"u\" }]"),
     "t is logged and u is not"},
    {"ReplicatedToUnreplicated",
     tables("u.replicate = false\nt.fields = [{ name = \"x\", type = \"entity\", references = ^\"u\" }]"),
     "t is replicated and u is not"},
    {"RequiredType", field("type = \"u8\", required = ^1"), "required is true or false"},
    {"KeyOfArray", field("type = \"u8[2]\", key = ^true"), "arrays and structs are no keys"},
    {"KeyOfEntity", field("type = \"entity\", key = ^true"), "a key is what stands for one"},
    {"UniqueArray", field("type = \"u8[2]\", unique = ^true"), "arrays and structs cannot be unique"},
    {"IndexOfArray", field("type = \"u8[2]\", index = ^true"), "arrays and structs have no index"},
    {"TwoKeys",
     tables("t.fields = [{ name = \"x\", type = \"u8\", key = true }, { name = \"y\", type = \"u8\", key = ^true }]"),
     "x and y are both keys of t"},
    {"DefaultType", field("type = \"u8\", default = ^\"one\""), "expected a value of u8, got \"one\""},
    {"DefaultRange", field("type = \"u8\", default = ^256"), "expected a value of u8, got 256"},
    {"DefaultNegative", field("type = \"u32\", default = ^-1"), "expected a value of u32, got -1"},
    {"DefaultFraction", field("type = \"i32\", default = ^1.5"), "expected a value of i32, got 1.5"},
    {"DefaultTooLargeForF32", field("type = \"f32\", default = ^1e39"), "expected a value of f32"},
    {"DefaultOutside", field("type = \"u8\", default = ^5, min = 6"), "default of x is outside its min and max"},
    {"DefaultNaNOutside", field("type = \"f32\", default = ^nan, min = 0.0"), "outside its min and max"},
    {"DefaultList", field("type = \"u8[2]\", default = ^[1, 2, 3]"), "expected a list of 2, got a list of 3"},
    {"DefaultElement", field("type = \"u8[2]\", default = ^[1, 256]"), "[1]: expected a value of u8, got 256"},
    {"DefaultEntity", field("type = \"entity\", default = ^0"), "entities have no default"},
    {"DefaultDate", field("type = \"text\", default = ^2020-01-01"), "no field holds a date or time"},
    {"DefaultHex", field("type = \"bytes\", default = ^\"0g\""), "hexadecimal"},
    {"DefaultVariant",
     in_schema("[enums.e]\nvariants = [\"a\"]\n[tables.t]\nfields = [{ name = \"x\", type = \"e\", "
               "default = ^\"b\" }]"),
     "e has no variant \"b\""},
    {"DefaultVariantValue",
     in_schema("[enums.e]\nvariants = [\"a\"]\n[tables.t]\nfields = [{ name = \"x\", "
               "type = \"e\", default = ^1 }]"),
     "expected a variant of e, got 1"},
    {"MinOfText", field("type = \"text\", min = ^1"), "only numbers have bounds"},
    {"MaxOfBool", field("type = \"bool\", max = ^true"), "only numbers have bounds"},
    {"MinRange", field("type = \"i8\", min = ^-129"), "expected a value of i8, got -129"},
    {"MaxNaN", field("type = \"f64\", max = ^nan"), "NaN is no bound"},
    {"MaxBelowMin", field("type = \"i8\", min = 3, max = ^2"), "max of x is below its min"},
    {"CompoundOfOne", tables("t = { unique = [^[\"x\"]], fields = [{ name = \"x\", type = \"u8\" }] }"),
     "written on the field"},
    {"CompoundUnknown", tables("t = { unique = [^[\"x\", \"y\"]], fields = [{ name = \"x\", type = \"u8\" }] }"),
     "t has no field y"},
    {"CompoundTwice", tables("t = { unique = [^[\"x\", \"x\"]], fields = [{ name = \"x\", type = \"u8\" }] }"),
     "a field is named twice"},
    {"CompoundNotLists", tables("t = { unique = [^\"x\"], fields = [{ name = \"x\", type = \"u8\" }] }"),
     "a list of lists"},
    {"CompoundRepeated",
     tables("t = { unique = [[\"x\", \"y\"], ^[\"y\", \"x\"]], fields = [{ name = \"x\", type = "
            "\"u8\" }, { name = \"y\", type = \"u8\" }] }"),
     "the rule is there twice"},
    {"EnumEmpty", in_schema("[enums]\n^e.variants = []"), "enum e has no variants"},
    {"EnumBase", in_schema("[enums.e]\nbase = ^\"f32\"\nvariants = [\"a\"]"), "base is an integer type"},
    {"EnumUnknownKey", in_schema("[enums.e]\nvariants = [\"a\"]\n^values = []"), "unknown key \"values\""},
    {"EnumBuiltIn", in_schema("[enums.^u8]\nvariants = [\"a\"]"), "u8 is a built-in type"},
    {"VariantTwice", in_schema("[enums.e]\nvariants = [\"a\", ^\"a\"]"), "two variants named a"},
    {"VariantNamedAsAPlace", in_schema("[enums.e]\nvariants = [\n^\"1\",\n\"b\",\n\"c\"]"), "\"1\" is no name"},
    {"VariantTwiceAndNumbered",
     in_schema("[enums.e]\nvariants = [{ name = \"a\", number = 0 }, \"b\",\n^{ name = \"a\", number = 2 }]"),
     "two variants named a"},
    {"VariantTwiceCounts",
     in_schema("[enums.e]\nbase = \"u8\"\nvariants = [\"a\", \"b\",\n^\"a\", { name = \"c\", value = 3 }]"),
     "two variants named a"},
    {"FieldNamedAsAPlace", tables("t.fields = [\n^{ name = \"1\", type = \"u8\" },\n{ name = \"b\", type = \"u8\" }]"),
     "\"1\" is no name"},
    {"FieldBesideOneNamedAsItsPlace", tables("t.fields = [{ name = \"i\", type = \"u8\" },\n^{ type = \"u8\" }]"),
     "name is missing"},
    {"FieldTwiceAndNumbered",
     tables("t.fields = [{ name = \"x\", type = \"u8\", number = 0 }, { name = \"y\", type = \"u8\", number = 2 },\n"
            "^{ name = \"x\", type = \"u8\", number = 1 }]"),
     "two fields are named x"},
    {"VariantValueTwice",
     in_schema("[enums.e]\nvariants = [{ name = \"a\", value = 1 }, ^{ name = \"b\", value = 1 }]"),
     "have the same value"},
    {"VariantName", in_schema("[enums.e]\nvariants = [^\"a b\"]"), "\"a b\" is no name"},
    {"VariantType", in_schema("[enums.e]\nvariants = [^1, \"a\"]"), "a variant is a name or a table"},
    {"VariantRange", in_schema("[enums.e]\nbase = \"i8\"\nvariants = [{ name = \"a\", value = ^128 }]"),
     "does not fit i8"},
    {"VariantNegative", in_schema("[enums.e]\nbase = \"u64\"\nvariants = [{ name = \"a\", value = ^-1 }]"),
     "does not fit u64"},
    {"VariantCountedOver", in_schema("[enums.e]\nbase = \"i8\"\nvariants = [{ name = \"a\", value = 127 }, ^\"b\"]"),
     "does not fit i8"},
    {"VariantUnknownKey", in_schema("[enums.e]\nvariants = [{ name = \"a\", ^val = 1 }]"), "unknown key \"val\""},
    {"StructEmpty", in_schema("[structs]\n^s.fields = []"), "struct s has no fields"},
    {"StructRecursive", in_schema("[structs]\n^s.fields = [{ name = \"x\", type = \"s\" }]"), "contains itself"},
    {"StructFieldRule", in_schema("[structs.s]\nfields = [{ name = \"x\", type = \"u8\", ^min = 1 }]"),
     "unknown key \"min\""},
    {"StructAndEnum",
     in_schema("[enums.s]\nvariants = [\"a\"]\n[structs.^s]\nfields = [{ name = \"x\", type = \"u8\" }]"),
     "s is an enum already"},
    {"StructDepth", deep, "17 structs deep, more than 16"},
    {"NumberRange", tables("t.number = ^-1"), "not between 0 and 65534"},
    {"NumberTooHigh", tables("t.number = ^1"), "the highest is 0"},
    {"NumberTwice", tables("t.number = 0\nu.number = ^0"), "t and u have the same number 0"},
    {"NumberMissing", tables("t.number = 0\n^u.log = true"), "u has no number"},
    {"FieldNumberTwice",
     tables("t.fields = [{ name = \"x\", type = \"u8\", number = 0 }, { name = \"y\", type = \"u8\", "
            "number = ^0 }]"),
     "x and y have the same number 0"},
    {"VariantNumberTooHigh", in_schema("[enums.e]\nvariants = [{ name = \"a\", number = ^3 }]"), "the highest is 0"},
};

std::string name_of(const testing::TestParamInfo<Wrong>& wrong) { return wrong.param.name; }
INSTANTIATE_TEST_SUITE_P(Each, WrongToml, testing::ValuesIn(wrongs), name_of);

TEST(Toml, CountsCharactersInALineThatGoesTooDeep) {
  const auto schema = Schema::from_toml("\"\xC3\xA9\"." + dotted(300) + " = 1", "deep.toml");
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().message(), "deep.toml:1:516: more than 256 levels of dotted names and brackets");
}

// Dots and brackets where they are no levels, more of them than there may be levels.
TEST(Toml, TakesAnyNumberOfDotsThatNestNothing) {
  const std::string dots = dotted(40'000);
  const std::string brackets(1000, '[');
  std::string text = "# " + dots + brackets + "\n[database]\nname = \"" + dots + "\\\"" + brackets + "\"\n[tables.t]\n";
  text += "fields = [\n";
  for (const std::string& quoted :
       {"\"" + dots + brackets + "\"", "'" + dots + brackets + "'",
        "\"\"\"\n" + dots + "\n\\\"\"\" " + brackets + "\"\"\"\"\"", "'''\n" + dots + "\n'' " + brackets + "'''''"}) {
    text += fmt::format("  {{ name = \"x{}\", type = \"text\", default = {} }},\n", text.size(), quoted);
  }
  text += "  { name = \"y\", type = \"f64[1000]\", default = [";
  for (int i = 0; i < 1000; ++i) text += "1.5, ";
  text += "] },\n]\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("[tables.u{}]\nfields = []\n", i);
  const auto compiled = compile(text);
  ASSERT_NE(compiled, nullptr);
  EXPECT_EQ(compiled->model().find("t")->fields.size(), 5U);
}

TEST(Toml, ReportsEveryMistakeInTheOrderOfTheirPlaces) {
  const auto schema = Schema::from_toml(R"([database]
name = "w"
[tables.t]
colour = "red"
fields = [
  { name = "x", type = "u8", default = 300 },
  { name = "y", type = "vec3" },
]
)",
                                        "w.toml");
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().message(),
            "w.toml:4:1: unknown key \"colour\"; known here: number, storage, log, replicate, unique, fields\n"
            "w.toml:6:40: default: expected a value of u8, got 300\n"
            "w.toml:7:24: \"vec3\" is no type: neither built in nor an enum or a struct here");
}

TEST(Toml, TellsTheMistakesOfTwoFieldsOfOneNameApart) {
  const auto schema = Schema::from_toml(R"([database]
name = "w"
[tables.t]
fields=[{name="x",type="u8",default=300},
{name="y",type="u8"},
{name="x",type="u8",default=1},
{type="u8"},{name="3",type="u9"},{name="x",type="u9"}]
)",
                                        "w.toml");
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().message(),
            "w.toml:4:37: default: expected a value of u8, got 300\n"
            "w.toml:6:1: two fields are named x\n"
            "w.toml:7:1: name is missing\n"
            "w.toml:7:13: \"3\" is no name: letters, digits and _, not a digit first\n"
            "w.toml:7:28: \"u9\" is no type: neither built in nor an enum or a struct here\n"
            "w.toml:7:34: two fields are named x\n"
            "w.toml:7:49: \"u9\" is no type: neither built in nor an enum or a struct here");
}

TEST(Toml, AMistakeIsALineWhateverIsInItsNames) {
  const auto schema =
      Schema::from_toml("[database]\nname = \"w\"\n[tables.\"a\\u001b\\nb\"]\n\"c\\u009b\" = 1\n", "w\n.toml");
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(
      schema.error().message(),
      "w\\x0a.toml:3:9: \"a\\x1b\\x0ab\" is no name: letters, digits and _, not a digit first\n"
      "w\\x0a.toml:4:1: unknown key \"c\\xc2\\x9b\"; known here: number, storage, log, replicate, unique, fields");
}

TEST(Toml, NamesTheFileThatItCannotRead) {
  const auto schema = Schema::from_toml_file("no/such/schema.toml");
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().code(), ErrorCode::io);
  EXPECT_THAT(schema.error().message(), HasSubstr("no/such/schema.toml: "));
  EXPECT_EQ(Schema::from_toml_file(testing::TempDir()).error().code(), ErrorCode::io);
}

TEST(Toml, NamesTheFileOfAMistake) {
  const std::string path = testing::TempDir() + "stoa_schema_toml_test.toml";
  std::ofstream(path) << "[database]\nname = 1\n";
  const auto schema = Schema::from_toml_file(path);
  std::filesystem::remove(path);
  ASSERT_FALSE(schema.has_value());
  EXPECT_THAT(schema.error().message(), HasSubstr(path + ":2:8: name is a string"));
}

}  // namespace
}  // namespace stoa
