// What the tests of the log share: a folder in memory that can lose power, transactions whose content follows from
// their version, and a check of everything that recovery returns. Tests only.
#pragma once

#include "base/file_memory.h"
#include "wal/batch.h"
#include "wal/reader.h"
#include "wal/segments.h"
#include "wal/writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace stoa::wal {

inline const std::string log_folder = "world";
inline const Identity log_identity{.database_id = {.low = 0x11, .high = 0x22},
                                   .history_id = {.low = 0x33, .high = 0x44},
                                   .schema_hash = {0x55, 0x66},
                                   .encoding = 2,
                                   .compression = 0};

/// The body of a version: of a length between 0 and 99 and of bytes that follow from `version` alone.
inline std::vector<std::byte> body_of(std::uint64_t version) {
  SeededRandom random(version);
  std::vector<std::byte> body(random.next() % 100);
  for (std::byte& byte : body) byte = static_cast<std::byte>(random.next());
  return body;
}

inline std::uint64_t test_seed(std::uint64_t fallback) {
  const char* const text = std::getenv("STOA_TEST_SEED");
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 0);
}

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_directory(log_folder));
    ASSERT_TRUE(files_.sync_directory("."));
  }

  [[nodiscard]] static std::string segment_path(std::uint64_t number) {
    return join_path(log_folder, segment_name(number));
  }

  std::expected<Writer, Error> open_writer(const LogEnd& end = {}, std::uint64_t segment_bytes = 4096) {
    return Writer::open(files_, log_folder, log_identity, end, random_, {.segment_bytes = segment_bytes});
  }

  /// Appends the next `count` versions as one batch.
  std::expected<void, Error> write(Writer& writer, std::uint64_t count = 1) {
    Batch batch;
    for (std::uint64_t i = 1; i <= count; ++i) {
      const std::uint64_t version = writer.last_version() + i;
      const std::vector<std::byte> body = body_of(version);
      tags_[version] = random_.next();
      batch.add(
          {.version = version, .wall_ns = -static_cast<std::int64_t>(version), .tag = tags_[version], .body = body});
    }
    return writer.write(batch);
  }

  void write_synced(Writer& writer, std::uint64_t count = 1) {
    ASSERT_TRUE(write(writer, count));
    ASSERT_TRUE(writer.sync());
  }

  /// Recovers, and checks each transaction: its order, its content, and that none is left out.
  std::expected<Recovery, Error> recover_checked(std::uint64_t from = 0, Access access = Access::owner,
                                                 const Identity& identity = log_identity) {
    std::uint64_t expected = from;
    auto result = recover(files_, log_folder, identity, from, access,
                          [&](const TransactionRecord& record) -> std::expected<void, Error> {
                            ++expected;
                            EXPECT_EQ(record.version, expected);
                            EXPECT_EQ(record.wall_ns, -static_cast<std::int64_t>(record.version));
                            EXPECT_EQ(record.tag, tags_[record.version]) << "version " << record.version;
                            EXPECT_TRUE(std::ranges::equal(record.body, body_of(record.version)));
                            return {};
                          });
    EXPECT_TRUE(!result || result->end.version == expected);
    return result;
  }

  MemoryFileSystem files_;
  SeededRandom random_{42};
  std::map<std::uint64_t, std::uint64_t> tags_;  // of the latest write of each version: an earlier one must stay gone
};

}  // namespace stoa::wal
