#include "base/file.h"
#include "base/testing/temporary_folder.h"

#include "base/file_memory.h"
#include "base/file_posix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace stoa {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string text_of(const File& file, std::uint64_t offset, std::size_t length) {
  std::string text(length, '?');
  text.resize(file.read(offset, std::as_writable_bytes(std::span(text))).value());
  return text;
}

/// The same claims for the real file system and for the one in memory.
class AnyFileSystem : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) return;
    folder_ = real_.emplace().path();
    files_ = &posix_file_system();
  }
  [[nodiscard]] std::string path(std::string_view name) const { return join_path(folder_, name); }

  MemoryFileSystem memory_;
  FileSystem* files_ = &memory_;
  std::optional<test::TemporaryFolder> real_;
  std::string folder_ = ".";
};

INSTANTIATE_TEST_SUITE_P(Both, AnyFileSystem, ::testing::Values(false, true),
                         [](const auto& which) { return which.param ? "Posix" : "Memory"; });

TEST_P(AnyFileSystem, ReadsBackWhatWasWritten) {
  const auto file = files_->create(path("a")).value();
  ASSERT_TRUE(file->write(0, bytes_of("hello")));
  ASSERT_TRUE(file->write(8, bytes_of("world")));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(file->size().value(), 13U);
  EXPECT_EQ(text_of(*file, 0, 100), std::string("hello\0\0\0world", 13));
  EXPECT_EQ(text_of(*file, 13, 10), "");
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(text_of(*files_->open_read_only(path("a")).value(), 1, 10), "ell");
}

