// `stoa diff`: what differs between two worlds, and nothing else; the same for people and for programs.
#include <stoa/stoa.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <string>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

class Diff : public CliTest {
 protected:
  /// The same world twice: stops A to D, which are 1:1, 0:1, 2:1 and 3:1, and a call at A, which is 4:1.
  void SetUp() override {
    CliTest::SetUp();
    write("stop.csv", "id,name,code,parent\nA,Astor,1,B\nB,Bay,2,\nC,Canal,3,\nD,Dyer,4,\n");
    write("call.csv", "stop,sequence\nA,1\n");
    ASSERT_EQ(import({"stop=stop.csv", "call=call.csv"}).status, 0);
    std::filesystem::copy(folder() / "world", folder() / "other");
  }
  void change(const std::string& name, const std::function<void(Transaction&, const Snapshot&)>& fill) {
    Database world = Database::open_existing(folder() / name).value();
    const Snapshot before = world.snapshot();
    Transaction transaction = world.begin();
    fill(transaction, before);
    const auto done = std::move(transaction).commit();
    ASSERT_TRUE(done) << done.error().message();
  }
  static Entity stop(const Snapshot& snapshot, const char* id) { return snapshot.find("stop", "id", id).value(); }
  Finished diff(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"diff", "world", "other"});
    return stoa(more);
  }
  static std::size_t lines(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }
  static constexpr std::string_view legend = "- only in A: world\n+ only in B: other\n~ differs, A -> B\n\n";
};

TEST_F(Diff, OfTheSameContentIsNone) {
  EXPECT_EQ(diff().out, "no differences\n");
  // Another way to the same rows: other versions, other archetypes on the way.
  change("other", [](Transaction& transaction, const Snapshot& now) {
    transaction.update("stop", stop(now, "A"), {{"name", "Other"}});
  });
  EXPECT_EQ(diff().status, 1);
  change("other", [](Transaction& transaction, const Snapshot& now) {
    transaction.update("stop", stop(now, "A"), {{"name", "Astor"}});
  });
  const Finished done = diff();
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.out, "no differences\n");
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(diff({"--json"}).out,
            R"({"kind":"summary","equal":true,"schema_differences":0,"entities":{"only_in_a":0,"only_in_b":0},)"
            R"("tables":[]})"
            "\n");
  EXPECT_EQ(stoa({"diff", "world", "world"}).status, 0);
}

TEST_F(Diff, NamesEntitiesRowsAndFieldsWithBothValues) {
  change("world", [](Transaction& transaction, const Snapshot& now) { transaction.destroy(stop(now, "C")); });
  change("other", [](Transaction& transaction, const Snapshot& now) {
    transaction.update("stop", stop(now, "A"), {{"name", "As\ntor"}, {"kind", "platform"}, {"parent", Entity()}});
    transaction.remove("call", Entity(4, 1));
    transaction.insert("stop", Entity(4, 1), {{"id", "E"}, {"name", "East"}, {"code", 5}});
  });
  const Finished done = diff();
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(done.out, std::string(legend) +
                          "+ entity 2:1\n"
                          "- call 4:1 stop=1:1 sequence=1 at=\"\"\n"
                          "~ stop 1:1 name=\"Astor\" -> \"As\\ntor\" kind=station -> platform parent=0:1 -> null\n"
                          "+ stop 2:1 id=\"C\" name=\"Canal\" code=3 kind=station level=5 latitude=0 parent=null\n"
                          "+ stop 4:1 id=\"E\" name=\"East\" code=5 kind=station level=5 latitude=0 parent=null\n"
                          "\n"
                          "             only in A     only in B        differ\n"
                          "entities             0             1             0\n"
                          "call                 1             0             0\n"
                          "stop                 0             2             1\n");
  const Finished json = diff({"--json"});
  EXPECT_EQ(json.status, 1);
  EXPECT_EQ(json.out,
            R"({"kind":"entity","only_in":"b","entity":"2:1"})"
            "\n"
            R"({"kind":"row","only_in":"a","table":"call","entity":"4:1","row":{"stop":"1:1","sequence":1,"at":""}})"
            "\n"
            R"({"kind":"row","table":"stop","entity":"1:1","fields":{"name":{"a":"Astor","b":"As\ntor"},)"
            R"("kind":{"a":"station","b":"platform"},"parent":{"a":"0:1","b":null}}})"
            "\n"
            R"({"kind":"row","only_in":"b","table":"stop","entity":"2:1","row":{"id":"C","name":"Canal","code":3,)"
            R"("kind":"station","level":5,"latitude":0,"parent":null}})"
            "\n"
            R"({"kind":"row","only_in":"b","table":"stop","entity":"4:1","row":{"id":"E","name":"East","code":5,)"
            R"("kind":"station","level":5,"latitude":0,"parent":null}})"
            "\n"
            R"({"kind":"summary","equal":false,"schema_differences":0,"entities":{"only_in_a":0,"only_in_b":1},)"
            R"("tables":[{"name":"call","only_in_a":1,"only_in_b":0,"differ":0},)"
            R"({"name":"stop","only_in_a":0,"only_in_b":2,"differ":1}]})"
            "\n");
}

