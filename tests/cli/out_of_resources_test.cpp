// Where the machine gives out in the middle: an error with its reason, and nothing that a run made is left behind.
#include <gmock/gmock.h>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

using ::testing::HasSubstr;

class OutOf : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    write("schema.toml", stops_schema);
    write("stop.csv", "id,name,code\nA,Astor,1\n");
  }
  /// `stoa` and these words, as a shell runs them under a limit or into another place.
  [[nodiscard]] Finished shell(const std::string& before, const std::string& words) const {
    return run_program({"/bin/sh", "-c", before + "exec " STOA_PROGRAM " " + words}, folder().string());
  }
  static constexpr const char* import_call = "import world --schema schema.toml stop=stop.csv";
};

// A thread's stack is as large as the limit says, and there is not that much room.
TEST_F(OutOf, ThreadsLeavesNothing) {
  const Finished done = shell("ulimit -s 1000000000000 && ", import_call);
  EXPECT_EQ(done.status, 2);
  EXPECT_EQ(done.err, "stoa: the system has no thread to spare\n");
  EXPECT_FALSE(exists("world"));
}

TEST_F(OutOf, DescriptorsLeavesNothing) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer wants descriptors of its own when the program ends, and has its status otherwise";
#endif
  bool failed = false;
  bool done_once = false;
  for (int limit = 3; limit < 12; ++limit) {
    SCOPED_TRACE(limit);
    const Finished done = shell("ulimit -n " + std::to_string(limit) + " && ", import_call);
    if (done.status == 0) {
      done_once = true;
      break;
    }
    if (done.status == 2) failed = true;  // and not for want of the program's own libraries
    EXPECT_FALSE(exists("world"));
  }
  EXPECT_TRUE(failed && done_once);
}

// The room is taken away step by step, so that it is wanting in the middle of each part of a run.
TEST_F(OutOf, MemoryLeavesNothing) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs more room than there is";
#endif
  std::string text = "id,name,code\n";
  for (int i = 0; i < 100'000; ++i) {
    const std::string number = std::to_string(i);
    text += number + ",x," + number + "\n";
  }
  write("stop.csv", text);
  int told = 0;
  for (int kilobytes = 100'000; kilobytes > 8'000; kilobytes -= 8'000) {
    SCOPED_TRACE(kilobytes);
    const Finished done = shell("ulimit -v " + std::to_string(kilobytes) + " && ", import_call);
    if (done.status == 0) {
      std::filesystem::remove_all(folder() / "world");
      continue;
    }
    ASSERT_FALSE(exists("world")) << done.status << done.err;
    if (done.status == 2) ++told;
  }
  EXPECT_GT(told, 3);
}

TEST_F(OutOf, RoomForAFileIsToldWithItsReason) {
  const Finished done = shell("ulimit -f 1 && ", import_call);
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.err, HasSubstr("File too large"));
  EXPECT_FALSE(exists("world"));
}

TEST_F(OutOf, RoomForWhatACommandSaysIsAnError) {
  ASSERT_EQ(shell("", import_call).status, 0);
  for (const std::string words : {"check schema.toml", "check schema.toml --json", "info world", "info world --json",
                                  "verify world", "verify world --json", "checkpoint world", "dump world stop"}) {
    SCOPED_TRACE(words);
    const Finished done = shell("", words + " > /dev/full");
    EXPECT_EQ(done.status, 2);
    EXPECT_EQ(done.err, "standard output: No space left on device\n");
  }
}

TEST_F(OutOf, RoomForWhatAnImportSaysLeavesItsRowsAndSaysSo) {
  for (const std::string more : {"", " --json"}) {
    SCOPED_TRACE(more);
    const Finished done = shell("", import_call + more + " > /dev/full");
    EXPECT_EQ(done.status, 2);
    EXPECT_EQ(done.err,
              "standard output: No space left on device\n"
              "stoa: the rows are committed all the same: world is at version 1\n");
    EXPECT_EQ(rows("stop"), 1U);
    std::filesystem::remove_all(folder() / "world");
  }
}

}  // namespace
}  // namespace stoa::cli_test
