// `stoa checkpoint`, and what the other commands say of checkpoints.
#include <stoa/database.h>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

class CheckpointCommand : public CliTest {
 protected:
  void make_world() {
    write("stop.csv", "id,name,code\nA,Astor,1\nB,Bay,2\n");
    ASSERT_EQ(import({"stop=stop.csv"}).status, 0);
  }
  void add(const std::string& id, const std::string& code) {
    write("more.csv", "id,name,code\n" + id + ",More," + code + "\n");
    ASSERT_EQ(import({"stop=more.csv"}).status, 0);
  }
  static std::string name_of(std::string_view digit) {
    return "world/checkpoint-0000000000000000000" + std::string(digit);
  }
};

TEST_F(CheckpointCommand, SaysWhatItWroteAndDropped) {
  make_world();
  const Finished first = stoa({"checkpoint", "world"});
  EXPECT_EQ(first.status, 0) << first.err;
  const std::string size = std::to_string(read(name_of("1")).size());
  EXPECT_TRUE(first.out.starts_with("world: version 1, " + size + " bytes in ")) << first.out;
  EXPECT_TRUE(first.out.ends_with(" ms, 0 segments of the log dropped\n")) << first.out;
  add("C", "3");
  const std::string before = state();
  const Finished second = stoa({"checkpoint", "world", "--json"});
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_TRUE(second.out.starts_with(R"({"version":2,"bytes":)")) << second.out;
  EXPECT_TRUE(second.out.ends_with(",\"segments_dropped\":1,\"passed_by\":\"\"}\n")) << second.out;
  EXPECT_FALSE(exists("world/wal-00000000000000000001"));
  EXPECT_EQ(state(), before);
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
}

TEST_F(CheckpointCommand, InfoShowsThem) {
  make_world();
  ASSERT_EQ(stoa({"checkpoint", "world"}).status, 0);
  add("C", "3");
  const std::string size = std::to_string(read(name_of("1")).size());
  const Finished json = stoa({"info", "world", "--json"});
  EXPECT_NE(json.out.find(R"("recovery":{"checkpoint":1,"transactions":1,)"), std::string::npos) << json.out;
  EXPECT_NE(json.out.find(R"("checkpoints":[{"version":1,"bytes":)" + size + "}]"), std::string::npos) << json.out;
  const Finished text = stoa({"info", "world"});
  EXPECT_NE(text.out.find("\ncheckpoint version 1, "), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("\nrecovery   from version 1, 1 transaction from the log in "), std::string::npos);
}

TEST_F(CheckpointCommand, ADamagedOneIsToldAndReplaced) {
  make_world();
  ASSERT_EQ(stoa({"checkpoint", "world"}).status, 0);
  std::string bytes = read(name_of("1"));
  const std::string good = bytes;
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  write(name_of("1"), bytes);
  const std::string told = name_of("1") + " at byte 128: ";
  for (const char* command : {"info", "verify"}) {
    const Finished looked = stoa({command, "world"});
    EXPECT_EQ(looked.status, 0);
    EXPECT_NE(looked.out.find("passed by  " + told), std::string::npos) << looked.out;
  }
  const Finished done = stoa({"checkpoint", "world"});
  EXPECT_EQ(done.status, 0);
  EXPECT_NE(done.out.find("\nreplaces   " + told), std::string::npos) << done.out;
  EXPECT_EQ(read(name_of("1")), good);
  EXPECT_EQ(stoa({"info", "world"}).out.find("passed by"), std::string::npos);
}

TEST_F(CheckpointCommand, OfAWorldThatIsOpenOrNoneIsRefused) {
  make_world();
  EXPECT_EQ(stoa({"checkpoint", "nowhere"}).status, 2);
  EXPECT_FALSE(exists("nowhere"));
  const auto owner = Database::open_existing(folder() / "world");  // this test's process
  ASSERT_TRUE(owner.has_value()) << owner.error().message();
  const Finished refused = stoa({"checkpoint", "world"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.err, "world: another process has the folder open, or this one has it open twice\n");
  EXPECT_FALSE(exists(name_of("1")));
}

}  // namespace
}  // namespace stoa::cli_test
