// Schemas said in C++: that they mean the same as in TOML, and that what cannot be right is reported.
#include <stoa/schema.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace game {
enum class Phase : std::uint8_t { parked, taxiing, airborne };
BOOST_DESCRIBE_ENUM(Phase, parked, taxiing, airborne)
struct Vec3 {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Vec3, (), (x, y, z))
struct Flight {
  stoa::Text callsign;
  Phase phase;
  std::array<float, 4> fuel;
  Vec3 at[2];
};
BOOST_DESCRIBE_STRUCT(Flight, (), (callsign, phase, fuel, at))
struct Docked {
  stoa::Entity port;
  std::uint32_t gate;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (port, gate))
struct Airport {
  stoa::Text code;
};
BOOST_DESCRIBE_STRUCT(Airport, (), (code))
struct Delayed {};
BOOST_DESCRIBE_STRUCT(Delayed, (), ())
struct Inventory {
  std::vector<int> items;
};
struct Forgetful {
  std::uint32_t seen, unseen;
};
BOOST_DESCRIBE_STRUCT(Forgetful, (), (seen))
struct [[gnu::packed]] Packed {
  std::uint8_t level;
  std::uint32_t count;
};
BOOST_DESCRIBE_STRUCT(Packed, (), (level, count))
struct alignas(32) Wide {
  float x;
};
BOOST_DESCRIBE_STRUCT(Wide, (), (x))
struct HTTPServerState {
  bool up;
  signed char grade;
  long long count;
};
BOOST_DESCRIBE_STRUCT(HTTPServerState, (), (up, grade, count))
namespace menu {
enum class Phase : std::int16_t { open, closed };
BOOST_DESCRIBE_ENUM(Phase, open, closed)
enum class Text : std::uint8_t { plain, rich };
BOOST_DESCRIBE_ENUM(Text, plain, rich)
}  // namespace menu
struct Screen {
  menu::Phase menu;
  menu::Text style;
  Phase flight;
  HTTPServerState server;
};
BOOST_DESCRIBE_STRUCT(Screen, (), (menu, style, flight, server))
}  // namespace game

template <>
struct stoa::Codec<game::Inventory> {};

