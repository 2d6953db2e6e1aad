// `stoa log`: what was committed, for people and for programs; from a version on, and on and on.
#include <signal.h>
#include <stoa/stoa.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <string>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

class Log : public CliTest {
 protected:
  void make_world() {
    write("stop.csv", "id,name,code,parent\nA,\"As\ttor\",1,B\nB,Bay,2,\n");
    ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
  }
  /// The world, owned by this process.
  Database own() { return Database::open_existing(folder() / "world").value(); }
  static void commit(Database& world, const std::function<void(Transaction&)>& fill) {
    Transaction transaction = world.begin();
    fill(transaction);
    ASSERT_TRUE(std::move(transaction).commit());
  }
  /// A transaction that makes so many stops.
  static void add_stops(Database& world, int count) {
    commit(world, [&](Transaction& transaction) {
      const auto base = static_cast<std::uint32_t>(world.version() * 10'000 + 100);
      for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); ++i) {
        const std::string id = "s" + std::to_string(base + i);
        transaction.insert("stop", transaction.create(), {{"id", id}, {"name", "Stop"}, {"code", base + i}});
      }
    });
  }
  static std::string without_times(const std::string& text) {
    return std::regex_replace(text, std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{9}Z"), "TIME");
  }
  static std::size_t lines(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }
};

