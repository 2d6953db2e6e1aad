// A segment that is begun though the one before it has room.
#include "wal/log_fixture.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>

namespace stoa::wal {
namespace {

using ::testing::ElementsAre;

TEST_F(LogTest, ASegmentThatWasWantedIsReadWithoutTheOneBefore) {
  auto writer = open_writer().value();
  EXPECT_FALSE(writer.segment_has_transactions());
  write_synced(writer, 3);
  EXPECT_TRUE(writer.segment_has_transactions());
  ASSERT_TRUE(write(writer, 2)) << "not synced: the segment's header says that it is";
  EXPECT_TRUE(writer.try_begin_segment().value());
  EXPECT_EQ(writer.segment_number(), 2U);
  EXPECT_EQ(writer.synced_version(), 5U);
  EXPECT_FALSE(writer.segment_has_transactions());
  files_.crash(Unsynced::lost, random_);

  auto found = recover_checked(5);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->segment_count, 1U);
  EXPECT_EQ(found->frame_count, 0U);
  auto next = open_writer(found->end).value();
  EXPECT_FALSE(next.segment_has_transactions()) << "the one that was found has none";
  write_synced(next, 2);
  found = recover_checked(5);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->transaction_count, 2U);
  EXPECT_EQ(recover_checked(0).value().transaction_count, 7U);
  EXPECT_TRUE(open_writer(found->end).value().segment_has_transactions()) << "the one that was found";
  EXPECT_EQ(trim(files_, log_folder, 5).value(), 2U);
  EXPECT_EQ(recover_checked(5).value().transaction_count, 2U);
}

// Each call of the file system fails in turn. Until the segment is there but for its name nobody need know of that: the
// log goes on where it was, with nothing left behind. From then on it is final.
TEST_F(LogTest, ASegmentThatWasWantedAndCannotBePreparedIsNoFailure) {
  for (const ErrorCode code : {ErrorCode::io, ErrorCode::disk_full}) {
    int went_on = 0;
    int ended = 0;
    for (int failing = 1;; ++failing) {
      SCOPED_TRACE(failing);
      MemoryFileSystem files;
      ASSERT_TRUE(files.make_directory(log_folder));
      ASSERT_TRUE(files.sync_directory("."));
      auto writer = Writer::open(files, log_folder, log_identity, {}, random_, {.segment_bytes = 4096}).value();
      write_synced(writer, 3);
      int calls = 0;
      files.set_fault_hook([&](FileOperation, const std::string&) -> std::optional<Error> {
        return ++calls == failing ? std::optional(Error(code, "injected")) : std::nullopt;
      });
      const auto begun = writer.try_begin_segment();
      files.set_fault_hook({});
      if (calls < failing) break;
      if (begun) {
        ++went_on;
        EXPECT_FALSE(*begun);
        EXPECT_FALSE(writer.failed());
        EXPECT_EQ(writer.segment_number(), 1U);
        EXPECT_THAT(files.list(log_folder).value(), ElementsAre(segment_name(1)));
        write_synced(writer, 2);
        EXPECT_TRUE(writer.try_begin_segment().value()) << "the next try";
        write_synced(writer, 2);
      } else {
        ++ended;
        EXPECT_EQ(begun.error().code(), ErrorCode::io);
        EXPECT_TRUE(writer.failed());
        EXPECT_FALSE(writer.try_begin_segment());
      }
      files.crash(Unsynced::lost, random_);
      const auto found = recover(files, log_folder, log_identity, 0, Access::owner,
                                 [](const TransactionRecord&) { return std::expected<void, Error>(); });
      ASSERT_TRUE(found) << found.error().message();
      EXPECT_EQ(found->end.version, begun ? 7U : 3U);
    }
    EXPECT_EQ(went_on, 4) << "create, preallocate, write, sync";
    EXPECT_EQ(ended, 3) << "truncate, rename, sync of the folder";
  }
}

}  // namespace
}  // namespace stoa::wal
