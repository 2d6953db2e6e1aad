// A log that is followed while its owner writes it and begins segment after segment: each transaction once, in order.
#include "base/testing/temporary_folder.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <thread>
#include <vector>

namespace stoa {
namespace {

constexpr Version versions = 4000;

struct Count {
  std::uint64_t value;
};
BOOST_DESCRIBE_STRUCT(Count, (), (value))

Schema make_schema() {
  Schema schema("followed");
  schema.table<Count>("count");
  return schema;
}

Options small_segments() {
  Options options;
  options.durability = Durability::none();
  options.segment_bytes_max = 4096;
  return options;
}

/// Follows to the last version, and says the first thing that is wrong.
void follow(const std::string& folder, Version from, std::atomic<Version>& seen, std::string& wrong) {
  auto reader = LogReader::open(folder, make_schema(), from);
  if (!reader) {
    wrong = reader.error().message();
    return;
  }
  for (Version next = from == 0 ? 1 : from; next <= versions;) {
    const auto transaction = reader->next();
    if (!transaction) {
      wrong = transaction.error().message();
      return;
    }
    if (!*transaction) {
      std::this_thread::yield();
      continue;
    }
    if ((*transaction)->version != next || (*transaction)->delta.tag() != next) {
      wrong = "version " + std::to_string((*transaction)->version) + " where " + std::to_string(next) + " is next";
      return;
    }
    std::uint64_t value = 0;
    (*transaction)
        ->delta.each<Count>([&](Entity, const Count& row) { value = row.value; }, [](Entity, const auto&) {},
                            [](Entity) {});
    if (value != next) {
      wrong = "version " + std::to_string(next) + " has " + std::to_string(value);
      return;
    }
    seen.store(next, std::memory_order_relaxed);  // relaxed: a measure of progress; nothing is read by it
    ++next;
  }
}

TEST(LogReaderConcurrent, SeesEachTransactionOnceWhileItsOwnerWrites) {
  const test::TemporaryFolder folder;
  auto db = Database::open(folder.path(), make_schema(), small_segments());
  ASSERT_TRUE(db) << db.error().message();
  std::atomic<Version> seen[2] = {0, 0};
  std::string wrong[2];
  std::vector<std::thread> readers;
  readers.emplace_back([&] { follow(folder.path(), 0, seen[0], wrong[0]); });
  readers.emplace_back([&] { follow(folder.path(), versions / 2, seen[1], wrong[1]); });
  for (Version version = 1; version <= versions; ++version) {
    Transaction transaction = db->begin();
    transaction.insert(transaction.create(), Count{version});
    transaction.tag(version);
    CommitTicket ticket = std::move(transaction).submit();
    // Batches of different sizes, and now and then none until the readers are where the log ends.
    if (version % 7 == 0) {
      ASSERT_TRUE(ticket.get());
    }
    if (version % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_TRUE(db->close());
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong[0], "");
  EXPECT_EQ(wrong[1], "");
  EXPECT_EQ(seen[0].load(std::memory_order_relaxed), versions);
  EXPECT_EQ(seen[1].load(std::memory_order_relaxed), versions);
  std::size_t segments = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    segments += entry.path().filename().string().starts_with("wal-") ? 1U : 0U;
  }
  EXPECT_GT(segments, 20U);
}

}  // namespace
}  // namespace stoa