TEST_F(Log, TellsEachTransactionInLinesForPeople) {
  make_world();
  {
    Database world = own();
    const Entity a = world.snapshot().find("stop", "id", "A").value();
    commit(world, [&](Transaction& transaction) {
      transaction.update("stop", a, {{"name", "Astor"}, {"kind", "platform"}});
      transaction.tag(42);
    });
    commit(world, [&](Transaction& transaction) { transaction.destroy(a); });
  }
  const Finished done = stoa({"log", "world"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(without_times(done.out),
            "version 1  TIME  4 operations  70 bytes\n"
            "  create  1:1\n"
            "  insert  1:1  stop  id=\"A\" name=\"As\\ttor\" code=1 kind=station level=5 latitude=0 parent=0:1\n"
            "  create  0:1\n"
            "  insert  0:1  stop  id=\"B\" name=\"Bay\" code=2 kind=station level=5 latitude=0 parent=null\n"
            "version 2  TIME  tag 42  1 operation  13 bytes\n"
            "  update  1:1  stop  name=\"Astor\" kind=platform\n"
            "version 3  TIME  1 operation  3 bytes\n"
            "  delete  1:1\n");
}

TEST_F(Log, TellsProgramsTheSameInAnObjectALine) {
  make_world();
  {
    Database world = own();
    const Entity a = world.snapshot().find("stop", "id", "A").value();
    commit(world, [&](Transaction& transaction) {
      transaction.update("stop", a, {{"name", "Astor"}, {"kind", "platform"}});
      transaction.tag(42);
    });
    commit(world, [&](Transaction& transaction) { transaction.remove("stop", a); });
    add_stops(world, 30);
  }
  const Finished done = stoa({"log", "world", "--json"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(lines(done.out), 4U);
  const std::string out = without_times(done.out);
  EXPECT_TRUE(out.starts_with(
      R"({"version":1,"time":"TIME","tag":0,"bytes":70,"operations":[{"operation":"create","entity":"1:1"},)"
      R"({"operation":"insert","entity":"1:1","table":"stop","fields":{"id":"A","name":"As\ttor","code":1,)"
      R"("kind":"station","level":5,"latitude":0,"parent":"0:1"}},)"))
      << out;
  EXPECT_NE(out.find(R"({"version":2,"time":"TIME","tag":42,"bytes":13,"operations":[{"operation":"update",)"
                     R"("entity":"1:1","table":"stop","fields":{"name":"Astor","kind":"platform"}}]})"
                     "\n"),
            std::string::npos)
      << out;
  EXPECT_NE(out.find(R"([{"operation":"remove","entity":"1:1","table":"stop"}]})"), std::string::npos) << out;
  EXPECT_NE(out.find("s30129"), std::string::npos) << "all of a bulk transaction: " << out;
}

TEST_F(Log, ShowsTheFirstOperationsOfABulkTransactionUnlessAllAreWanted) {
  make_world();
  {
    Database world = own();
    add_stops(world, 500);
    commit(world, [&](Transaction& transaction) {
      transaction.insert("stop", transaction.create(),
                         {{"id", "L"}, {"name", std::string(99, 'x') + "\xc3\xa9" + std::string(99, 'y')}});
    });
  }
  const Finished done = stoa({"log", "world", "--from", "2"});
  EXPECT_EQ(lines(done.out), 1U + 20 + 1 + 3);
  EXPECT_NE(done.out.find("\n  ... and 980 more; --all lists them\nversion 3"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("name=\"" + std::string(99, 'x') + "\"... (200 bytes)"), std::string::npos) << done.out;
  const Finished all = stoa({"log", "world", "--from", "2", "--all"});
  EXPECT_EQ(lines(all.out), 1U + 1000 + 3);
  EXPECT_EQ(all.out.find("..."), std::string::npos);
}

TEST_F(Log, BeginsAtTheVersionThatIsAskedFor) {
  make_world();
  {
    Database world = own();
    for (int i = 0; i < 5; ++i) add_stops(world, 1);
  }
  for (int from = 1; from <= 8; ++from) {
    const Finished done = stoa({"log", "world", "--from", std::to_string(from), "--json"});
    EXPECT_EQ(done.status, 0);
    EXPECT_EQ(lines(done.out), static_cast<std::size_t>(std::max(0, 7 - from)));
    if (from <= 6) {
      EXPECT_TRUE(done.out.starts_with("{\"version\":" + std::to_string(from) + ',')) << done.out;
    }
  }
}

TEST_F(Log, OfATrimmedLogSaysFromWhichVersionOnItIsThere) {
  make_world();
  for (int i = 0; i < 2; ++i) {
    Database world = own();
    add_stops(world, 1);
  }
  std::filesystem::remove(folder() / "world/wal-00000000000000000001");
  const Finished done = stoa({"log", "world", "--from", "1"});
  EXPECT_EQ(done.status, 2);
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(done.err, "world: the log is there from version 2 on\n");
  EXPECT_EQ(stoa({"log", "world", "--from", "1", "--json"}).out,
            R"({"ok":false,"error":{"code":"history_gone","file":"world","reason":)"
            R"("the log is there from version 2 on"}})"
            "\n");
  EXPECT_TRUE(stoa({"log", "world"}).out.starts_with("version 2  "));
}

TEST_F(Log, ShowsWhatIsBeforeDamageAndThenSaysWhereThatIs) {
  make_world();
  for (int i = 0; i < 2; ++i) {
    Database world = own();
    add_stops(world, 1);
  }
  const std::string name = "world/wal-00000000000000000002";
  std::string bytes = read(name);
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  write(name, bytes);
  for (const bool json : {false, true}) {
    const Finished done =
        stoa(json ? std::vector<std::string>{"log", "world", "--json"} : std::vector<std::string>{"log", "world"});
    EXPECT_EQ(done.status, 1);
    EXPECT_TRUE(done.err.starts_with(name + " at byte 128: ")) << done.err;
    EXPECT_TRUE(done.out.starts_with(json ? "{\"version\":1," : "version 1 ")) << done.out;
    EXPECT_EQ(done.out.find(json ? "{\"version\":2," : "version 2 "), std::string::npos) << done.out;
    EXPECT_EQ(done.out.find(R"({"ok":false,"error":{"code":"corrupt","file":"world/wal-)") != std::string::npos, json);
  }
}

TEST_F(Log, LeavesOutATornEnd) {
  make_world();
  const std::string name = "world/wal-00000000000000000001";
  const std::string whole = read(name);
  write(name, whole.substr(0, whole.size() - 56 - 1));  // the seal, and the last byte of the transaction
  const Finished done = stoa({"log", "world"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.out + done.err, "");
  write(name, whole.substr(0, whole.size() - 56));
  EXPECT_EQ(lines(stoa({"log", "world"}).out), 5U);
}

TEST_F(Log, OfWhatIsNoDatabaseIsAnError) {
  const Finished nothing = stoa({"log", "world"});
  EXPECT_EQ(nothing.status, 2);
  EXPECT_EQ(nothing.err, "world: there is no database\n");
  std::filesystem::create_directory(folder() / "world");
  write("world/letter.txt", "dear");
  const Finished foreign = stoa({"log", "world", "--follow"});
  EXPECT_EQ(foreign.status, 2);
  EXPECT_EQ(foreign.err, "world: the folder has files, and no schema.toml is among them\n");
  for (const char* from : {"-1", "x", "1.5", "0x2", "", " 3", "3 ", "18446744073709551616"}) {
    const Finished done = stoa({"log", "world", "--from", from});
    EXPECT_EQ(done.status, 2) << from;
    EXPECT_TRUE(done.err.ends_with("stoa log --help says how it is called\n")) << done.err;
  }
}

class Follow : public Log {
 protected:
  /// Runs `stoa log world --follow` with its output in a file, and calls `step` again and again with that output until
  /// it returns true; then ends it with SIGINT.
  Finished follow(const std::vector<std::string>& more, const std::function<bool(const std::string&)>& step) {
    std::string command = "exec " STOA_PROGRAM " log world --follow";
    for (const std::string& argument : more) command += ' ' + argument;
    Interruption interruption{.signal = SIGINT, .when = [&] { return step(exists("out") ? read("out") : ""); }};
    Finished done = run_program({"/bin/sh", "-c", command + " > out"}, folder().string(), interruption);
    done.out = read("out");
    return done;
  }
};

TEST_F(Follow, ShowsWhatIsCommittedMeanwhileAndEndsWellWhenItIsInterrupted) {
  make_world();
  Options options;
  options.segment_bytes_max = 4096;
  std::optional<Database> world = Database::open_existing(folder() / "world", options).value();
  std::size_t versions = 1;
  const Finished done = follow({"--json"}, [&](const std::string& out) {
    if (lines(out) < versions) return false;
    if (versions == 9) {  // another owner
      world.reset();
      world = Database::open_existing(folder() / "world", options).value();
    }
    if (versions == 15) return true;
    add_stops(*world, 30);
    ++versions;
    return false;
  });
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.err, "");
  std::size_t at = 0;
  for (std::size_t version = 1; version <= 15; ++version) {
    EXPECT_EQ(done.out.find("{\"version\":" + std::to_string(version) + ",", at), at);
    at = done.out.find('\n', at) + 1;
  }
  EXPECT_EQ(at, done.out.size());
  EXPECT_TRUE(exists("world/wal-00000000000000000004"));
}

TEST_F(Follow, OfAWorldWithoutCommitsWaitsForTheFirst) {
  write("schema.toml", stops_schema);
  auto world = Database::open(folder() / "world", Schema::from_toml_file(folder() / "schema.toml").value()).value();
  int looks = 0;
  const Finished done = follow({}, [&](const std::string& out) {
    if (++looks == 100) add_stops(world, 1);
    return lines(out) == 3;
  });
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(done.out.starts_with("version 1 ")) << done.out;
}

TEST_F(Follow, EndsWhenNobodyReadsItsOutput) {
  make_world();
  const Finished done =
      run_program({"/bin/sh", "-c", STOA_PROGRAM " log world --follow | head -n 1; echo ended"}, folder().string());
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err, "");
  EXPECT_TRUE(done.out.starts_with("version 1 ")) << done.out;
  EXPECT_TRUE(done.out.ends_with("\nended\n")) << done.out;
}

TEST_F(Follow, EndsWithAnErrorWhenTheWorldIsRemoved) {
  make_world();
  bool removed = false;
  const Finished done = follow({}, [&](const std::string& out) {
    if (lines(out) == 5 && !removed) removed = Database::remove(folder() / "world").has_value();
    return false;
  });
  EXPECT_EQ(done.status, 2);
  EXPECT_NE(done.err.find("world"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace stoa::cli_test