namespace stoa {
namespace {

using namespace game;
using testing::HasSubstr;

Schema airfield() {
  Schema schema("airfield");
  schema.table<Flight>("flight");
  schema.table<Airport>("airport").key<&Airport::code>();
  schema.table<Docked>("docked")
      .foreign_key<&Docked::port>("airport", OnDelete::cascade)
      .required<&Docked::port>()
      .unique<&Docked::port, &Docked::gate>()
      .default_value<&Docked::gate>(5)
      .range<&Docked::gate>(0, 99)
      .index<&Docked::gate>()
      .not_logged()
      .not_replicated();
  schema.table<Delayed>("delayed").sparse();
  return schema;
}

constexpr std::string_view airfield_toml = R"(
[database]
name = "airfield"
[enums.phase]
base = "u8"
variants = ["parked", "taxiing", "airborne"]
[structs.vec3]
fields = [{ name = "x", type = "f32" }, { name = "y", type = "f32" }, { name = "z", type = "f32" }]
[tables.delayed]
storage = "sparse"
[tables.airport]
fields = [{ name = "code", type = "text", key = true }]
[tables.docked]
log = false
replicate = false
unique = [["port", "gate"]]
fields = [
  { name = "port", type = "entity", references = "airport", on_delete = "cascade", required = true },
  { name = "gate", type = "u32", default = 5, min = 0, max = 99, index = true },
]
[tables.flight]
fields = [{ name = "callsign", type = "text" }, { name = "phase", type = "phase" }, { name = "fuel", type = "f32[4]" },
          { name = "at", type = "vec3[2]" }]
)";

std::string mistakes_of(const Schema& schema, ErrorCode code = ErrorCode::schema_invalid) {
  const auto compiled = schema.compile();
  if (compiled) return "no mistake";
  EXPECT_EQ(compiled.error().code(), code) << compiled.error().message();
  return compiled.error().message();
}

TEST(Builder, SaysTheSameAsToml) {
  const auto built = airfield().compile();
  ASSERT_TRUE(built.has_value()) << built.error().message();
  const auto read = Schema::from_toml(airfield_toml);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  const auto compiled = read->compile().value();
  EXPECT_EQ((*built)->canonical_text(), compiled->canonical_text());
  EXPECT_EQ((*built)->hash(), compiled->hash());
}

TEST(Builder, FindsTheTableOfAType) {
  const auto compiled = airfield().compile().value();
  EXPECT_EQ(compiled->table_of<Docked>(), compiled->model().find("docked")->number);
  EXPECT_EQ(compiled->table_of<Delayed>(), compiled->model().find("delayed")->number);
  EXPECT_EQ(compiled->table_of<Vec3>(), no_table);
  const auto other = Schema("other").compile().value();
  EXPECT_EQ(other->table_of<Docked>(), no_table);
}

TEST(Builder, CopiesAreIndependent) {
  Schema one("s");
  one.table<Airport>("airport");
  Schema two = one;
  two.table<Delayed>("delayed");
  EXPECT_EQ(one.compile().value()->model().tables.size(), 1U);
  EXPECT_EQ(two.compile().value()->model().tables.size(), 2U);
}

TEST(Builder, StoresATypeWithACodecAsBytes) {
  Schema schema("s");
  schema.table<Inventory>("inventory");
  const auto compiled = schema.compile().value();
  const TableModel& table = *compiled->model().find("inventory");
  ASSERT_EQ(table.fields.size(), 1U);
  EXPECT_EQ(table.fields[0].name, "value");
  EXPECT_EQ(table.fields[0].type.kind, FieldKind::bytes);
  EXPECT_EQ(table.blobs, std::vector<std::uint32_t>{0});
}

TEST(Builder, NamesDefinitionsApartWhereTypesShareAName) {
  Schema schema("s");
  schema.table<Screen>("screen");
  const auto compiled = schema.compile().value();
  const SchemaModel& model = compiled->model();
  ASSERT_EQ(model.enums.size(), 3U);
  EXPECT_EQ(model.enums[2].name, "text_2");  // text is built in
  EXPECT_EQ(model.enums[0].name, "phase");   // that of `flight`, the first field by name
  EXPECT_EQ(model.enums[0].variants.size(), 3U);
  EXPECT_EQ(model.enums[1].name, "phase_2");
  ASSERT_EQ(model.structs.size(), 1U);
  EXPECT_EQ(model.structs[0].name, "http_server_state");
  EXPECT_EQ(model.structs[0].fields[1].type.kind, FieldKind::i8);
  EXPECT_EQ(model.structs[0].fields[2].type.kind, FieldKind::i64);
}

TEST(Builder, NoticesAMemberThatIsNotDescribed) {
  Schema schema("s");
  schema.table<Forgetful>("forgetful");
  EXPECT_THAT(mistakes_of(schema),
              HasSubstr("the table's row is 4 bytes, game::Forgetful is 8 bytes; describe every member"));
}

TEST(Builder, RefusesAMemberWhereItsTypeMayNotBe) {
  Schema schema("s");
  schema.table<Packed>("packed");
  schema.table<Wide>("wide");
  const std::string message = mistakes_of(schema);
  EXPECT_THAT(message, HasSubstr("count: the table has u32 at offset 4, game::Packed has u32 at offset 1"));
  EXPECT_THAT(message, HasSubstr("the table's row is aligned to 4, game::Packed to 1"));
  EXPECT_THAT(message, HasSubstr("the table's row is aligned to 4, game::Wide to 32"));
  EXPECT_THAT(message, HasSubstr("without alignas or packing"));
}

TEST(Builder, ReportsEveryMistake) {
  Schema schema("s");
  schema.table<Airport>("air port");
  schema.table<Docked>("docked").foreign_key<&Docked::port>("harbour").range<&Docked::gate>(9, 3);
  schema.table<Vec3>("docked");
  schema.table<Flight>("flight").unique<&Flight::fuel>().default_value<&Flight::phase>(Phase{7});
  EXPECT_EQ(mistakes_of(schema),
            "air port: \"air port\" is no name: letters, digits and _, not a digit first\n"
            "docked: two tables are named docked\n"
            "docked.port.references: port references harbour, and no table has that name\n"
            "docked.gate.max: max of gate is below its min\n"
            "flight.phase.default: default: expected a variant of phase, got 7\n"
            "flight.fuel.unique: fuel is f32[4]: arrays and structs cannot be unique");
}

TEST(Builder, RefusesAForeignKeyWithoutATable) {
  Schema schema("s");
  schema.table<Docked>("docked").foreign_key<&Docked::port>("");
  EXPECT_EQ(mistakes_of(schema), "docked.port: a foreign key names a table");
}

TEST(Builder, RefusesOneTypeForTwoTables) {
  Schema schema("s");
  schema.table<Vec3>("position");
  schema.table<Vec3>("velocity");
  EXPECT_THAT(mistakes_of(schema), HasSubstr("velocity: game::Vec3 is the row of position already"));
}

TEST(Builder, RefusesATextDefaultThatIsNotUtf8) {
  Schema schema("s");
  schema.table<Airport>("airport").default_value<&Airport::code>("\xC3(");
  EXPECT_THAT(mistakes_of(schema), HasSubstr("code: the default is not UTF-8"));
}

// ---- bind: a C++ type for a table that exists

Schema positions(std::string_view fields) {
  return Schema::from_toml(
             "[database]\nname = \"p\"\n[enums.phase]\nbase = \"u8\"\nvariants = [\"parked\", \"taxiing\"]\n"
             "[tables.t]\nfields = [" +
             std::string(fields) + "]\n")
      .value();
}

TEST(Bind, AcceptsTheSameLayout) {
  Schema schema = positions(R"({name="x",type="f32"},{name="y",type="f32"},{name="z",type="f32"})");
  schema.bind<Vec3>("t").bind<Vec3>("t");
  const auto compiled = schema.compile();
  ASSERT_TRUE(compiled.has_value()) << compiled.error().message();
  EXPECT_EQ((*compiled)->table_of<Vec3>(), TableId{0});
}

TEST(Bind, NamesEachDifferenceWithBothSides) {
  Schema schema = positions(R"({name="y",type="f32"},{name="x",type="i32"},{name="w",type="f64"})");
  schema.bind<Vec3>("t");
  const std::string message = mistakes_of(schema, ErrorCode::schema_mismatch);
  EXPECT_THAT(message, HasSubstr("y: the table has f32 at offset 0, game::Vec3 has f32 at offset 4"));
  EXPECT_THAT(message, HasSubstr("x: the table has i32 at offset 4, game::Vec3 has f32 at offset 0"));
  EXPECT_THAT(message, HasSubstr("w: the table has f64 at offset 8, game::Vec3 has no such member"));
  EXPECT_THAT(message, HasSubstr("z: the table has no such field, game::Vec3 has f32 at offset 8"));
  EXPECT_THAT(message, HasSubstr("the table's row is 16 bytes, game::Vec3 is 12 bytes"));
  EXPECT_THAT(message, HasSubstr("schema.toml:6:9: "));
}

TEST(Bind, ComparesEnumsByBaseAndVariants) {
  Schema schema = positions(R"({name="callsign",type="text"},{name="phase",type="phase"},{name="fuel",type="f32[4]"})");
  schema.bind<Flight>("t");
  EXPECT_THAT(mistakes_of(schema, ErrorCode::schema_mismatch),
              HasSubstr("phase: the table has enum u8 {parked=0, taxiing=1} at offset 16, game::Flight has enum u8 "
                        "{parked=0, taxiing=1, airborne=2} at offset 16"));
}

TEST(Bind, RefusesATableThatIsNotThere) {
  Schema schema("s");
  schema.bind<Vec3>("position");
  EXPECT_THAT(mistakes_of(schema, ErrorCode::schema_mismatch), HasSubstr("no table has that name"));
}

TEST(Bind, RefusesASecondTypeForATable) {
  Schema schema("s");
  schema.table<Airport>("airport");
  schema.bind<Docked>("airport");
  EXPECT_THAT(mistakes_of(schema, ErrorCode::schema_mismatch), HasSubstr("its rows are game::Airport already"));
}

static_assert(kind_of<float>() == FieldKind::f32 && kind_of<std::array<bool, 3>>() == FieldKind::boolean);
static_assert(kind_of<Phase>() == FieldKind::enumeration && kind_of<Vec3[2]>() == FieldKind::structure);
static_assert(kind_of<Text>() == FieldKind::text && kind_of<Entity>() == FieldKind::entity);
static_assert(field_name<&Docked::gate>() == "gate");

}  // namespace
}  // namespace stoa
