#include "integrity/row_set.h"

#include "storage/testing/workload.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace stoa::integrity {
namespace {

TEST(RowSet, IsASetOfPairs) {
  storage::test::Random random(storage::test::test_seed());
  RowSet set;
  for (int round = 0; round != 50; ++round) {
    std::set<std::pair<TableId, Entity>> expected;
    const std::uint64_t count = random.below(round % 10 == 0 ? 20'000 : 200);
    for (std::uint64_t i = 0; i != count; ++i) {
      const TableId table{static_cast<std::uint16_t>(random.below(3) == 0 ? 0xFFFF : random.below(4))};
      const Entity entity(static_cast<std::uint32_t>(random.below(count)),
                          1 + static_cast<std::uint32_t>(random.below(2)));
      ASSERT_EQ(set.contains(table, entity), expected.contains({table, entity}));
      ASSERT_EQ(set.insert(table, entity), expected.insert({table, entity}).second);
      ASSERT_TRUE(set.contains(table, entity));
    }
    set.clear();
    for (const auto& [table, entity] : expected) ASSERT_FALSE(set.contains(table, entity));
  }
}

}  // namespace
}  // namespace stoa::integrity
