// `stoa check`, `info` and `verify`: what they tell of schemas and databases, good and damaged.
#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

class Look : public CliTest {
 protected:
  void make_world() {
    write("stop.csv", "id,name,code,parent\nA,Astor,1,B\nB,Bay,2,\n");
    write("call.csv", "stop,sequence\nA,1\nA,2\n");
    ASSERT_EQ(import({"stop=stop.csv", "call=call.csv"}).status, 0);
  }
  /// Turns one bit of the log's first segment.
  void damage_log(std::size_t offset) {
    const std::string name = "world/wal-00000000000000000001";
    std::string bytes = read(name);
    ASSERT_GT(bytes.size(), offset);
    bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
    write(name, bytes);
  }
};

TEST_F(Look, CheckPraisesAGoodSchema) {
  write("schema.toml", stops_schema);
  const Finished done = stoa({"check", "schema.toml"});
  EXPECT_EQ(done.status, 0);
  EXPECT_TRUE(done.out.starts_with("schema.toml: stops is right: 2 tables, 10 fields, hash ")) << done.out;
  EXPECT_NE(stoa({"check", "schema.toml", "--json"})
                .out.find(R"("tables":[{"name":"call","storage":"dense","fields":3,"row_bytes":)"),
            std::string::npos);
}

TEST_F(Look, CheckNamesEveryMistakeWithItsPlace) {
  write("schema.toml",
        "[database]\n"
        "name = \"wrong\"\n"
        "[tables.a]\n"
        "fields = [{ name = \"x\", type = \"u33\" },\n"
        "          { name = \"y\", type = \"entity\", references = \"b\" }]\n");
  const Finished done = stoa({"check", "schema.toml"});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_TRUE(done.err.starts_with("schema.toml:4:")) << done.err;
  EXPECT_NE(done.err.find("\nschema.toml:5:"), std::string::npos) << done.err;
  const Finished json = stoa({"check", "schema.toml", "--json"});
  EXPECT_EQ(json.status, 1);
  EXPECT_EQ(json.err, done.err);
  EXPECT_TRUE(json.out.starts_with(R"({"ok":false,"errors":[{"file":"schema.toml","line":4,"column":)")) << json.out;
  EXPECT_NE(json.out.find(R"({"file":"schema.toml","line":5,"column":)"), std::string::npos) << json.out;
}

TEST_F(Look, CheckOfAFileThatIsNotThere) {
  const Finished done = stoa({"check", "nowhere.toml"});
  EXPECT_EQ(done.status, 2);
  EXPECT_TRUE(done.err.starts_with("nowhere.toml: ")) << done.err;
}

TEST_F(Look, ImportWithAWrongSchemaIsAsCheckSays) {
  write("wrong.toml", "[database]\nname = \"wrong\"\n[tables.a]\nfields = [{ name = \"x\", type = \"u33\" }]\n");
  write("a.csv", "x\n1\n");
  const Finished done = stoa({"import", "world", "--schema", "wrong.toml", "a=a.csv"});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, stoa({"check", "wrong.toml"}).err);
  EXPECT_FALSE(exists("world"));
}

TEST_F(Look, InfoTellsVersionHashAndTables) {
  make_world();
  const Finished json = stoa({"info", "world", "--json"});
  EXPECT_EQ(json.status, 0);
  EXPECT_TRUE(json.out.starts_with(R"({"name":"stops","version":1,"state_hash":")")) << json.out;
  EXPECT_NE(json.out.find(R"("entities":4,"archetypes":3,"tables":[{"name":"call","rows":2,"row_bytes":)"),
            std::string::npos);
  const Finished text = stoa({"info", "world"});
  EXPECT_EQ(text.status, 0);
  EXPECT_TRUE(text.out.starts_with("world: stops at version 1\nstate      " + state() + "\n")) << text.out;
}

TEST_F(Look, VerifyCountsWhatItJudged) {
  make_world();
  const Finished done = stoa({"verify", "world", "--json"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(done.out, R"({"ok":true,"version":1,"state_hash":")" + state() +
                          R"(","rows":4,"references":3,"unique_values":6,"required_values":6,"bounded_values":2,)"
                          R"("checkpoint_passed_by":"","dropped_tail":"","violation_count":0,"violations":[]})"
                          "\n");
}

TEST_F(Look, OfOneThingIsSpokenInTheSingular) {
  write("stop.csv", "id,name,code,parent\nA,Astor,1,A\n");
  EXPECT_NE(import({"stop=stop.csv"}).out.find(" 1 row in "), std::string::npos);
  const std::string info = stoa({"info", "world"}).out;
  EXPECT_NE(info.find("\nlog        1 segment, "), std::string::npos) << info;
  EXPECT_NE(info.find(", 1 transaction from the log in "), std::string::npos) << info;
  const std::string verify = stoa({"verify", "world"}).out;
  EXPECT_NE(verify.find(" 1 row\n           1 reference\n           2 unique values\n"), std::string::npos) << verify;
  EXPECT_NE(verify.find(" 1 value with bounds\n           0 violations\n"), std::string::npos) << verify;
}

TEST_F(Look, VerifyFindsADamagedLog) {
  make_world();
  write("more.csv", "id,name,code\nC,Canal,3\n");
  ASSERT_EQ(import({"stop=more.csv"}).status, 0);
  damage_log(200);  // in the payload of the first transaction, which a later segment proves to be durable
  const Finished done = stoa({"verify", "world"});
  EXPECT_EQ(done.status, 1);
  EXPECT_TRUE(done.err.starts_with("world/wal-00000000000000000001 at byte ")) << done.err;
  const Finished json = stoa({"verify", "world", "--json"});
  EXPECT_TRUE(json.out.starts_with(R"({"ok":false,"error":{"code":"corrupt","file":"world/wal-)")) << json.out;
  EXPECT_EQ(stoa({"info", "world"}).status, 1);
  EXPECT_EQ(import({"stop=more.csv"}).status, 1);
}

}  // namespace
}  // namespace stoa::cli_test
