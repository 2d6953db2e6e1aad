#include "base/file_posix.h"
#include "base/testing/temporary_folder.h"
#include "wal/log_fixture.h"
#include "wal/segment_reader.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>

namespace stoa::wal {
namespace {

using ::testing::HasSubstr;

Error injected(const std::string& path) { return {ErrorCode::io, Place{.source = path}, "injected"}; }

TEST_F(LogTest, GivesBackWhatWasWrittenInOrder) {
  auto writer = open_writer().value();
  for (std::uint64_t i = 0; i < 5; ++i) write_synced(writer, 1 + i % 3);
  EXPECT_EQ(writer.synced_version(), writer.last_version());
  const auto result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 9U);
  EXPECT_EQ(result->frame_count, 5U);
  EXPECT_EQ(result->transaction_count, 9U);
  EXPECT_FALSE(result->dropped);
}

TEST_F(LogTest, StartsAfterAnyVersion) {
  auto writer = open_writer({}, 512).value();
  for (std::uint64_t i = 0; i < 40; ++i) write_synced(writer, 2);
  for (std::uint64_t from = 0; from <= 80; ++from) {
    const auto result = recover_checked(from);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->end.version, 80U);
    EXPECT_EQ(result->transaction_count, 80 - from);
  }
}

TEST_F(LogTest, EmptyFolderIsAnEmptyLog) {
  const auto result = recover_checked(7);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end.version, 7U);
  EXPECT_EQ(result->end.segment_number, 0U);
}

TEST_F(LogTest, RotatesIntoNewSegmentsAndGivesBackTheirRoom) {
  auto writer = open_writer({}, 1000).value();
  for (int i = 0; i < 50; ++i) write_synced(writer);
  EXPECT_GT(writer.segment_number(), 3U);
  EXPECT_EQ(list_segments(files_, log_folder)->size(), writer.segment_number());
  EXPECT_EQ(files_.contents(segment_path(writer.segment_number())).size(), 1000U);
  EXPECT_LT(files_.contents(segment_path(1)).size(), 1000U);
  const auto result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->segment_count, writer.segment_number());
}

TEST_F(LogTest, FrameLargerThanASegmentGetsOneOfItsSize) {
  auto writer = open_writer({}, 512).value();
  write_synced(writer, 100);
  write_synced(writer, 1);
  ASSERT_TRUE(writer.close());
  const auto result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 101U);
}

TEST_F(LogTest, ReopenWritesToANewSegmentAndNeverTouchesOldOnes) {
  LogEnd end;
  for (std::uint64_t run = 1; run <= 5; ++run) {
    std::vector<std::vector<std::byte>> before;
    for (std::uint64_t i = 1; i < run; ++i) before.push_back(files_.contents(segment_path(i)));
    auto writer = open_writer(end).value();
    if (run == 3) {
      ASSERT_TRUE(writer.reserve(1));  // a segment without a frame is a link of the chain too
    } else {
      write_synced(writer);
    }
    EXPECT_EQ(writer.segment_number(), run);
    if (run != 4) {
      ASSERT_TRUE(writer.close());  // run 4 is just dropped
    }
    for (std::uint64_t i = 1; i < run; ++i) EXPECT_EQ(files_.contents(segment_path(i)), before[i - 1]);
    const auto result = recover_checked();
    ASSERT_TRUE(result) << result.error().message();
    end = result->end;
  }
  EXPECT_EQ(end.version, 4U);
}

TEST_F(LogTest, OpenRefusesAFolderWithLaterSegments) {
  {
    auto writer = open_writer().value();
    write_synced(writer);
  }
  const auto again = open_writer();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::already_exists);
}

TEST_F(LogTest, OpenRemovesUnfinishedSegments) {
  files_.set_contents(join_path(log_folder, unfinished_segment_name(1)), std::vector<std::byte>(10));
  ASSERT_TRUE(open_writer());
  EXPECT_THAT(files_.list(log_folder).value(), ::testing::IsEmpty());
}

TEST_F(LogTest, AWriterThatWritesNothingLeavesNothing) {
  LogEnd end;
  for (int run = 0; run < 6; ++run) {
    SCOPED_TRACE(run);
    if (run == 3) {
      auto writer = open_writer(end).value();
      write_synced(writer, 4);
      end = recover_checked()->end;
    }
    const auto before = files_.list(log_folder).value();
    auto writer = open_writer(end).value();
    EXPECT_EQ(writer.segment_number(), end.segment_number);
    EXPECT_TRUE(writer.sync());
    EXPECT_TRUE(writer.seal());
    if (run % 2 == 0) {
      EXPECT_TRUE(writer.close());
      EXPECT_EQ(writer.reserve(100).error().code(), ErrorCode::closed);
    }
    EXPECT_EQ(files_.list(log_folder).value(), before);
    const auto result = recover_checked();
    ASSERT_TRUE(result) << result.error().message();
    end = result->end;
  }
  EXPECT_EQ(end.segment_number, 1U);
  EXPECT_EQ(end.version, 4U);
}

