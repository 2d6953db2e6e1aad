// Folders and files that the commands cannot use, and calls that make no sense: exit status 2, and nothing is changed.
#include <stoa/database.h>
#include <sys/mount.h>

#include <set>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

class Call : public CliTest {
 protected:
  void make_world() {
    write("stop.csv", "id,name,code\nA,Astor,1\n");
    ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
  }
  [[nodiscard]] std::set<std::string> names_in(const std::string& name) const {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder() / name)) {
      out.insert(entry.path().filename().string());
    }
    return out;
  }
};

TEST_F(Call, OfAWorldThatAnotherProcessHasIsRefusedForImportOnly) {
  make_world();
  const std::string before = state();
  auto owner = Database::open_existing(folder() / "world");  // this test's process
  ASSERT_TRUE(owner.has_value()) << owner.error().message();
  write("more.csv", "id,name,code\nB,Bay,2\n");
  const Finished refused = import({"stop=more.csv"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.err, "world: another process has the folder open, or this one has it open twice\n");

  Transaction transaction = owner->begin();
  transaction.insert("stop", transaction.create(), {{"id", "L"}, {"name", "Live"}, {"code", 9}});
  ASSERT_TRUE(std::move(transaction).commit().has_value());
  EXPECT_EQ(rows("stop"), 2U) << "info reads what the owner has committed";
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
  EXPECT_NE(stoa({"dump", "world", "stop"}).out.find("L,Live,9"), std::string::npos);
  EXPECT_NE(state(), before);
}

TEST_F(Call, OfAFolderThatIsNoWorld) {
  std::filesystem::create_directory(folder() / "world");
  write("world/letter.txt", "dear");
  write("stop.csv", "id,name,code\nA,Astor,1\n");
  const Finished done = import({"stop=stop.csv"});
  EXPECT_EQ(done.status, 2);
  EXPECT_EQ(done.err, "world: the folder is neither empty nor a database: it has letter.txt\n");
  EXPECT_EQ(read("world/letter.txt"), "dear");
  EXPECT_EQ(names_in("world"), std::set<std::string>{"letter.txt"}) << "not even a lock file";
  for (const char* command : {"info", "verify"}) {
    const Finished looked = stoa({command, "world"});
    EXPECT_EQ(looked.status, 2);
    EXPECT_EQ(looked.err, "world: the folder has files, and no schema.toml is among them\n");
  }
}

TEST_F(Call, OfAFileOrALinkToNowhere) {
  write("world", "dear");
  std::filesystem::create_symlink("nowhere", folder() / "link");
  write("schema.toml", stops_schema);
  write("stop.csv", "id,name,code\nA,Astor,1\n");
  for (const std::string name : {"world", "link"}) {
    const Finished done = stoa({"import", name, "--schema", "schema.toml", "stop=stop.csv"});
    EXPECT_EQ(done.status, 2);
    EXPECT_EQ(done.err, name + ": there is something of that name, and it is no folder\n");
    EXPECT_EQ(stoa({"info", name}).status, 2);
  }
  EXPECT_EQ(read("world"), "dear");
  EXPECT_FALSE(exists("nowhere"));
}

// Programs keep their schemas in files of that name.
TEST_F(Call, OfAFolderWithASchemaThatIsNoWorld) {
  std::filesystem::create_directory(folder() / "world");
  write("world/schema.toml", stops_schema);
  write("schema.toml", stops_schema);
  write("stop.csv", "id,name,code\nA,Astor,1\n");
  const std::string why = "world: the folder has a schema.toml, and neither a lock nor a log\n";
  for (const std::vector<std::string>& call :
       std::vector<std::vector<std::string>>{{"info", "world"},
                                             {"verify", "world"},
                                             {"checkpoint", "world"},
                                             {"import", "world", "stop=stop.csv"},
                                             {"import", "world", "--schema", "schema.toml", "stop=stop.csv"}}) {
    const Finished done = stoa(call);
    EXPECT_EQ(done.status, 2) << call.front();
    EXPECT_EQ(done.err, why) << call.front();
  }
  EXPECT_EQ(names_in("world"), std::set<std::string>{"schema.toml"}) << "not even a lock file";
}

TEST_F(Call, OfAWorldThatIsNotThere) {
  for (const std::vector<std::string>& call :
       std::vector<std::vector<std::string>>{{"info", "world"}, {"verify", "world"}, {"dump", "world", "stop"}}) {
    const Finished done = stoa(call);
    EXPECT_EQ(done.status, 2) << call.front();
    EXPECT_EQ(done.err, "world: there is no database\n");
  }
  write("stop.csv", "id\nA\n");
  const Finished import_done = stoa({"import", "world", "stop=stop.csv"});
  EXPECT_EQ(import_done.status, 2);
  EXPECT_EQ(import_done.err, "world: there is no database; a new one needs --schema\n");
  EXPECT_FALSE(exists("world"));
}

TEST_F(Call, WithAnotherSchemaThanTheWorlds) {
  make_world();
  const std::string before = state();
  write("other.toml", "[database]\nname = \"other\"\n[tables.a]\nfields = [{ name = \"x\", type = \"u32\" }]\n");
  write("a.csv", "x\n1\n");
  const Finished done = stoa({"import", "world", "--schema", "other.toml", "a=a.csv"});
  EXPECT_EQ(done.status, 2);
  EXPECT_TRUE(done.err.starts_with("world/schema.toml: ")) << done.err;
  EXPECT_EQ(state(), before);
}

TEST_F(Call, WithAFileThatIsNotThere) {
  const Finished done = import({"stop=nowhere.csv"});
  EXPECT_EQ(done.status, 2);
  EXPECT_EQ(done.err, "nowhere.csv: there is no such file\n");
  EXPECT_FALSE(exists("world"));
  std::filesystem::create_directory(folder() / "stop.csv");
  const Finished directory = import({"stop=stop.csv"});
  EXPECT_EQ(directory.status, 2);
  EXPECT_EQ(directory.err, "stop.csv: not a plain file, and an import reads its files twice\n");
}

TEST_F(Call, WithAFileThatCannotBeReachedSaysWhy) {
  write("plain", "");
  std::filesystem::create_symlink("loop", folder() / "loop");
  const std::string long_name(300, 'x');
  for (const auto& [file, why] :
       std::vector<std::pair<std::string, std::string>>{{"plain/stop.csv", "Not a directory"},
                                                        {"loop", "Too many levels of symbolic links"},
                                                        {long_name, "File name too long"}}) {
    const Finished done = import({"stop=" + file});
    EXPECT_EQ(done.status, 2);
    EXPECT_EQ(done.err, file + ": " + why + "\n");
    EXPECT_FALSE(exists("world"));
  }
}

TEST_F(Call, WithATableThatIsNotThere) {
  write("stop.csv", "id,name,code\nA,Astor,1\n");
  const Finished done = import({"halt=stop.csv"});
  EXPECT_EQ(done.status, 2);
  EXPECT_EQ(done.err, "stoa: not found: table halt\n");
  EXPECT_FALSE(exists("world"));
  make_world();
  EXPECT_EQ(stoa({"dump", "world", "halt"}).err, "stoa: not found: table halt\n");
}

TEST_F(Call, OnADiskThatCannotBeWritten) {
  make_world();
  const std::string before = state();
  const std::string world = (folder() / "world").string();
  // Root may write where a mode forbids it, so it takes a mount.
  if (mount(world.c_str(), world.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "mounting needs root, and a container that lets it";
  }
  const bool read_only = mount(nullptr, world.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  write("more.csv", "id,name,code\nB,Bay,2\n");
  const Finished done = import({"stop=more.csv"});
  const std::string seen = state();
  const int verified = stoa({"verify", "world"}).status;
  umount(world.c_str());
  if (!read_only) GTEST_SKIP() << "this mount cannot be made read-only";
  EXPECT_EQ(done.status, 2);
  EXPECT_NE(done.err.find("world/LOCK"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("Read-only file system"), std::string::npos) << done.err;
  EXPECT_EQ(seen, before);
  EXPECT_EQ(verified, 0);
}

TEST_F(Call, ThatMakesNoSense) {
  for (const std::vector<std::string>& call :
       std::vector<std::vector<std::string>>{{},
                                             {"frobnicate"},
                                             {"check"},
                                             {"check", "a.toml", "--colour"},
                                             {"import", "world"},
                                             {"import", "world", "stop"},
                                             {"import", "world", "=stop.csv"},
                                             {"import", "world", "stop="},
                                             {"import", "world", "stop=stop.csv", "--on-error", "panic"},
                                             {"import", "world", "stop=stop.csv", "--line-limit", "0"},
                                             {"import", "world", "stop=stop.csv", "--line-limit", "many"},
                                             {"dump", "world"},
                                             {"dump", "world", "stop", "--format", "xml"}}) {
    const Finished done = stoa(call);
    EXPECT_EQ(done.status, 2) << testing::PrintToString(call);
    EXPECT_EQ(done.out, "") << testing::PrintToString(call);
    const bool known = !call.empty() && call[0] != "frobnicate";
    const std::string hint = "stoa: stoa " + (known ? call[0] + " " : "") + "--help says how it is called\n";
    EXPECT_TRUE(done.err.ends_with(hint)) << done.err;
  }
  EXPECT_EQ(stoa({"frobnicate"}).err,
            "stoa: there is no command \"frobnicate\"; there are check, import, info, dump, log, diff, verify and "
            "checkpoint\n"
            "stoa: stoa --help says how it is called\n");
  EXPECT_EQ(stoa({"dump", "world", "stop", "--format", "xml"}).err,
            "stoa: --format: it is csv or json, and not \"xml\"\nstoa: stoa dump --help says how it is called\n");
  EXPECT_FALSE(exists("world"));
}

TEST_F(Call, ForHelpIsAnsweredEverywhere) {
  const Finished version = stoa({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(version.out.starts_with("stoa ")) << version.out;
  EXPECT_NE(stoa({"--help"}).out.find("Exit status: 0 done"), std::string::npos);
  for (const char* command : {"check", "import", "info", "dump", "log", "diff", "verify"}) {
    const Finished done = stoa({command, "--help"});
    EXPECT_EQ(done.status, 0) << command;
    EXPECT_NE(done.out.find("Usage: stoa " + std::string(command)), std::string::npos) << done.out;
  }
}

}  // namespace
}  // namespace stoa::cli_test
