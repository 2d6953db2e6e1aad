// A folder's lock while those who have it remove its file: never two at once.
#include "base/file_posix.h"
#include "base/testing/temporary_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace stoa {
namespace {

TEST(FolderLock, IsOneThreadsAtATimeThoughItsFileComesAndGoes) {
  const test::TemporaryFolder real;
  const std::string& folder = real.path();
  FileSystem& files = posix_file_system();
  std::atomic<int> inside{0};
  std::atomic<int> taken{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20'000; ++round) {
        const auto lock = files.lock(folder);
        if (!lock) {
          EXPECT_EQ(lock.error().code(), ErrorCode::locked) << lock.error().message();
          continue;
        }
        // relaxed, all: the counter is what is tested, and nothing else becomes visible by it.
        EXPECT_EQ(inside.fetch_add(1, std::memory_order_relaxed), 0);
        taken.fetch_add(1, std::memory_order_relaxed);
        inside.fetch_sub(1, std::memory_order_relaxed);
        EXPECT_TRUE(files.remove(join_path(folder, lock_file_name)));  // the last thing that the lock is good for
      }
    });
  }
  threads.clear();
  EXPECT_GT(taken.load(std::memory_order_relaxed), 0);
}

}  // namespace
}  // namespace stoa
