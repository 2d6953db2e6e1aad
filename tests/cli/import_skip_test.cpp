// `stoa import --on-error skip`: which rows go, and what is said of them.
#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

class ImportSkip : public CliTest {
 protected:
  [[nodiscard]] Finished skip(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--on-error", "skip"});
    return import(std::move(arguments));
  }
};

TEST_F(ImportSkip, LeavesOutBadRowsAndReportsEach) {
  write("stop.csv",
        "id,name,code\n"
        "A,Astor,1\n"
        "B,Bay\n"
        "C,Canal,x\n"
        "D,\"Dean\"s,4\n"
        "E,East,5\n"
        "A,Again,6\n");
  const Finished done = skip({"stop=stop.csv"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err,
            "stop.csv:3: 2 cells where the header has 3\n"
            "stop.csv:4:3: code: \"x\" is no u32\n"
            "stop.csv:5:2: text after the closing quote at byte 8 of line 5, in cell 2 (name)\n"
            "stop.csv:7:1: id: \"A\" is on line 2 already, and id is the key\n"
            "stoa: 4 rows left out\n");
  EXPECT_EQ(stoa({"dump", "world", "stop"}).out,
            "id,name,code,kind,level,latitude,parent\nA,Astor,1,station,5,0,\nE,East,5,station,5,0,\n");
}

TEST_F(ImportSkip, TakesRowsAlongThatReferToOneLeftOut) {
  write("stop.csv",
        "id,name,code,parent\n"
        "A,Astor,1,B\n"
        "B,Bay,2,C\n"
        "C,Canal,x,\n"
        "D,Dean,4,\n"
        "E,East,5,D\n");
  write("call.csv", "stop,sequence\nA,1\nE,2\nX,3\n");
  const Finished done = skip({"call=call.csv", "stop=stop.csv"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err,
            "call.csv:2:1: stop: no row of stop has the key \"A\" (stop.csv:2 is left out)\n"
            "call.csv:4:1: stop: no row of stop has the key \"X\"\n"
            "stop.csv:2:4: parent: no row of stop has the key \"B\" (stop.csv:3 is left out)\n"
            "stop.csv:3:4: parent: no row of stop has the key \"C\" (stop.csv:4 is left out)\n"
            "stop.csv:4:3: code: \"x\" is no u32\n"
            "stoa: 5 rows left out\n");
  EXPECT_EQ(rows("stop"), 2U);
  EXPECT_EQ(rows("call"), 1U);
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
}

// Bad numbers are found at first, rows that refer to nothing after them, rows that refer to those at last, and those
// from the end: every third row is of a kind.
TEST_F(ImportSkip, TellsThoseThatStandFirstAndNotThoseFoundFirst) {
  std::string text = "id,name,code,parent\nR,root,0,\n";
  std::string expected;
  for (int i = 1; i <= 30; ++i) {
    const std::string line = std::to_string(i + 2);
    const std::string number = std::to_string(i);
    const std::string below = std::to_string(i + 3);  // it refers to one further down
    if (i % 3 == 1) {
      text += number + ",x,bad" + number + ",\n";
      if (i <= 20) expected += "stop.csv:" + line + ":3: code: \"bad" + number + "\" is no u32\n";
    } else if (i % 3 == 2) {
      text += number + ",x," + number + ",nobody\n";
      if (i <= 20) expected += "stop.csv:" + line + ":4: parent: no row of stop has the key \"nobody\"\n";
    } else {
      text += number + ",x," + number + "," + (i == 30 ? "29" : below) + "\n";
      if (i <= 20) {
        expected += "stop.csv:" + line + ":4: parent: no row of stop has the key \"" + below +
                    "\" (stop.csv:" + std::to_string(i + 5) + " is left out)\n";
      }
    }
  }
  write("stop.csv", text);
  write("more.csv", "id,name,code\nM,x,bad\n");
  const Finished done = skip({"stop=stop.csv", "stop=more.csv"});
  EXPECT_EQ(done.err, expected + "stoa: 31 rows left out; 11 of them not shown\n");
  EXPECT_EQ(rows("stop"), 1U);
}

TEST_F(ImportSkip, AKeyOfABadRowIsFreeForAnother) {
  write("stop.csv", "id,name,code,parent\nA,Astor,x,\nA,Bay,2,\nC,Canal,3,A\n");
  const Finished done = skip({"stop=stop.csv"});
  EXPECT_EQ(done.err, "stop.csv:2:3: code: \"x\" is no u32\nstoa: 1 row left out\n");
  EXPECT_EQ(rows("stop"), 2U);
}

// A row falls whose parent is nowhere, long after it has taken its values from another.
TEST_F(ImportSkip, AUniqueValueOfARowThatFallsIsFreeForAnother) {
  write("stop.csv", "id,name,code,parent\nA,Astor,7,missing\nB,Bay,7,\nC,Canal,7,\n");
  const Finished done = skip({"stop=stop.csv"});
  EXPECT_EQ(done.err,
            "stop.csv:2:4: parent: no row of stop has the key \"missing\"\n"
            "stop.csv:4:3: code: \"7\" is on line 3 already, and code is unique\n"
            "stoa: 2 rows left out\n");
  EXPECT_EQ(stoa({"dump", "world", "stop"}).out, "id,name,code,kind,level,latitude,parent\nB,Bay,7,station,5,0,\n");
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
}

TEST_F(ImportSkip, AKeyOfARowThatFallsIsFreeForAnother) {
  write("call.csv", "stop,sequence\nA,1\nA,1\nnowhere,1\n");
  write("stop.csv",
        "id,name,code,parent\n"
        "L,Leaf,1,A\n"
        "A,Astor,2,missing\n"
        "A,Again,3,L\n"
        "A,Bay,4,\n"
        "M,More,5,A\n");
  const Finished done = skip({"call=call.csv", "stop=stop.csv"});
  EXPECT_EQ(done.err,
            "call.csv:3: (stop, sequence): the same values are on line 2 already, and together they are unique\n"
            "call.csv:4:1: stop: no row of stop has the key \"nowhere\"\n"
            "stop.csv:3:4: parent: no row of stop has the key \"missing\"\n"
            "stop.csv:5:1: id: \"A\" is on line 4 already, and id is the key\n"
            "stoa: 4 rows left out\n");
  EXPECT_EQ(stoa({"dump", "world", "stop"}).out,
            "id,name,code,kind,level,latitude,parent\n"
            "L,Leaf,1,station,5,0,A\n"
            "A,Again,3,station,5,0,L\n"
            "M,More,5,station,5,0,A\n");
  EXPECT_EQ(stoa({"dump", "world", "call"}).out, "stop,sequence,at\nA,1,\n");
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
}

TEST_F(ImportSkip, ARowWaitsForAllOfItsValues) {
  const std::string text =
      "id,name,code,parent\n"
      "A,x,1,missing\n"
      "B,x,2,missing\n"
      "A,x,2,\n"
      "C,x,1,A\n";
  write("stop.csv", text);
  const Finished done = skip({"stop=stop.csv"});
  EXPECT_EQ(done.err,
            "stop.csv:2:4: parent: no row of stop has the key \"missing\"\n"
            "stop.csv:3:4: parent: no row of stop has the key \"missing\"\n"
            "stoa: 2 rows left out\n");
  EXPECT_EQ(stoa({"dump", "world", "stop"}).out,
            "id,name,code,kind,level,latitude,parent\nA,x,2,station,5,0,\nC,x,1,station,5,0,A\n");
}

TEST_F(ImportSkip, ARowThatGetsOneOfItsValuesStaysOut) {
  write("stop.csv", "id,name,code,parent\nA,x,1,missing\nB,x,2,\nA,x,2,\nC,x,1,A\n");
  const Finished done = skip({"stop=stop.csv"});
  EXPECT_EQ(done.err,
            "stop.csv:2:4: parent: no row of stop has the key \"missing\"\n"
            "stop.csv:4:3: code: \"2\" is on line 3 already, and code is unique\n"
            "stop.csv:5:4: parent: no row of stop has the key \"A\" (stop.csv:2 is left out)\n"
            "stoa: 3 rows left out\n");
  EXPECT_EQ(rows("stop"), 1U);
}

TEST_F(ImportSkip, ManyOfAKeyFallOneAfterTheOther) {
  constexpr int length = 200'000;
  std::string text = "id,name,code,parent\n";
  for (int i = 0; i < length; ++i) text += "A,x," + std::to_string(i) + ",nowhere\n";
  write("stop.csv", text + "A,last,200000,\nB,below,200001,A\n");
  const Finished done = skip({"stop=stop.csv"});
  EXPECT_EQ(done.status, 0);
  EXPECT_TRUE(done.err.ends_with("stoa: 200000 rows left out; 199980 of them not shown\n")) << done.err;
  EXPECT_EQ(stoa({"dump", "world", "stop"}).out,
            "id,name,code,kind,level,latitude,parent\n"
            "A,last,200000,station,5,0,\n"
            "B,below,200001,station,5,0,A\n");
}

TEST_F(ImportSkip, FollowsALongChainAtOnce) {
  constexpr int length = 200'000;
  std::string text = "id,name,code,parent\n";
  for (int i = 0; i < length; ++i) {
    const std::string number = std::to_string(i);
    text += number + ",x," + number + "," + std::to_string(i + 1) + "\n";
  }
  write("stop.csv", text);  // the last one's parent is not there
  const Finished done = skip({"stop=stop.csv"});
  EXPECT_EQ(done.status, 0);
  EXPECT_TRUE(done.err.ends_with("stoa: 200000 rows left out; 199980 of them not shown\n")) << done.err;
  EXPECT_TRUE(
      done.err.starts_with("stop.csv:2:4: parent: no row of stop has the key \"1\" (stop.csv:3 is left out)\n"
                           "stop.csv:3:4: "))
      << done.err;
  EXPECT_EQ(rows("stop"), 0U);
}

TEST_F(ImportSkip, TellsAProgramInJson) {
  write("stop.csv", "id,name,code\nA,Astor,one\nB,Bay,2\n");
  const Finished done = skip({"--json", "stop=stop.csv"});
  EXPECT_EQ(done.status, 0);
  EXPECT_TRUE(done.out.starts_with(
      R"({"ok":true,"version":1,"rows":1,"rows_left_out":1,"errors":[{"code":"invalid_argument","file":"stop.csv",)"
      R"("line":2,"column":3,"reason":"code: \"one\" is no u32"}],"files":[)"))
      << done.out;
}

TEST_F(ImportSkip, DoesNotPassOverADamagedFile) {
  write("stop.csv", "id,name,code\nA,Astor,1\n");
  write("call.csv.zst", "stop,sequence\n");
  const Finished done = skip({"stop=stop.csv", "call=call.csv.zst"});
  EXPECT_EQ(done.status, 1);
  EXPECT_FALSE(exists("world"));
}

}  // namespace
}  // namespace stoa::cli_test