// The disk is full at one call of the first segment's beginning, in turn. Until the segment has its name that is told
// as it is, nothing is left behind, and the next try succeeds; from then on it is final.
TEST_F(LogTest, FullDiskAtTheFirstSegmentHeals) {
  int healed = 0;
  for (int failing = 1;; ++failing) {
    SCOPED_TRACE(failing);
    MemoryFileSystem files;
    ASSERT_TRUE(files.make_directory(log_folder));
    auto writer = Writer::open(files, log_folder, log_identity, {}, random_, {.segment_bytes = 1000}).value();
    int calls = 0;
    bool named = false;
    files.set_fault_hook([&](FileOperation operation, const std::string&) -> std::optional<Error> {
      named |= operation == FileOperation::rename;
      return ++calls == failing ? std::optional(Error(ErrorCode::disk_full, "injected")) : std::nullopt;
    });
    const auto reserved = writer.reserve(200);
    if (calls < failing) break;
    ASSERT_FALSE(reserved);
    EXPECT_EQ(reserved.error().code(), named ? ErrorCode::io : ErrorCode::disk_full);
    EXPECT_EQ(writer.failed(), named);
    if (named) {
      EXPECT_FALSE(writer.reserve(200));
      continue;
    }
    ++healed;
    EXPECT_THAT(files.list(log_folder).value(), ::testing::IsEmpty());
    EXPECT_TRUE(writer.reserve(200));
    EXPECT_EQ(writer.segment_number(), 1U);
  }
  EXPECT_EQ(healed, 4) << "create, preallocate, write, sync";
}

TEST_F(LogTest, ClosedWriterAnswersClosed) {
  auto writer = open_writer().value();
  write_synced(writer);
  ASSERT_TRUE(writer.close());
  EXPECT_EQ(write(writer).error().code(), ErrorCode::closed);
  EXPECT_EQ(writer.sync().error().code(), ErrorCode::closed);
  EXPECT_EQ(writer.close().error().code(), ErrorCode::closed);
}

TEST_F(LogTest, ObserverNeverWritesAndMayReadBesideTheOwner) {
  auto writer = open_writer({}, 700).value();
  ASSERT_TRUE(writer.reserve(1));
  files_.set_fault_hook([](FileOperation operation, const std::string& path) -> std::optional<Error> {
    const bool reads =
        operation == FileOperation::open || operation == FileOperation::read || operation == FileOperation::list;
    return reads ? std::nullopt : std::optional(injected(path));
  });
  EXPECT_TRUE(recover_checked(0, Access::observer));
  EXPECT_FALSE(recover_checked(0, Access::owner)) << "an owner syncs what it will continue";
  files_.set_fault_hook({});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(write(writer));  // not synced: an observer sees what is there
    const auto result = recover_checked(0, Access::observer);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->end.version, writer.last_version());
  }
}

// The observer finds nothing at the end of the log; then the owner writes two frames, of which the second proves that
// the first one is durable; then the observer goes on to look behind the end.
TEST_F(LogTest, ObserverDoesNotTakeAWriteInBetweenForDamage) {
  auto writer = open_writer({}, std::uint64_t{4} << 20).value();
  write_synced(writer);
  int reads = 0;
  bool busy = false;
  files_.set_fault_hook([&](FileOperation operation, const std::string&) -> std::optional<Error> {
    if (operation != FileOperation::read || busy) return std::nullopt;
    busy = true;
    // Reads: header twice, then the first MiB with the good frame. The fourth is the next MiB.
    if (++reads == 4) {
      write_synced(writer);
      std::vector<std::byte> big((std::size_t{1} << 20) + 5000);
      Batch batch;
      batch.add({.version = 3, .wall_ns = -3, .tag = 9, .body = big});
      EXPECT_TRUE(writer.write(batch));
      EXPECT_TRUE(writer.seal());
    }
    busy = false;
    return std::nullopt;
  });
  std::uint64_t last = 0;
  const auto result = recover(files_, log_folder, log_identity, 0, Access::observer,
                              [&](const TransactionRecord& record) -> std::expected<void, Error> {
                                EXPECT_EQ(record.version, ++last);
                                return {};
                              });
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_GE(reads, 4);
  EXPECT_EQ(last, 3U) << "the proof made it look again";
}