TEST_P(AnyFileSystem, PreallocatesZerosAndKeepsWhatIsThere) {
  const auto file = files_->create(path("a")).value();
  ASSERT_TRUE(file->write(0, bytes_of("x")));
  ASSERT_TRUE(file->preallocate(10'000));
  EXPECT_EQ(file->size().value(), 10'000U);
  EXPECT_EQ(text_of(*file, 0, 3), std::string("x\0\0", 3));
  ASSERT_TRUE(file->preallocate(10));
  EXPECT_EQ(file->size().value(), 10'000U);
}

TEST_P(AnyFileSystem, NamesFollowCreateRenameAndRemove) {
  EXPECT_TRUE(files_->make_directory(path("d")).value());
  EXPECT_FALSE(files_->make_directory(path("d/")).value()) << "it was there";
  for (const char* name : {"d/b", "d/a", "d/c"}) ASSERT_TRUE(files_->create(path(name)));
  EXPECT_EQ(files_->create(path("d/a")).error().code(), ErrorCode::already_exists);
  ASSERT_TRUE(files_->rename(path("d/c"), path("d/a")));
  EXPECT_THAT(files_->list(path("d/")).value(), ElementsAre("a", "b"));
  ASSERT_TRUE(files_->remove(path("d/b")));
  ASSERT_TRUE(files_->sync_directory(path("d")));
  EXPECT_THAT(files_->list(path("d")).value(), ElementsAre("a"));
  EXPECT_EQ(files_->open(path("d/b")).error().code(), ErrorCode::not_found);
  EXPECT_EQ(files_->create(path("no/x")).error().code(), ErrorCode::not_found);
  EXPECT_EQ(files_->list(path("no")).error().code(), ErrorCode::not_found);
  EXPECT_EQ(files_->make_directory(path("d/a")).error().code(), ErrorCode::already_exists);
}

TEST_P(AnyFileSystem, LockBelongsToOneHandleUntilItIsDropped) {
  auto first = files_->lock(folder_);
  ASSERT_TRUE(first);
  const auto second = files_->lock(folder_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::locked);
  EXPECT_EQ(second.error().place()->source, folder_);
  first->reset();
  EXPECT_TRUE(files_->lock(folder_));
}

TEST_P(AnyFileSystem, AFolderGoesWhenNothingIsInIt) {
  ASSERT_TRUE(files_->make_directory(path("d")));
  {
    const auto lock = files_->lock(path("d"));
    ASSERT_TRUE(lock);
    EXPECT_FALSE(files_->remove_directory(path("d")).value());
    EXPECT_THAT(files_->list(path("d")).value(), ElementsAre(lock_file_name));
    ASSERT_TRUE(files_->remove(path("d/LOCK")));
    EXPECT_TRUE(files_->lock(path("d"))) << "on a file of its own";
    ASSERT_TRUE(files_->remove(path("d/LOCK")));
    EXPECT_TRUE(files_->remove_directory(path("d/")).value());
  }
  EXPECT_EQ(files_->list(path("d")).error().code(), ErrorCode::not_found);
  EXPECT_EQ(files_->remove_directory(path("d")).error().code(), ErrorCode::not_found);
  EXPECT_EQ(files_->lock(path("d")).error().code(), ErrorCode::not_found);
}

TEST_P(AnyFileSystem, ErrorsNameOperationPathAndReason) {
  const auto missing = files_->open(path("nothing"));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr(path("nothing")));
  EXPECT_THAT(missing.error().message(), HasSubstr("open"));
  ASSERT_TRUE(files_->create(path("a")));
  const auto read_only = files_->open_read_only(path("a")).value();
  EXPECT_EQ(read_only->write(0, bytes_of("x")).error().code(), ErrorCode::io);
}

TEST_P(AnyFileSystem, TellsFreeSpace) { EXPECT_GT(files_->free_bytes(folder_).value(), 0U); }

TEST(Path, JoinsAndSplits) {
  EXPECT_EQ(join_path("world", "a"), "world/a");
  EXPECT_EQ(join_path("world//", "a"), "world/a");
  EXPECT_EQ(join_path("/", "a"), "/a");
  EXPECT_EQ(parent_path("world/a"), "world");
  EXPECT_EQ(parent_path("world/a/"), "world");
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("a"), ".");
}

TEST(Transfer, ContinuesOverSignalsAndShortTransfers) {
  int calls = 0;
  const ssize_t done = detail::transfer_all(10, [&](std::size_t at) -> ssize_t {
    EXPECT_LT(at, 10U);
    if (++calls % 2 == 1) {
      errno = EINTR;
      return -1;
    }
    return std::min<ssize_t>(3, 10 - static_cast<ssize_t>(at));
  });
  EXPECT_EQ(done, 10);
  EXPECT_EQ(calls, 8);
}

TEST(Transfer, StopsAtTheEndAndAtFailures) {
  EXPECT_EQ(detail::transfer_all(10, [](std::size_t at) -> ssize_t { return at < 4 ? 2 : 0; }), 4);
  EXPECT_EQ(detail::transfer_all(10,
                                 [](std::size_t at) -> ssize_t {
                                   errno = EIO;
                                   return at < 4 ? 2 : -1;
                                 }),
            -1);
}

// The kernel cuts the write at the limit, and refuses the rest: a real short write and a real refusal.
TEST(PosixFile, ShortWriteOfTheKernelEndsInAnError) {
  const test::TemporaryFolder folder;
  const auto file = posix_file_system().create(join_path(folder.path(), "a")).value();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 100, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = file->write(0, std::vector<std::byte>(150));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message(), HasSubstr("write: File too large"));
  EXPECT_EQ(file->size().value(), 100U);
}

TEST(PosixFile, AFolderBehindALinkStays) {
  const test::TemporaryFolder real;
  const std::string& folder = real.path();
  const std::string link = folder + ".link";
  std::filesystem::create_directory_symlink(folder, link);
  EXPECT_FALSE(posix_file_system().remove_directory(link).value());
  EXPECT_FALSE(posix_file_system().remove_directory(link + "/").value());
  std::filesystem::remove(link);
  EXPECT_TRUE(posix_file_system().remove_directory(folder).value());
}

TEST(PosixFile, FullDiskIsItsOwnError) {
  const auto full = posix_file_system().open("/dev/full");
  if (!full) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ((*full)->write(0, bytes_of("x")).error().code(), ErrorCode::disk_full);
}

TEST(MemoryFileSystem, CrashLosesUnsyncedBytesAndNames) {
  MemoryFileSystem files;
  SeededRandom random(1);
  ASSERT_TRUE(files.make_directory("d"));
  ASSERT_TRUE(files.sync_directory("."));
  const auto kept = files.create("d/kept").value();
  ASSERT_TRUE(kept->write(0, bytes_of("one")));
  ASSERT_TRUE(kept->sync());
  ASSERT_TRUE(files.sync_directory("d"));
  ASSERT_TRUE(kept->write(0, bytes_of("two, longer")));
  const auto nameless = files.create("d/nameless").value();
  ASSERT_TRUE(nameless->sync());
  files.crash(Unsynced::lost, random);
  EXPECT_THAT(files.list("d").value(), ElementsAre("kept"));
  EXPECT_EQ(files.contents("d/kept"), bytes_of("one"));
  EXPECT_FALSE(kept->write(0, bytes_of("x"))) << "a handle from before the crash";
}

TEST(MemoryFileSystem, FolderThatWasNotSyncedTakesItsFilesAlong) {
  MemoryFileSystem files;
  SeededRandom random(1);
  ASSERT_TRUE(files.make_directory("d"));
  ASSERT_TRUE(files.create("d/a").value()->sync());
  ASSERT_TRUE(files.sync_directory("d"));
  files.crash(Unsynced::lost, random);
  EXPECT_FALSE(files.list("d"));
}

TEST(MemoryFileSystem, FailedSyncDropsBytesAndTheNextOneLies) {
  MemoryFileSystem files;
  const auto file = files.create("a").value();
  ASSERT_TRUE(file->write(0, bytes_of("abc")));
  files.set_fault_hook([](FileOperation operation, const std::string& path) -> std::optional<Error> {
    if (operation != FileOperation::sync) return std::nullopt;
    return Error(ErrorCode::io, Place{.source = path}, "sync: injected");
  });
  EXPECT_FALSE(file->sync());
  files.set_fault_hook({});
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(text_of(*file, 0, 3), "abc") << "the cache still shows it";
  file->drop_cache();
  EXPECT_EQ(text_of(*file, 0, 3), std::string(3, '\0'));
}

TEST(MemoryFileSystem, RefusesBeyondItsCapacity) {
  MemoryFileSystem files;
  files.set_capacity(100);
  const auto file = files.create("a").value();
  EXPECT_EQ(file->preallocate(101).error().code(), ErrorCode::disk_full);
  ASSERT_TRUE(file->preallocate(100));
  EXPECT_EQ(files.free_bytes(".").value(), 0U);
}

}  // namespace
}  // namespace stoa
