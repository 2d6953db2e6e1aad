// `stoa import` of files that are right: what becomes of their rows.
#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

class Import : public CliTest {};

constexpr std::string_view two_stops =
    "id,name,code\n"
    "A,Astor,1\n"
    "B,\"Bay, \"\"the\"\" old\",2\n";

TEST_F(Import, MakesANewFolderAndARowOfEachRecord) {
  write("stop.csv", two_stops);
  const Finished done = import({"stop=stop.csv"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(rows("stop"), 2U);
  EXPECT_EQ(rows("call"), 0U);
  const Finished dumped = stoa({"dump", "world", "stop", "--format", "json"});
  EXPECT_EQ(dumped.out,
            R"({"id":"A","name":"Astor","code":1,"kind":"station","level":5,"latitude":0,"parent":null})"
            "\n"
            R"({"id":"B","name":"Bay, \"the\" old","code":2,"kind":"station","level":5,"latitude":0,"parent":null})"
            "\n");
}

TEST_F(Import, MatchesColumnsByNameAndGivesDefaultsForEmptyCells) {
  write("stop.csv",
        "latitude,level,kind,code,name,id\n"
        "40.889248,,platform,1,Astor,A\n"
        "-1e3,-9,,2,Bay,B\n");
  ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
  EXPECT_EQ(stoa({"dump", "world", "stop"}).out,
            "id,name,code,kind,level,latitude,parent\n"
            "A,Astor,1,platform,5,40.889248,\n"
            "B,Bay,2,station,-9,-1000,\n");
}