TEST_F(Diff, SeesAnEntityWithoutRows) {
  change("world", [](Transaction& transaction, const Snapshot&) { (void)transaction.create(); });
  const Finished done = diff();
  EXPECT_EQ(done.status, 1);
  EXPECT_TRUE(done.out.starts_with(std::string(legend) + "- entity 5:1\n\n")) << done.out;
}

TEST_F(Diff, TellsEntitiesOfOneIndexApart) {
  change("other", [](Transaction& transaction, const Snapshot&) { transaction.destroy(Entity(4, 1)); });
  Entity successor;
  change("other", [&](Transaction& transaction, const Snapshot& now) {
    successor = transaction.create();
    transaction.insert("call", successor, {{"stop", stop(now, "A")}, {"sequence", 1}});
  });
  ASSERT_EQ(successor, Entity(4, 2));
  EXPECT_TRUE(diff().out.starts_with(std::string(legend) + "- entity 4:1\n"
                                                           "+ entity 4:2\n"
                                                           "- call 4:1 stop=1:1 sequence=1 at=\"\"\n"
                                                           "+ call 4:2 stop=1:1 sequence=1 at=\"\"\n\n"))
      << diff().out;
}

TEST_F(Diff, TellsValuesApartByTheirBits) {
  const auto set = [this](const std::string& name, double value) {
    change(name, [&](Transaction& transaction, const Snapshot& now) {
      transaction.update("stop", stop(now, "A"), {{"latitude", value}});
    });
  };
  set("world", 0.0);
  set("other", -0.0);
  EXPECT_NE(diff().out.find("latitude=0 -> -0\n"), std::string::npos) << diff().out;
  set("world", std::numeric_limits<double>::quiet_NaN());
  set("other", std::bit_cast<double>(std::uint64_t{0x7FF8'0000'0000'0001U}));
  const Finished done = diff();
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.out.find("latitude=nan -> nan:7ff8000000000001\n"), std::string::npos) << done.out;
  EXPECT_NE(diff({"--json"}).out.find(R"("latitude":{"a":"nan","b":"nan:7ff8000000000001"})"), std::string::npos);
  set("other", std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(diff().status, 0);
}

TEST_F(Diff, ShowsTheFirstOfManyAndCountsAll) {
  change("other", [](Transaction& transaction, const Snapshot&) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      transaction.insert("stop", transaction.create(),
                         {{"id", "s" + std::to_string(i)}, {"name", std::string(300, 'n')}, {"code", 100 + i}});
    }
  });
  const Finished done = diff();
  EXPECT_EQ(lines(done.out), 4U + 21 + 21 + 4);
  EXPECT_NE(done.out.find("\n... and 80 more entities; --all lists them\n"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("\n... and 80 more of stop; --all lists them\n"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("name=\"" + std::string(100, 'n') + "\"... (300 bytes) code="), std::string::npos);
  EXPECT_NE(done.out.find("\nstop                 0           100             0\n"), std::string::npos) << done.out;
  const Finished all = diff({"--all"});
  EXPECT_EQ(lines(all.out), 4U + 100 + 100 + 4);
  EXPECT_EQ(all.out.find("..."), std::string::npos);
  EXPECT_EQ(lines(diff({"--json"}).out), 201U);
}

TEST_F(Diff, OfSchemasThatDifferComparesWhatBothHave) {
  std::filesystem::remove_all(folder() / "other");
  std::string other(stops_schema);
  const auto replace = [&other](std::string_view from, std::string_view to) {
    ASSERT_NE(other.find(from), std::string::npos);
    other.replace(other.find(from), from.size(), to);
  };
  replace("name = \"level\", type = \"i32\", default = 5, min = -9, max = 9",
          "name = \"level\", type = \"i64\", default = 6");
  replace("  { name = \"latitude\", type = \"f64\" },\n", "");
  other += "[tables.gate]\nfields = [{ name = \"width\", type = \"u8\" }]\n";
  write("other.toml", other);
  write("gate.csv", "width\n3\n");
  write("stop.csv", "id,name,code,parent\nA,Astor,1,B\nB,Bay Street,2,\nC,Canal,3,\nD,Dyer,4,\n");
  ASSERT_EQ(
      stoa({"import", "other", "--schema", "other.toml", "stop=stop.csv", "call=call.csv", "gate=gate.csv"}).status, 0);
  const Finished done = diff();
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, std::string(legend) +
                          "~ schema: table gate is only in B\n"
                          "~ schema: field stop.level has another type in B: its values are not compared\n"
                          "~ schema: field stop.latitude is only in A\n"
                          "+ entity 5:1\n"
                          "+ gate 5:1 width=3\n"
                          "~ stop 0:1 name=\"Bay\" -> \"Bay Street\"\n"
                          "\n"
                          "the schemas differ\n"
                          "\n"
                          "             only in A     only in B        differ\n"
                          "entities             0             1             0\n"
                          "gate                 0             1             0\n"
                          "stop                 0             0             1\n");
  const Finished json = diff({"--json"});
  EXPECT_EQ(json.status, 1);
  EXPECT_TRUE(json.out.starts_with(R"({"kind":"schema","reason":"table gate is only in B"})"
                                   "\n"))
      << json.out;
  EXPECT_NE(json.out.find(R"({"kind":"summary","equal":false,"schema_differences":3,)"), std::string::npos) << json.out;
}

TEST_F(Diff, OfSchemasWhoseRulesDifferSaysSo) {
  std::filesystem::remove_all(folder() / "other");
  std::string other(stops_schema);
  other.replace(other.find("max = 9"), 7, "max = 8");
  write("other.toml", other);
  ASSERT_EQ(stoa({"import", "other", "--schema", "other.toml", "stop=stop.csv", "call=call.csv"}).status, 0);
  const Finished done = diff();
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, std::string(legend) +
                          "~ schema: rules, defaults, numbers, enum variants or storage differ\n"
                          "\n"
                          "the schemas differ\n");
}

TEST_F(Diff, ThatCannotBeMadeIsNoDifference) {
  EXPECT_EQ(stoa({"diff", "world"}).status, 2);
  const Finished nowhere = stoa({"diff", "world", "nowhere"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_EQ(nowhere.err, "nowhere: there is no database\n");
  EXPECT_EQ(nowhere.out, "");
  change("other", [](Transaction& transaction, const Snapshot&) { (void)transaction.create(); });
  const std::string name = "other/wal-00000000000000000001";
  std::string bytes = read(name);
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  write(name, bytes);
  for (const auto& call : std::vector<std::vector<std::string>>{{"diff", "world", "other", "--json"},
                                                                {"diff", "other", "world", "--json"}}) {
    const Finished damaged = stoa(call);
    EXPECT_EQ(damaged.status, 2) << "1 would say that they differ";
    EXPECT_TRUE(damaged.err.starts_with(name)) << damaged.err;
    EXPECT_TRUE(damaged.out.starts_with(R"({"ok":false,"error":{"code":"corrupt",)")) << damaged.out;
  }
}

TEST_F(Diff, ReadsBesideALiveOwner) {
  Database owner = Database::open_existing(folder() / "world").value();
  EXPECT_EQ(diff().status, 0);
  Transaction transaction = owner.begin();
  (void)transaction.create();
  ASSERT_TRUE(std::move(transaction).commit());
  EXPECT_EQ(diff().status, 1);
}

}  // namespace
}  // namespace stoa::cli_test
