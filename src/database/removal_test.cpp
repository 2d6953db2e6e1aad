// Removing a database takes its files and nothing else, from nobody who has it open, and is never half of a database.
#include "checkpoint/checkpoints.h"
#include "checkpoint/owned_folder.h"
#include "database/folder_fixture.h"
#include "wal/segments.h"

#include <gmock/gmock.h>

namespace stoa::detail {
namespace {

using checkpoint::OwnedFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RemovalTest : public FolderTest {
 protected:
  std::expected<void, Error> remove() { return OwnedFolder::remove_database(files_, world); }
  ErrorCode refusal() {
    const auto removed = remove();
    EXPECT_FALSE(removed);
    return removed ? ErrorCode::timeout : removed.error().code();
  }
  /// A database of three segments, each with a transaction, and two checkpoints.
  void make_world() {
    for (int i = 0; i < 3; ++i) {
      const Core core = open().value();
      ASSERT_TRUE(commit(*core));
      if (i != 2) {
        ASSERT_TRUE(core->checkpoint());
      }
      ASSERT_TRUE(core->close());
    }
  }
  void put(const std::string& name) { files_.set_contents(join_path(world, name), {std::byte{'x'}}); }
};

TEST_F(RemovalTest, TakesTheDatabaseAndItsFolder) {
  make_world();
  put("schema.toml.new");
  put(wal::unfinished_segment_name(4));
  put(checkpoint::unfinished_checkpoint_name(4));
  ASSERT_TRUE(remove());
  EXPECT_FALSE(exists());
  files_.crash(Unsynced::lost, random_);
  EXPECT_FALSE(exists()) << "it is gone for good";
  EXPECT_EQ(refusal(), ErrorCode::not_found);
}

TEST_F(RemovalTest, LeavesWhatIsNotTheDatabases) {
  make_world();
  const Names others{"schema.toml.bak", "wal-1", "wal-00000000000000000001.bak", "checkpoint-00000000000000000000",
                     "checkpoint-00000000000000000001.bak"};
  for (const std::string& name : others) put(name);
  ASSERT_TRUE(files_.make_directory(join_path(world, "photos")));
  ASSERT_TRUE(remove());
  EXPECT_THAT(names(), ElementsAre("checkpoint-00000000000000000000", "checkpoint-00000000000000000001.bak", "photos",
                                   "schema.toml.bak", "wal-00000000000000000001.bak", "wal-1"));
}

TEST_F(RemovalTest, OfSomethingElseIsRefusedAndTouchesNothing) {
  EXPECT_EQ(refusal(), ErrorCode::not_found);
  ASSERT_TRUE(files_.make_directory(world));
  EXPECT_EQ(refusal(), ErrorCode::not_found);
  EXPECT_THAT(names(), IsEmpty());
  put("schema.toml");  // somebody's, who wants to make a database of it elsewhere
  EXPECT_EQ(refusal(), ErrorCode::not_a_database);
  EXPECT_THAT(names(), ElementsAre("schema.toml"));
  ASSERT_TRUE(files_.remove(join_path(world, "schema.toml")));
  put("letter.txt");
  put(wal::segment_name(1));
  EXPECT_EQ(refusal(), ErrorCode::not_a_database);
  EXPECT_THAT(names(), ElementsAre("letter.txt", wal::segment_name(1)));
}

TEST_F(RemovalTest, OfAnOpenDatabaseIsRefused) {
  const Core core = open().value();
  ASSERT_TRUE(commit(*core));
  EXPECT_EQ(refusal(), ErrorCode::locked);
  ASSERT_TRUE(commit(*core));
  ASSERT_TRUE(core->close());
  EXPECT_TRUE(remove());
}

// It stops at each call in turn, and what it did reaches the disk in any part: the database is whole, or none.
TEST_F(RemovalTest, ThatIsCutShortLeavesTheWholeDatabaseOrNone) {
  int whole = 0;
  int none = 0;
  for (int stopped_at = 1;; ++stopped_at) {
    bool past_the_end = false;
    for (int round = 0; round < 20; ++round) {
      SCOPED_TRACE(stopped_at);
      make_world();
      int calls = 0;
      files_.set_fault_hook([&](FileOperation, const std::string& path) -> std::optional<Error> {
        if (++calls < stopped_at) return std::nullopt;
        return Error(ErrorCode::io, Place{.source = path}, "stopped");
      });
      const auto removed = remove();
      files_.set_fault_hook({});
      past_the_end = calls < stopped_at;
      EXPECT_EQ(removed.has_value(), past_the_end);
      files_.crash(round == 0 ? Unsynced::kept : round == 1 ? Unsynced::lost : Unsynced::shuffled, random_);
      const auto reader = open_read_only();
      if (reader) {
        EXPECT_EQ((*reader)->version(), 3U);
        ++whole;
      } else {
        EXPECT_TRUE(reader.error().code() == ErrorCode::not_a_database || reader.error().code() == ErrorCode::not_found)
            << reader.error().message();
        ++none;
      }
      const auto again = remove();
      EXPECT_TRUE(again || again.error().code() == ErrorCode::not_found) << again.error().message();
      if (exists()) {
        EXPECT_TRUE(files_.remove_directory(world).value()) << ::testing::PrintToString(names());
      }
    }
    if (past_the_end) break;
  }
  EXPECT_GT(whole, 20);
  EXPECT_GT(none, 20);
}

TEST_F(RemovalTest, ByItsOwnerNeedsNoOtherLock) {
  ASSERT_TRUE(files_.make_directory(world));
  const Core core = open().value();
  ASSERT_TRUE(commit(*core));
  const Snapshot snapshot = core->snapshot();
  // Nobody gets in between: whoever tries at any call finds it locked, or its files gone.
  bool busy = false;
  int refused = 0;
  files_.set_fault_hook([&](FileOperation, const std::string&) -> std::optional<Error> {
    if (busy) return std::nullopt;
    busy = true;
    const auto other = files_.lock(world);
    if (other) {
      EXPECT_THAT(names(), ElementsAre("LOCK"));
      EXPECT_TRUE(files_.remove(join_path(world, "LOCK")));
    } else {
      EXPECT_EQ(other.error().code(), ErrorCode::locked);
      ++refused;
    }
    busy = false;
    return std::nullopt;
  });
  ASSERT_TRUE(core->close_and_remove());
  files_.set_fault_hook({});
  EXPECT_GT(refused, 4);
  EXPECT_THAT(names(), IsEmpty()) << "the folder was there before";
  EXPECT_EQ(snapshot.count("a").value(), 1U);
  EXPECT_EQ(commit(*core).error().code(), ErrorCode::closed);
  EXPECT_EQ(core->close_and_remove().error().code(), ErrorCode::closed);
  EXPECT_TRUE(core->close());
}

TEST_F(RemovalTest, ByItsOwnerTakesTheFolderUnlessItWasThereBefore) {
  ASSERT_TRUE(open().value()->close_and_remove());
  EXPECT_FALSE(exists());
  make_world();
  ASSERT_TRUE(DatabaseCore::open(files_, world, nullptr, options()).value()->close_and_remove());
  EXPECT_FALSE(exists());
}

TEST_F(RemovalTest, NeedsAFolderOfOnesOwn) {
  make_world();
  const Names before = names();
  for (const Core& core : {open_read_only().value(), DatabaseCore::in_memory(schema(), options()).value()}) {
    EXPECT_EQ(core->close_and_remove().error().code(), ErrorCode::read_only);
    EXPECT_EQ(core->snapshot().version(), core->version());
  }
  EXPECT_EQ(names(), before);
}

}  // namespace
}  // namespace stoa::detail
