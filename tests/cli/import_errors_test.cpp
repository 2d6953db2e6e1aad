// `stoa import` of files that are wrong: the exact message, the exit status, and the world as it was before.
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

struct BadInput {
  const char* name;
  std::vector<std::string> arguments;
  std::string stop_csv;
  std::string call_csv;
  std::string err;
};

std::ostream& operator<<(std::ostream& out, const BadInput& input) { return out << input.name; }

class BadImport : public CliTest, public testing::WithParamInterface<BadInput> {
 protected:
  [[nodiscard]] Finished run() {
    write("stop.csv", GetParam().stop_csv);
    write("call.csv", GetParam().call_csv);
    std::vector<std::string> arguments = GetParam().arguments;
    arguments.push_back("stop=stop.csv");
    if (!GetParam().call_csv.empty()) arguments.push_back("call=call.csv");
    return import(arguments);
  }
};

TEST_P(BadImport, SaysWhatIsWrongAndKeepsNoFolder) {
  const Finished done = run();
  EXPECT_EQ(done.err, GetParam().err);
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_FALSE(exists("world"));
}

TEST_P(BadImport, LeavesADatabaseAsItWas) {
  write("before.csv", "id,name,code\nbefore,Before,4000000000\n");
  ASSERT_EQ(import({"stop=before.csv"}).status, 0);
  const std::string before = state();
  const Finished done = run();
  EXPECT_EQ(done.err, GetParam().err);
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(state(), before);
  EXPECT_EQ(rows("stop"), 1U);
}

const std::string good = "id,name,code\nA,Astor,1\n";

