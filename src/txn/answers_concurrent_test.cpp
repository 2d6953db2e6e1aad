// Answers that are handed on beside a writer thread, from many threads, up to the end of the database.
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using Answer = std::expected<Commit, Error>;

TEST(AnswersConcurrent, RunOnAThreadOfTheirOwnEachOnce) {
  constexpr int threads_count = 4;
  constexpr int each = 2000;
  Options options;
  options.in_flight_transactions_max = 64;
  std::mutex mutex;
  std::vector<Version> seen;
  std::vector<std::thread::id> ids;
  std::atomic<bool> failed_otherwise{false};
  {
    TestDatabase db(options, false);
    std::vector<std::thread> threads;
    for (int number = 0; number != threads_count; ++number) {
      threads.emplace_back([&] {
        for (int i = 0; i != each; ++i) {
          Transaction transaction = db.begin();
          transaction.insert(transaction.create(), Position{1, 2});
          std::move(transaction).submit().then([&](Answer answer) {
            const std::scoped_lock lock(mutex);
            seen.push_back(version_of(answer));
            ids.push_back(std::this_thread::get_id());
            if (seen.size() % 8 != 0) return;
            // A callback may submit: it never waits, so that it cannot keep those that it would wait for.
            Transaction nested = db.begin();
            nested.insert(nested.create(), Velocity{1, 2});
            std::move(nested).submit().then([&](Answer again) {
              const bool expected = again || code_of(again) == ErrorCode::busy || code_of(again) == ErrorCode::closed;
              if (!expected) failed_otherwise = true;
            });
          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_TRUE(db.engine.close());
  }
  EXPECT_EQ(seen.size(), std::size_t{threads_count} * each);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()) - ids.begin(), 1) << "one thread runs them all";
  EXPECT_FALSE(failed_otherwise.load()) << "a nested one failed, but for a limit or the end";
}

TEST(AnswersConcurrent, KeptSnapshotsAreFoundBesideTheWriter) {
  Options options;
  options.kept_snapshots_max = 16;
  TestDatabase db(options, false);
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop.load()) {
      const Version asked = db.version();
      if (const auto kept = db.engine.snapshot_at(asked)) {
        EXPECT_LE(kept->version(), asked);
        EXPECT_EQ(kept->count<Position>(), kept->version())
            << "a version holds as many rows as it has commits before it";
      }
    }
  });
  for (int i = 0; i != 3000; ++i) {
    Transaction transaction = db.begin();
    transaction.insert(transaction.create(), Position{1, 2});
    ASSERT_TRUE(std::move(transaction).commit());
  }
  stop.store(true);
  reader.join();
}

}  // namespace
}  // namespace stoa::txn::test