// One read of the system may see a later write and not an earlier one, so what was read has to be read again.
TEST_F(LogTest, SegmentReaderSeesLaterWritesOnceRefreshed) {
  auto writer = open_writer().value();
  write_synced(writer);
  auto reader = SegmentReader::open(files_.open_read_only(segment_path(1)).value(), 1).value();
  ASSERT_TRUE(reader.next()->has_value());
  ASSERT_FALSE(reader.next()->has_value());
  write_synced(writer);
  EXPECT_FALSE(reader.next()->has_value());
  reader.refresh();
  EXPECT_TRUE(reader.next()->has_value());
  EXPECT_EQ(reader.chain().version, 2U);
}

// disk_full says that the same call may succeed later, which a final failure must not say.
TEST_F(LogTest, SyncThatFindsTheDiskFullIsFinalAndAnswersIo) {
  auto writer = open_writer().value();
  ASSERT_TRUE(write(writer));
  files_.set_fault_hook([&](FileOperation operation, const std::string&) -> std::optional<Error> {
    if (operation != FileOperation::sync) return std::nullopt;
    return Error(ErrorCode::disk_full, "injected");
  });
  const auto synced = writer.sync();
  EXPECT_EQ(synced.error().code(), ErrorCode::io);
  EXPECT_THAT(synced.error().message(), HasSubstr("injected"));
  files_.set_fault_hook({});
  EXPECT_EQ(write(writer).error().code(), ErrorCode::io);
  EXPECT_TRUE(writer.failed());
}

TEST_F(LogTest, FailedSyncIsFinal) {
  auto writer = open_writer().value();
  write_synced(writer, 2);
  ASSERT_TRUE(write(writer));
  int syncs = 0;
  files_.set_fault_hook([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
    if (operation != FileOperation::sync) return std::nullopt;
    return ++syncs == 1 ? std::optional(injected(path)) : std::nullopt;
  });
  EXPECT_THAT(writer.sync().error().message(), HasSubstr("injected"));
  EXPECT_THAT(writer.sync().error().message(), HasSubstr("injected"));
  EXPECT_THAT(write(writer).error().message(), HasSubstr("injected"));
  EXPECT_THAT(writer.reserve(1).error().message(), HasSubstr("injected"));
  EXPECT_THAT(writer.seal().error().message(), HasSubstr("injected"));
  EXPECT_THAT(writer.close().error().message(), HasSubstr("injected"));
  EXPECT_TRUE(writer.failed());
  EXPECT_EQ(syncs, 1) << "a failed sync is never tried again";
  EXPECT_EQ(writer.synced_version(), 2U);
  // The cache still shows the third transaction; the disk has no such thing.
  files_.set_fault_hook({});
  const auto result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 2U);
}

TEST_F(LogTest, FailedWriteIsFinalAndItsRemainsAreDropped) {
  auto writer = open_writer().value();
  write_synced(writer, 2);
  int writes = 0;
  files_.set_fault_hook([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
    if (operation != FileOperation::write) return std::nullopt;
    return ++writes == 1 ? std::optional(injected(path)) : std::nullopt;
  });
  EXPECT_THAT(write(writer, 9).error().message(), HasSubstr("injected"));
  EXPECT_THAT(write(writer, 9).error().message(), HasSubstr("injected"));
  EXPECT_THAT(writer.sync().error().message(), HasSubstr("injected"));
  EXPECT_EQ(writes, 1);
  files_.set_fault_hook({});
  const auto result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 2U);
  ASSERT_TRUE(result->dropped);
  EXPECT_EQ(result->dropped->file, segment_path(1));
  EXPECT_GT(result->dropped->bytes, frame_header_bytes);
}

// Every call on the file system fails once, in turn: the answer is an error, it stays, and nothing acknowledged is
// lost.
TEST_F(LogTest, EveryInjectedFailureIsFinalAndLosesNothingAcknowledged) {
  for (int failing = 1;; ++failing) {
    SCOPED_TRACE(failing);
    MemoryFileSystem files;
    ASSERT_TRUE(files.make_directory(log_folder));
    ASSERT_TRUE(files.sync_directory("."));
    int calls = 0;
    files.set_fault_hook([&](FileOperation, const std::string& path) -> std::optional<Error> {
      return ++calls == failing ? std::optional(injected(path)) : std::nullopt;
    });
    std::uint64_t acknowledged = 0;
    auto writer = Writer::open(files, log_folder, log_identity, {}, random_, {.segment_bytes = 600});
    if (writer) {
      for (int i = 0; i < 12; ++i) {
        const bool done = write(*writer) && writer->sync();
        if (done) acknowledged = writer->last_version();
        ASSERT_EQ(done, calls < failing);
      }
      EXPECT_EQ(writer->failed(), calls >= failing);
    }
    if (calls < failing) break;
    files.set_fault_hook({});
    for (const Unsynced unsynced : {Unsynced::kept, Unsynced::lost}) {
      if (unsynced == Unsynced::lost) files.crash(unsynced, random_);
      std::uint64_t last = 0;
      const auto result = recover(files, log_folder, log_identity, 0, Access::owner,
                                  [&](const TransactionRecord& record) -> std::expected<void, Error> {
                                    EXPECT_EQ(record.version, ++last);
                                    return {};
                                  });
      ASSERT_TRUE(result) << result.error().message();
      EXPECT_GE(last, acknowledged);
    }
  }
}