INSTANTIATE_TEST_SUITE_P(
    Table, BadImport,
    testing::Values(
        BadInput{"UnknownColumn",
                 {},
                 "id,name,code,colour\nA,Astor,1,red\n",
                 "",
                 "stop.csv:1:4: table stop has no field \"colour\" (--ignore-unknown leaves such columns out)\n"},
        BadInput{"NoColumnForAKey",
                 {},
                 "name,code\nAstor,1\n",
                 "",
                 "stop.csv:1: there is no column id, and id is the key\n"},
        BadInput{"NoColumnForARequiredField",
                 {},
                 "id,code\nA,1\n",
                 "",
                 "stop.csv:1: there is no column name, and name is required\n"},
        BadInput{"NoColumnForARequiredReference",
                 {},
                 good,
                 "sequence\n1\n",
                 "call.csv:1: there is no column stop, and stop is required\n"},
        BadInput{
            "EmptyKey", {}, "id,name,code\nA,Astor,1\n,Bay,2\n", "", "stop.csv:3:1: id: empty, and id is the key\n"},
        BadInput{
            "EmptyRequiredField", {}, "id,name,code\nA,,1\n", "", "stop.csv:2:2: name: empty, and name is required\n"},
        BadInput{"EmptyRequiredReference",
                 {},
                 good,
                 "stop,sequence\n,1\n",
                 "call.csv:2:1: stop: empty, and stop is required\n"},
        BadInput{"WordForANumber", {}, "id,name,code\nA,Astor,one\n", "", "stop.csv:2:3: code: \"one\" is no u32\n"},
        BadInput{"NegativeForAnUnsignedNumber",
                 {},
                 "id,name,code\nA,Astor,-1\n",
                 "",
                 "stop.csv:2:3: code: \"-1\" is no u32\n"},
        BadInput{"NumberTooLarge",
                 {},
                 "id,name,code\nA,Astor,4294967296\n",
                 "",
                 "stop.csv:2:3: code: \"4294967296\" is no u32\n"},
        BadInput{"BlankBesideANumber", {}, "id,name,code\nA,Astor, 1\n", "", "stop.csv:2:3: code: \" 1\" is no u32\n"},
        BadInput{"UnitBehindANumber",
                 {},
                 "id,name,code,latitude\nA,Astor,1,40.5N\n",
                 "",
                 "stop.csv:2:4: latitude: \"40.5N\" is no f64\n"},
        BadInput{"UnknownVariant",
                 {},
                 "id,name,code,kind\nA,Astor,1,tunnel\n",
                 "",
                 "stop.csv:2:4: kind: \"tunnel\" is no variant of kind\n"},
        BadInput{"OutOfBounds",
                 {},
                 "id,name,code,level\nA,Astor,1,10\n",
                 "",
                 "stop.csv:2:4: level: 10 is not between -9 and 9\n"},
        BadInput{"DuplicateKey",
                 {},
                 "id,name,code\nA,Astor,1\nB,Bay,2\nA,Canal,3\n",
                 "",
                 "stop.csv:4:1: id: \"A\" is on line 2 already, and id is the key\n"},
        BadInput{"DuplicateUniqueValue",
                 {},
                 "id,name,code\nA,Astor,7\nB,Bay,07\n",
                 "",
                 "stop.csv:3:3: code: \"7\" is on line 2 already, and code is unique\n"},
        BadInput{"DefaultTwiceInAUniqueField",
                 {},
                 "id,name\nA,Astor\nB,Bay\n",
                 "",
                 "stop.csv:3: code: \"0\" is on line 2 already, and code is unique\n"},
        BadInput{"DuplicateTogether",
                 {},
                 good,
                 "stop,sequence\nA,1\nA,2\nA,01\n",
                 "call.csv:4: (stop, sequence): the same values are on line 2 already, and together they are unique\n"},
        BadInput{"DanglingKey",
                 {},
                 good,
                 "stop,sequence\nA,1\nX,2\n",
                 "call.csv:3:1: stop: no row of stop has the key \"X\"\n"},
        BadInput{"DanglingKeyInItsOwnTable",
                 {},
                 "id,name,code,parent\nA,Astor,1,A\nB,Bay,2,b\n",
                 "",
                 "stop.csv:3:4: parent: no row of stop has the key \"b\"\n"},
        BadInput{"TextAfterAQuote",
                 {},
                 "id,name,code\nA,\"Astor\" Place,1\n",
                 "",
                 "stop.csv:2:2: text after the closing quote at byte 9 of line 2, in cell 2 (name)\n"},
        BadInput{"QuoteInAPlainCell",
                 {},
                 "id,name,code\nA,As\"tor,1\n",
                 "",
                 "stop.csv:2:2: a quote inside a cell that does not begin with one at byte 4 of line 2, in cell 2 "
                 "(name)\n"},
        BadInput{"QuoteNeverClosed",
                 {},
                 "id,name,code\nA,\"Astor,1\nB,Bay,2\n",
                 "",
                 "stop.csv:2:2: a quote that is never closed at byte 2 of line 2, in cell 2 (name); lines 2 to 3 are "
                 "lost\n"},
        BadInput{"TooFewCells", {}, "id,name,code\nA,Astor\n", "", "stop.csv:2: 2 cells where the header has 3\n"},
        BadInput{"TooManyCells", {}, "id,name,code\nA,Astor,1,2\n", "", "stop.csv:2: 4 cells where the header has 3\n"},
        BadInput{"ColumnTwice",
                 {},
                 "id,name,id\nA,Astor,A\n",
                 "",
                 "stop.csv:1:3: the header has the name \"id\" in cell 1 already\n"},
        BadInput{"NothingAtAll", {}, "", "", "stop.csv: no header line\n"},
        BadInput{"LineOverTheLimit",
                 {"--line-limit", "24"},
                 "id,name,code\nA,Astor Place in Manhattan,1\n",
                 "",
                 "stop.csv:2: a record of more than 24 bytes\n"},
        BadInput{"InvalidUtf8",
                 {},
                 "id,name,code\nA,Ast\xFFor,1\n",
                 "",
                 "stop.csv:2:2: invalid UTF-8 at byte 5 of line 2, in cell 2 (name)\n"}),
    [](const auto& tested) { return tested.param.name; });

class ImportError : public CliTest {};

