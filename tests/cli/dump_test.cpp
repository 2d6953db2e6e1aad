// `stoa dump`: what is written as CSV, an import reads back as the same rows.
#include <stoa/database.h>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

constexpr std::string_view everything_schema = R"([database]
name = "everything"

[enums.phase]
base = "i16"
variants = ["parked", "taxiing", "airborne"]

[structs.label]
fields = [{ name = "text", type = "text" }, { name = "at", type = "f32[2]" }]

[tables.port]
fields = [{ name = "number", type = "i64", key = true }]

[tables.thing]
fields = [
  { name = "id", type = "u64", key = true },
  { name = "on", type = "bool" },
  { name = "small", type = "i8" },
  { name = "single", type = "f32" },
  { name = "double", type = "f64" },
  { name = "phase", type = "phase" },
  { name = "name", type = "text" },
  { name = "raw", type = "bytes" },
  { name = "fuel", type = "u16[3]" },
  { name = "label", type = "label" },
  { name = "port", type = "entity", references = "port" },
  { name = "next", type = "entity", references = "thing" },
]

[tables.delayed]
storage = "sparse"
)";

class Dump : public CliTest {
 protected:
  // Rows with every type, and with what needs quotes or escapes.
  void make_world() {
    write("schema.toml", everything_schema);
    write("port.csv", "number\n-7\n9223372036854775807\n");
    write("thing.csv",
          "id,on,small,single,double,phase,name,raw,fuel,label,port,next\n"
          "18446744073709551615,true,-128,0.1,0.1,airborne,\"a,\"\"b\"\"\nc\",00ff,1;2;3,x\\;y;(1.5;-2),-7,1\n"
          "1,false,127,nan,-inf,parked,\xC3\xA4\t\x01,,0;0;0,;(0;0),9223372036854775807,\n"
          "2,0,0,1e38,5e-324,1,plain,7f,65535;0;1,l;(3;4),,2\n");
    const Finished done = stoa({"import", "world", "--schema", "schema.toml", "thing=thing.csv", "port=port.csv"});
    ASSERT_EQ(done.status, 0) << done.err;
  }
};

TEST_F(Dump, AsCsvIsReadBackAsTheSameRows) {
  make_world();
  for (const char* table : {"thing", "port"}) {
    const Finished dumped = stoa({"dump", "world", table, "--format", "csv"});
    ASSERT_EQ(dumped.status, 0) << dumped.err;
    write(std::string(table) + ".again", dumped.out);
  }
  const std::string before = state();
  std::filesystem::rename(folder() / "world", folder() / "first");
  const Finished done = stoa({"import", "world", "--schema", "schema.toml", "thing=thing.again", "port=port.again"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(state(), before);
  EXPECT_EQ(stoa({"dump", "world", "thing"}).out, read("thing.again"));
}

TEST_F(Dump, AsJsonHasEveryTypeAndKeysForReferences) {
  make_world();
  EXPECT_EQ(
      stoa({"dump", "world", "thing", "--format", "json"}).out,
      R"({"id":18446744073709551615,"on":true,"small":-128,"single":0.1,"double":0.1,"phase":"airborne",)"
      R"("name":"a,\"b\"\nc","raw":"00ff","fuel":[1,2,3],"label":{"text":"x;y","at":[1.5,-2]},"port":-7,"next":1})"
      "\n"
      R"({"id":1,"on":false,"small":127,"single":"nan","double":"-inf","phase":"parked","name":")"
      "\xC3\xA4"
      R"(\t\u0001","raw":"","fuel":[0,0,0],"label":{"text":"","at":[0,0]},"port":9223372036854775807,"next":null})"
      "\n"
      R"({"id":2,"on":false,"small":0,"single":1e+38,"double":5e-324,"phase":"taxiing","name":"plain","raw":"7f",)"
      R"("fuel":[65535,0,1],"label":{"text":"l","at":[3,4]},"port":null,"next":2})"
      "\n");
}

TEST_F(Dump, ShowsEntitiesWhereItIsAsked) {
  make_world();
  const std::string out = stoa({"dump", "world", "port", "--entities"}).out;
  EXPECT_TRUE(out.starts_with("@entity,number\n")) << out;
  EXPECT_NE(out.find(":1,-7\n"), std::string::npos) << out;
  EXPECT_TRUE(stoa({"dump", "world", "port", "--entities", "--format", "json"}).out.starts_with(R"({"@entity":")"));
}

TEST_F(Dump, OfATagNeedsTheEntities) {
  make_world();
  {
    auto database = Database::open_existing(folder() / "world");
    ASSERT_TRUE(database.has_value()) << database.error().message();
    Transaction transaction = database->begin();
    transaction.insert("delayed", transaction.create(), {});
    ASSERT_TRUE(std::move(transaction).commit().has_value());
  }
  const Finished refused = stoa({"dump", "world", "delayed"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.err, "stoa: table delayed has no fields to dump; --entities lists its entities\n");
  EXPECT_EQ(stoa({"dump", "world", "delayed", "--format", "json"}).out, "{}\n");
  EXPECT_TRUE(stoa({"dump", "world", "delayed", "--entities"}).out.starts_with("@entity\n"));
}

TEST_F(Dump, WarnsOfATextThatWouldComeBackAsItsDefault) {
  write("schema.toml",
        "[database]\nname = \"d\"\n[tables.a]\nfields = [{ name = \"x\", type = \"text\", default = \"full\" }]\n");
  write("a.csv", "x\nfull\n");
  ASSERT_EQ(stoa({"import", "world", "--schema", "schema.toml", "a=a.csv"}).status, 0);
  EXPECT_EQ(stoa({"dump", "world", "a"}).err, "");
  {
    auto database = Database::open_existing(folder() / "world");
    ASSERT_TRUE(database.has_value()) << database.error().message();
    Transaction transaction = database->begin();
    transaction.insert("a", transaction.create(), {{"x", ""}});
    ASSERT_TRUE(std::move(transaction).commit().has_value());
  }
  const Finished dumped = stoa({"dump", "world", "a"});
  EXPECT_EQ(dumped.out, "x\nfull\n\"\"\n");
  EXPECT_EQ(dumped.err, "stoa: warning: 1 empty text is in fields with a default: an import would read the default\n");
}

class DumpInJson : public CliTest {};

TEST_F(DumpInJson, IsAskedForAsOfTheOtherCommands) {
  write("stop.csv", "id,name,code\nA,Astor,1\n");
  ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
  const Finished json = stoa({"dump", "world", "stop", "--json"});
  EXPECT_EQ(json.status, 0) << json.err;
  EXPECT_TRUE(json.out.starts_with(R"({"id":"A","name":"Astor","code":1,)")) << json.out;
  EXPECT_EQ(json.out, stoa({"dump", "world", "stop", "--format", "json"}).out);
  const Finished wrong = stoa({"dump", "world", "halt", "--json"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_EQ(wrong.err, "stoa: not found: table halt\n");
  EXPECT_EQ(wrong.out, R"({"ok":false,"error":{"code":"not_found","reason":"not found: table halt"}})"
                       "\n");
  EXPECT_EQ(stoa({"dump", "world", "stop", "--json", "--format", "csv"}).status, 2);
}

}  // namespace
}  // namespace stoa::cli_test
