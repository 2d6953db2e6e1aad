// What several threads see of a database is strictly serialisable, and of one version each. STOA_TEST_ROUNDS is the
// number of histories: `make isolation` makes 500. Each patch of sabotage.d breaks the library in a way that turns
// this red.
#include "checker.h"
#include "environment.h"
#include "registers.h"
#include "workload.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include <unistd.h>

namespace stoa::test {
namespace {

TEST(IsolationConcurrent, HistoriesAreStrictlySerialisable) {
  constexpr std::uint32_t transactions = 10'000;
  const std::uint64_t seed = test_seed();
  const std::uint64_t rounds = test_rounds(20, 10);
  std::size_t reads = 0;
  std::size_t checked = 0;  // that committed: one that always answers conflict would be of no use
  for (std::uint64_t round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
    const Options options = random_options(seed + round);
    auto db = Database::in_memory(Registers::schema(), options);
    ASSERT_TRUE(db) << db.error().message();
    const History history = record(*db, options, seed + round, transactions);
    ASSERT_EQ(history.records.size(), transactions);
    EXPECT_EQ(verdict(history), "");
    for (const Record& record : history.records) {
      checked += record.kind == Record::Kind::checked && record.committed ? 1 : 0;
      for (const Op& op : record.ops) reads += op.kind == Op::Kind::read ? 1 : 0;
    }
  }
  EXPECT_GT(checked, rounds * transactions / 100);
  std::cout << rounds << " histories of " << transactions << " transactions, " << reads << " reads, " << checked
            << " commits of what had not changed\n";
}

// With a log between the writer and the answer: what is visible must not come before what is durable.
void run_in_a_folder(Durability durability, std::uint32_t transactions) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  const auto folder = std::filesystem::temp_directory_path() / ("stoa-isolation-" + std::to_string(::getpid()));
  Options options = random_options(seed);
  options.durability = durability;
  options.segment_bytes_max = std::size_t{64} << 10U;
  auto db = Database::open(folder, Registers::schema(), options);
  ASSERT_TRUE(db) << db.error().message();
  EXPECT_EQ(verdict(record(*db, options, seed, transactions)), "");
  EXPECT_TRUE(db->close_and_remove());
}

TEST(IsolationConcurrent, AHistoryInAFolderThatIsSyncedAlways) { run_in_a_folder(Durability::sync(), 600); }

TEST(IsolationConcurrent, AHistoryInAFolderThatIsSyncedNowAndThen) {
  run_in_a_folder(Durability::async(std::chrono::milliseconds(2)), 2000);
}

}  // namespace
}  // namespace stoa::test