TEST_F(ImportError, DuplicateKeyNamesTheOtherFile) {
  write("a.csv", good);
  write("b.csv", "id,name,code\nA,Bay,2\n");
  EXPECT_EQ(import({"stop=a.csv", "stop=b.csv"}).err,
            "b.csv:2:1: id: \"A\" is on line 2 of a.csv already, and id is the key\n");
}

TEST_F(ImportError, KeysAndUniqueValuesOfTheDatabaseAreTaken) {
  write("stop.csv", good);
  write("call.csv", "stop,sequence\nA,1\n");
  ASSERT_EQ(import({"stop=stop.csv", "call=call.csv"}).status, 0);
  const std::string before = state();
  const Finished same_key = import({"stop=stop.csv"});
  EXPECT_EQ(same_key.status, 1);
  EXPECT_EQ(same_key.err, "stop.csv:2:1: id: \"A\" is in the database already, and id is the key\n");
  write("code.csv", "id,name,code\nB,Bay,1\n");
  EXPECT_EQ(import({"stop=code.csv"}).err,
            "code.csv:2:3: code: \"1\" is in the database already, and code is unique\n");
  EXPECT_EQ(
      import({"call=call.csv"}).err,
      "call.csv:2: (stop, sequence): the same values are in the database already, and together they are unique\n");
  EXPECT_EQ(state(), before);
}

TEST_F(ImportError, ReferenceToATableWithoutKeyCannotBeImported) {
  write("keyless.toml", R"([database]
name = "keyless"
[tables.a]
fields = [{ name = "x", type = "u32" }]
[tables.b]
fields = [{ name = "of", type = "entity", references = "a" }, { name = "any", type = "entity", references = "*" }]
)");
  write("of.csv", "of\n1\n");
  write("any.csv", "any\n1\n");
  const Finished of = stoa({"import", "world", "--schema", "keyless.toml", "b=of.csv"});
  EXPECT_EQ(of.status, 1);
  EXPECT_EQ(of.err, "of.csv:1:1: of refers to table a, which has no key\n");
  const Finished any = stoa({"import", "world", "--schema", "keyless.toml", "b=any.csv"});
  EXPECT_EQ(any.status, 1);
  EXPECT_EQ(any.err, "any.csv:1:1: any may refer to any entity, so no key stands for its target\n");
  EXPECT_FALSE(exists("world"));
}

TEST_F(ImportError, ZeroThatIsOutOfBoundsNeedsAColumnAndAValue) {
  write("bounds.toml", R"([database]
name = "bounds"
[tables.a]
fields = [
  { name = "x", type = "u32" },
  { name = "above", type = "u32", min = 1 },
  { name = "below", type = "f64", max = -0.5 },
  { name = "with_default", type = "i32", min = 1, default = 1 },
]
)");
  const auto run = [this](std::string_view text) {
    write("a.csv", text);
    return stoa({"import", "world", "--schema", "bounds.toml", "a=a.csv"});
  };
  const Finished no_column = run("x,below\n1,-1\n");
  EXPECT_EQ(no_column.status, 1);
  EXPECT_EQ(no_column.err,
            "a.csv:1: there is no column above, and above has no default, and zero is none of its values\n");
  EXPECT_EQ(run("x,above\n1,1\n").err,
            "a.csv:1: there is no column below, and below has no default, and zero is none of its values\n");
  EXPECT_EQ(run("x,above,below\n1,,-1\n").err,
            "a.csv:2:2: above: empty, and above has no default, and zero is none of its values\n");
  EXPECT_EQ(run("x,above,below\n1,1,\n").err,
            "a.csv:2:3: below: empty, and below has no default, and zero is none of its values\n");
  EXPECT_FALSE(exists("world"));
  EXPECT_EQ(run("x,above,below\n1,1,-1\n").status, 0);
}