TEST_F(LogTest, FullDiskIsNoticedEarlyAndHeals) {
  auto writer = open_writer({}, 1000).value();
  write_synced(writer, 2);
  files_.set_capacity(1500);
  const auto refused = writer.reserve(2000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::disk_full);
  EXPECT_FALSE(writer.failed());
  EXPECT_EQ(writer.segment_number(), 1U);
  EXPECT_TRUE(writer.reserve(200)) << "what fits still does";
  write_synced(writer);
  files_.set_capacity(10'000);
  EXPECT_TRUE(writer.reserve(2000));
  EXPECT_EQ(writer.segment_number(), 2U);
  write_synced(writer, 10);
  const auto result = recover_checked();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 13U);
}

// Whatever the frame's size, and however exactly it fills a segment: what was reserved can be written, and sealed.
TEST_F(LogTest, ReservedRoomIsThereOnAFullDisk) {
  constexpr std::uint64_t segment_bytes = 1000;
  for (std::size_t body_bytes = segment_bytes - 400; body_bytes < segment_bytes + 10; ++body_bytes) {
    SCOPED_TRACE(body_bytes);
    MemoryFileSystem files;
    ASSERT_TRUE(files.make_directory(log_folder));
    auto writer = Writer::open(files, log_folder, log_identity, {}, random_, {.segment_bytes = segment_bytes}).value();
    Batch batch;
    const std::vector<std::byte> body(body_bytes);
    batch.add({.version = 1, .wall_ns = 0, .tag = 0, .body = body});
    ASSERT_TRUE(writer.reserve(batch.frame_bytes()));
    files.set_capacity(0);
    ASSERT_TRUE(writer.write(batch));
    ASSERT_TRUE(writer.seal());
  }
}

TEST_F(LogTest, WorksOnTheRealFileSystem) {
  const stoa::test::TemporaryFolder real;
  const std::string& folder = real.path();
  FileSystem& files = posix_file_system();
  LogEnd end;
  for (std::uint64_t run = 1; run <= 3; ++run) {
    auto writer = Writer::open(files, folder, log_identity, end, random_, {.segment_bytes = 3000});
    ASSERT_TRUE(writer) << writer.error().message();
    for (int i = 0; i < 10; ++i) write_synced(*writer, 5);
    if (run != 2) {
      ASSERT_TRUE(writer->close());
    }
    std::uint64_t last = 0;
    const auto result = recover(files, folder, log_identity, 0, Access::owner,
                                [&](const TransactionRecord& record) -> std::expected<void, Error> {
                                  EXPECT_EQ(record.version, ++last);
                                  EXPECT_TRUE(std::ranges::equal(record.body, body_of(last)));
                                  return {};
                                });
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(last, run * 50);
    end = result->end;
  }
  EXPECT_GT(trim(files, folder, end.version).value(), 3U);
}

TEST_F(LogTest, TrimKeepsWhatIsNeededAfterTheVersion) {
  auto writer = open_writer({}, 512).value();
  for (int i = 0; i < 30; ++i) write_synced(writer);
  const std::uint64_t newest = writer.segment_number();
  EXPECT_EQ(trim(files_, log_folder, 0).value(), 0U);
  EXPECT_GT(trim(files_, log_folder, 15).value(), 0U);
  const auto from_15 = recover_checked(15);
  ASSERT_TRUE(from_15) << from_15.error().message();
  EXPECT_EQ(from_15->end.version, 30U);
  const auto from_0 = recover_checked(0);
  ASSERT_FALSE(from_0);
  EXPECT_EQ(from_0.error().code(), ErrorCode::corrupt);
  EXPECT_THAT(from_0.error().message(), HasSubstr("missing"));
  ASSERT_TRUE(trim(files_, log_folder, 30));
  EXPECT_EQ(list_segments(files_, log_folder).value(), std::vector<std::uint64_t>{newest});
  EXPECT_TRUE(recover_checked(30));
}