TEST_F(Import, FindsKeysThatComeLaterInTheSameFileAndInAnother) {
  write("call.csv",
        "stop,sequence,at\n"
        "C,1,26:10:00\n"
        "A,1,07:00:00\n");
  write("stop.csv",
        "id,name,code,parent\n"
        "A,Astor,1,B\n"
        "B,Bay,2,C\n"
        "C,Canal,3,C\n");
  const Finished done = import({"call=call.csv", "stop=stop.csv"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(stoa({"dump", "world", "call"}).out,
            "stop,sequence,at\n"
            "C,1,26:10:00\n"
            "A,1,07:00:00\n");
  const std::string stops = stoa({"dump", "world", "stop"}).out;
  EXPECT_NE(stops.find("A,Astor,1,station,5,0,B\n"), std::string::npos) << stops;
  EXPECT_NE(stops.find("C,Canal,3,station,5,0,C\n"), std::string::npos) << stops;
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
}

TEST_F(Import, GoesOnInAFolderThatExistsWithItsOwnSchema) {
  write("stop.csv", two_stops);
  ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
  write("call.csv", "stop,sequence\nB,1\n");
  const Finished done = stoa({"import", "world", "call=call.csv"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_NE(done.out.find("world is at version 2"), std::string::npos) << done.out;
  EXPECT_EQ(stoa({"dump", "world", "call"}).out, "stop,sequence,at\nB,1,\n");
}

TEST_F(Import, TakesAByteOrderMarkAndCarriageReturns) {
  write("stop.csv", "\xEF\xBB\xBFid,name,code\r\nA,Astor,1\r\nB,\"two\r\nlines\",2\r\n");
  ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
  EXPECT_NE(stoa({"dump", "world", "stop", "--format", "json"}).out.find(R"("name":"two\r\nlines")"),
            std::string::npos);
}

TEST_F(Import, LeavesUnknownColumnsOutWhereItIsTold) {
  write("stop.csv", "id,colour,name,code\nA,red,Astor,1\n");
  ASSERT_EQ(import({"--ignore-unknown", "stop=stop.csv"}).status, 0);
  EXPECT_EQ(rows("stop"), 1U);
}

TEST_F(Import, TakesTwoFilesForOneTable) {
  write("a.csv", "id,name,code\nA,Astor,1\n");
  write("b.csv", "id,name,code,parent\nB,Bay,2,A\n");
  ASSERT_EQ(import({"stop=a.csv", "stop=b.csv"}).status, 0);
  EXPECT_EQ(rows("stop"), 2U);
}

TEST_F(Import, OfNoRowsMakesAnEmptyDatabase) {
  write("stop.csv", "id,name,code\n");
  const Finished done = import({"stop=stop.csv"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(rows("stop"), 0U);
}

TEST_F(Import, TellsAProgramInJson) {
  write("stop.csv", two_stops);
  const Finished done = import({"--json", "stop=stop.csv"});
  EXPECT_TRUE(done.out.starts_with(R"({"ok":true,"version":1,"rows":2,"rows_left_out":0,"errors":[],)"
                                   R"("files":[{"table":"stop","file":"stop.csv","rows":2,"rows_left_out":0}],)"
                                   R"("seconds":)"))
      << done.out;
}

TEST_F(Import, ShowsProgressWhereItIsAsked) {
  std::string text = "id,name,code\n";
  for (int i = 0; i < 3000; ++i) {
    const std::string number = std::to_string(i);
    text += number + ",x," + number + "\n";
  }
  write("stop.csv", text);
  const Finished done = import({"--progress", "stop=stop.csv"});
  EXPECT_NE(done.err.find("checking: 1024 rows, "), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("loading: 1024 rows, "), std::string::npos) << done.err;
  // The end of a pass, too: it need not come a second after its beginning.
  EXPECT_NE(done.err.find("checking: 3000 rows, "), std::string::npos) << done.err;
  EXPECT_NE(done.err.find(" rows/s, 50 %\n"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("loading: 3000 rows, "), std::string::npos) << done.err;
  EXPECT_TRUE(done.err.ends_with(" rows/s, 100 %\n")) << done.err;
}

// The feed of the demo: from zstd, with keys that come in other files.
TEST_F(Import, ReadsTheSubwaysStopTimes) {
  const std::string data = STOA_DATA_DIR "/nyc-subway/";
  std::string stop_times = data + "stop_times.csv.zst";
  std::uint64_t expected = 565'093;
#if defined(__SANITIZE_ADDRESS__)
  // All of it takes over a minute here: its beginning.
  expected = 20'000;
  const std::string part = (folder() / "stop_times.csv").string();
  const std::string cut = "zstd -dcq " + stop_times + " 2>/dev/null | head -n " + std::to_string(expected + 1) + " >" +
                          part + " && zstd -q " + part;
  ASSERT_EQ(std::system(cut.c_str()), 0) << cut;
  stop_times = part + ".zst";
#endif
  write("schema.toml", R"([database]
name = "subway"
[tables.stop]
fields = [{ name = "stop_id", type = "text", key = true }, { name = "stop_name", type = "text" },
          { name = "stop_lat", type = "f64" }, { name = "stop_lon", type = "f64" },
          { name = "location_type", type = "u8" }, { name = "parent_station", type = "entity", references = "stop" }]
[tables.trip]
fields = [{ name = "trip_id", type = "text", key = true }, { name = "shape_id", type = "text" }]
[tables.stop_time]
fields = [{ name = "trip_id", type = "entity", references = "trip", required = true, on_delete = "cascade" },
          { name = "stop_id", type = "entity", references = "stop", required = true },
          { name = "arrival_time", type = "text" }, { name = "departure_time", type = "text" },
          { name = "stop_sequence", type = "u32" }]
)");
  const Finished done = stoa({"import", "world", "--schema", "schema.toml", "--ignore-unknown",
                              "stop_time=" + stop_times, "stop=" + data + "stops.csv", "trip=" + data + "trips.csv"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(rows("stop_time"), expected);
  EXPECT_EQ(rows("stop"), 1488U);
  EXPECT_EQ(rows("trip"), 20'621U);
}

}  // namespace
}  // namespace stoa::cli_test