// The file is looked at before the schema is read, from a pipe, and is another's when that ends: of the same content,
// which nobody can know.
TEST_F(ImportError, AFileThatIsWrittenMeanwhileIsRefused) {
  write("stop.csv", "id,name,code\nA,Astor,1\n");
  const std::string pipe = (folder() / "pipe.toml").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Finished done;
  std::thread run([&] { done = stoa({"import", "world", "--schema", "pipe.toml", "stop=stop.csv"}); });
  std::ofstream schema(pipe);  // waits until the run reads it
  const auto file = folder() / "stop.csv";
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(1));
  schema << stops_schema << std::flush;
  schema.close();
  run.join();
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "stop.csv: the file changed during the import\n");
  EXPECT_FALSE(exists("world"));
}

TEST_F(ImportError, OneBadRowAtTheEndOfALargeFileKeepsNothing) {
  std::string text = "id,name,code\n";
  for (int i = 0; i < 100'000; ++i) {
    const std::string number = std::to_string(i);
    text += number + ",x," + number + "\n";
  }
  write("stop.csv", text + "0,x,100000\n");
  const Finished done = import({"stop=stop.csv"});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "stop.csv:100002:1: id: \"0\" is on line 2 already, and id is the key\n");
  EXPECT_FALSE(exists("world"));
}

// The folder is not there when the first run looks, and is another's world when it opens it. A pipe holds it in
// between.
TEST_F(ImportError, ARunThatFailsLeavesAWorldThatAnotherMadeMeanwhile) {
  write("schema.toml", stops_schema);
  write("good.csv", "id,name,code\nA,Astor,1\n");
  write("bad.csv", "id,name,code\nB,Bay,none\n");
  const std::string pipe = (folder() / "pipe.toml").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Finished late;
  std::thread run([&] { late = stoa({"import", "world", "--schema", "pipe.toml", "stop=bad.csv"}); });
  std::ofstream schema(pipe);  // waits until the run reads it
  const Finished first = stoa({"import", "world", "--schema", "schema.toml", "stop=good.csv"});
  schema << stops_schema << std::flush;
  schema.close();
  run.join();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(late.status, 1) << late.err;
  EXPECT_EQ(stoa({"dump", "world", "stop"}).out, "id,name,code,kind,level,latitude,parent\nA,Astor,1,station,5,0,\n");
}

TEST_F(ImportError, AnInterruptedRunKeepsNothing) {
  write("schema.toml", stops_schema);
  std::string text = "id,name,code\n";
  for (int i = 0; i < 300'000; ++i) {
    const std::string number = std::to_string(i);
    text += number + ",x," + number + "\n";
  }
  write("stop.csv", text);
  const Finished done =
      run_program({STOA_PROGRAM, "import", "world", "--schema", "schema.toml", "stop=stop.csv"}, folder().string(),
                  {.signal = SIGTERM, .when = [this] { return exists("world/schema.toml"); }});
  EXPECT_EQ(done.status, 128 + SIGTERM);
  EXPECT_EQ(done.out, "");
  EXPECT_FALSE(exists("world"));
}

TEST_F(ImportError, IsToldToAProgramInJson) {
  write("stop.csv", "id,name,code\nA,Astor,one\n");
  const Finished done = import({"--json", "stop=stop.csv"});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, R"({"ok":false,"rows":0,"rows_left_out":0,"errors":[],"error":{"code":"invalid_argument",)"
                      R"("file":"stop.csv","line":2,"column":3,"reason":"code: \"one\" is no u32"}})"
                      "\n");
}

TEST_F(ImportError, DamagedZstdNamesTheFile) {
  write("stop.csv.zst", "id,name,code\n");
  const Finished done = import({"stop=stop.csv.zst"});
  EXPECT_EQ(done.status, 1);
  EXPECT_TRUE(done.err.starts_with("stop.csv.zst")) << done.err;
  EXPECT_FALSE(exists("world"));
}

TEST_F(ImportError, AnEmptyFolderIsEmptyAgainAfterIt) {
  std::filesystem::create_directory(folder() / "world");
  write("stop.csv", "id\nA\n");
  EXPECT_EQ(import({"stop=stop.csv"}).status, 1);
  EXPECT_TRUE(std::filesystem::is_empty(folder() / "world"));
}

}  // namespace
}  // namespace stoa::cli_test
