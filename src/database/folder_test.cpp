// What opening and closing leaves in a database's folder, on a file system that loses power and fills up.
#include "database/folder_fixture.h"

#include "wal/segments.h"

#include <gmock/gmock.h>

namespace stoa::detail {
namespace {

using ::testing::HasSubstr;

TEST_F(FolderTest, OpeningAndClosingLeavesNoMoreFilesThanOnce) {
  ASSERT_TRUE((*open())->close());
  const Names once = names();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE((*open())->close());
  EXPECT_EQ(names(), once);
  {
    const Core core = open().value();
    ASSERT_TRUE(commit(*core));
    ASSERT_TRUE(core->close());
  }
  const Names written = names();
  EXPECT_EQ(written.size(), once.size() + 1);
  for (int i = 0; i < 100; ++i) {
    const Core core = open().value();
    EXPECT_EQ(core->recovery().version, 1U);
    ASSERT_TRUE(core->close());
  }
  EXPECT_EQ(names(), written);
}

TEST_F(FolderTest, ADatabaseWithoutALogIsAtVersionZero) {
  const Core owner = open().value();
  {
    const Core reader = open_read_only().value();
    EXPECT_EQ(reader->version(), 0U);
    EXPECT_EQ(reader->snapshot().count("a").value(), 0U);
  }
  ASSERT_TRUE(owner->close());
  EXPECT_EQ(open_read_only().value()->version(), 0U);
}

// The owner's first transaction begins the log between two of the reader's looks at the folder, whichever they are.
TEST_F(FolderTest, AReaderDoesNotTakeALogThatIsBegunMeanwhileForAnothers) {
  for (int at = 1;; ++at) {
    SCOPED_TRACE(at);
    MemoryFileSystem files;
    const Core owner = DatabaseCore::open(files, world, schema(), options()).value();
    int lists = 0;
    bool busy = false;
    files.set_fault_hook([&](FileOperation operation, const std::string&) -> std::optional<Error> {
      if (busy || operation != FileOperation::list || ++lists != at) return std::nullopt;
      busy = true;
      EXPECT_TRUE(commit(*owner));
      busy = false;
      return std::nullopt;
    });
    const auto reader = DatabaseCore::open_read_only(files, world, nullptr);
    files.set_fault_hook({});
    ASSERT_TRUE(reader) << reader.error().message();
    EXPECT_LE((*reader)->version(), 1U);
    if (lists < at) break;
  }
}

TEST_F(FolderTest, ATornTailIsReportedUntilSomethingIsWritten) {
  const std::string segment = join_path(world, wal::segment_name(1));
  {
    const Core core = open().value();
    ASSERT_TRUE(commit(*core));
    ASSERT_TRUE(core->close());
  }
  std::vector<std::byte> bytes = files_.contents(segment);
  bytes.resize(bytes.size() + 10, std::byte{9});
  files_.set_contents(segment, bytes);
  const Names before = names();
  for (int i = 0; i < 3; ++i) {
    const Core core = open().value();
    EXPECT_THAT(core->recovery().dropped_tail, HasSubstr("10 bytes"));
    EXPECT_EQ(core->version(), 1U);
    ASSERT_TRUE(core->close());
    EXPECT_EQ(names(), before);
  }
  {
    const Core core = open().value();
    ASSERT_TRUE(commit(*core));
    ASSERT_TRUE(core->close());
  }
  const Core core = open().value();
  EXPECT_EQ(core->recovery().dropped_tail, "");
  EXPECT_EQ(core->version(), 2U);
  EXPECT_EQ(files_.contents(segment), bytes) << "a segment is never written again";
}

TEST_F(FolderTest, AFullDiskAtTheFirstTransactionHeals) {
  const Core core = open().value();
  files_.set_capacity(1000);
  for (int i = 0; i < 3; ++i) {
    const auto refused = commit(*core);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::disk_full) << refused.error().message();
  }
  files_.set_capacity(100'000);
  ASSERT_TRUE(commit(*core));
  ASSERT_TRUE(core->close());
  files_.crash(Unsynced::lost, random_);
  EXPECT_EQ(open().value()->version(), 1U);
}

// A process is killed in the middle of making the database, at each call in turn; the next one carries on and commits;
// then the power fails.
TEST_F(FolderTest, WhatIsCommittedAfterAnInterruptedCreationIsDurable) {
  for (int killed_at = 1;; ++killed_at) {
    SCOPED_TRACE(killed_at);
    MemoryFileSystem files;
    int calls = 0;
    files.set_fault_hook([&](FileOperation, const std::string& path) -> std::optional<Error> {
      if (++calls < killed_at) return std::nullopt;
      return Error(ErrorCode::io, Place{.source = path}, "killed");
    });
    (void)DatabaseCore::open(files, world, schema(), options());
    files.set_fault_hook({});
    {
      const auto core = DatabaseCore::open(files, world, schema(), options());
      ASSERT_TRUE(core) << core.error().message();
      ASSERT_TRUE(commit(**core));
    }
    files.crash(Unsynced::lost, random_);
    const auto core = DatabaseCore::open(files, world, nullptr, options());
    ASSERT_TRUE(core) << core.error().message();
    EXPECT_EQ((*core)->version(), 1U);
    if (calls < killed_at) break;
  }
}

}  // namespace
}  // namespace stoa::detail