// While the writer gives a segment its name somebody trims what that makes superfluous; then power fails, and what of
// names was not synced is lost in any part.
TEST_F(LogTest, TrimBesideARotationNeverTakesTheWholeLog) {
  for (int round = 0; round != 50; ++round) {
    MemoryFileSystem files;
    ASSERT_TRUE(files.make_directory(log_folder));
    ASSERT_TRUE(files.sync_directory("."));
    auto writer = Writer::open(files, log_folder, log_identity, {}, random_, {.segment_bytes = 512}).value();
    bool trimming = false;
    std::uint64_t trimmed = 0;
    files.set_fault_hook([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
      if (trimming || operation != FileOperation::sync_directory || writer.last_version() == 0) return std::nullopt;
      trimming = true;
      int calls = 0;
      const auto stopped = Error(ErrorCode::io, Place{.source = path}, "stopped");
      const auto after_the_removal = [&, stopped](FileOperation of, const std::string&) -> std::optional<Error> {
        calls += of == FileOperation::remove ? 1 : 0;
        return calls != 0 && of != FileOperation::remove ? std::optional(stopped) : std::nullopt;
      };
      files.set_fault_hook(after_the_removal);
      (void)trim(files, log_folder, writer.last_version());
      trimmed += static_cast<std::uint64_t>(calls);
      return stopped;
    });
    while (true) {
      Batch batch;
      batch.add({.version = writer.last_version() + 1, .wall_ns = 0, .tag = 0, .body = body_of(1)});
      if (!writer.write(batch)) break;
    }
    EXPECT_EQ(trimmed, 1U);
    files.set_fault_hook({});
    files.crash(Unsynced::shuffled, random_);
    EXPECT_FALSE(list_segments(files, log_folder)->empty());
  }
}

// A checkpoint may be ahead of the log, where the log's end was never synced and is gone.
TEST_F(LogTest, LogGoesOnFromACheckpointAheadOfIt) {
  {
    auto writer = open_writer().value();
    write_synced(writer, 3);
  }
  auto result = recover_checked(10);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->end.version, 10U);
  auto writer = open_writer(result->end).value();
  write_synced(writer, 2);
  EXPECT_EQ(recover_checked(10)->end.version, 12U);
  EXPECT_EQ(recover_checked(2).error().code(), ErrorCode::corrupt) << "4 to 10 are nowhere";
}

TEST_F(LogTest, RefusesSegmentsThatAreNotItsOwn) {
  auto writer = open_writer().value();
  write_synced(writer, 3);
  Identity other = log_identity;
  other.database_id.low ^= 1;
  EXPECT_EQ(recover_checked(0, Access::owner, other).error().code(), ErrorCode::corrupt);
  other = log_identity;
  other.schema_hash[1] ^= 1;
  EXPECT_EQ(recover_checked(0, Access::owner, other).error().code(), ErrorCode::schema_mismatch);
  other = log_identity;
  other.encoding ^= 1;
  EXPECT_EQ(recover_checked(0, Access::owner, other).error().code(), ErrorCode::not_a_database);
  other = log_identity;
  other.history_id.low ^= 1;
  EXPECT_TRUE(recover_checked(0, Access::owner, other)) << "whose history it is, the log itself says";
  files_.set_contents(segment_path(1), std::vector<std::byte>(200, std::byte{'x'}));
  EXPECT_EQ(recover_checked().error().code(), ErrorCode::corrupt);
}

TEST_F(LogTest, VisitorsErrorIsTheResult) {
  auto writer = open_writer().value();
  write_synced(writer, 3);
  const auto result = recover(files_, log_folder, log_identity, 0, Access::owner,
                              [](const TransactionRecord& record) -> std::expected<void, Error> {
                                if (record.version == 2)
                                  return std::unexpected(Error(ErrorCode::corrupt, "two is odd"));
                                return {};
                              });
  EXPECT_THAT(result.error().message(), HasSubstr("two is odd"));
}

TEST_F(LogTest, OtherNamesInTheFolderAreNoSegments) {
  for (const char* name : {"wal-1", "wal-0000000000000000000x", "wal-00000000000000000000", "checkpoint-1",
                           "wal-00000000000000000001.bak", "wal-99999999999999999999"}) {
    EXPECT_FALSE(parse_segment_name(name)) << name;
  }
  EXPECT_EQ(segment_name(7), "wal-00000000000000000007");
  EXPECT_EQ(parse_segment_name("wal-18446744073709551615"), std::uint64_t{18446744073709551615U});
}

}  // namespace
}  // namespace stoa::wal
