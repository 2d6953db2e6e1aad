// `stoa import` with a schema that is not quite the folder's: what differs is named, and a schema that differs in its
// indexes alone becomes the folder's with the rows, or not at all.
#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

class OtherSchema : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    write("stop.csv", "id,name,code\nA,Astor,1\n");
    ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
    write("good.csv", "id,name,code\nB,Bay,2\n");
    write("bad.csv", "id,name,code\nB,Bay,none\n");
  }
  [[nodiscard]] Finished import_with(std::string_view what, std::string_view with, const std::string& file) {
    write("other.toml", replaced(std::string(stops_schema), what, with));
    return stoa({"import", "world", "--schema", "other.toml", "stop=" + file});
  }
};

TEST_F(OtherSchema, IsRefusedWithWhatDiffersFirst) {
  const std::string before = read("world/schema.toml");
  const Finished done = import_with("max = 9 }", "max = 8 }", "good.csv");
  EXPECT_EQ(done.status, 2);
  EXPECT_EQ(done.err, "world/schema.toml: table stop: field level: max is 9 in the folder and 8 in the schema given\n");
  EXPECT_EQ(read("world/schema.toml"), before);
  EXPECT_EQ(rows("stop"), 1U);
}

TEST_F(OtherSchema, BecomesTheFoldersWithTheRows) {
  const Finished done = import_with("name = \"latitude\", type = \"f64\"",
                                    "name = \"latitude\", type = \"f64\", index = true", "good.csv");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_NE(read("world/schema.toml").find("name = \"latitude\", type = \"f64\", number = 3, index = true"),
            std::string::npos)
      << read("world/schema.toml");
  EXPECT_EQ(rows("stop"), 2U);
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
}

TEST_F(OtherSchema, IsNotTheFoldersWhereTheImportFails) {
  const std::string before = read("world/schema.toml");
  const Finished done = import_with("name = \"latitude\", type = \"f64\"",
                                    "name = \"latitude\", type = \"f64\", index = true", "bad.csv");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "bad.csv:2:3: code: \"none\" is no u32\n");
  EXPECT_EQ(read("world/schema.toml"), before);
  EXPECT_EQ(rows("stop"), 1U);
}

}  // namespace
}  // namespace stoa::cli_test
