// Sets of tables and the steps between them.
#include "storage/archetypes.h"

#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace stoa::storage {
namespace {

class Archetypes : public testing::Test {
 protected:
  const detail::WorldInfo world_ = test::make_world();
  const TableId position_ = world_.schema->table_of<test::Position>();
  const TableId health_ = world_.schema->table_of<test::Health>();
  const TableId active_ = world_.schema->table_of<test::Active>();
  memory::PagePool pool_;
  memory::PageWriter pages_{pool_};
  storage::Archetypes archetypes_{world_, pages_};
};

TEST_F(Archetypes, BeginWithTheOneWithoutTables) {
  EXPECT_EQ(archetypes_.count(), 1U);
  EXPECT_TRUE(archetypes_.shape(0).tables.empty());
  EXPECT_EQ(archetypes_.shape(0).columns.size(), 1U) << "the entities";
}

TEST_F(Archetypes, GiveTheSameSetTheSameNumberByEveryWay) {
  const std::uint32_t one = archetypes_.with(archetypes_.with(0, position_), health_);
  const std::uint32_t other = archetypes_.with(archetypes_.with(0, health_), position_);
  EXPECT_EQ(one, other);
  EXPECT_EQ(archetypes_.without(archetypes_.with(one, active_), active_), one);
  EXPECT_EQ(archetypes_.without(archetypes_.without(one, health_), position_), 0U);
}

TEST_F(Archetypes, StayWhatTheyAreWhileOthersCome) {
  const detail::StoreShape& shape = archetypes_.shape(archetypes_.with(0, position_));
  std::uint32_t number = 0;
  for (const TableModel& table : world_.schema->model().tables) number = archetypes_.with(number, table.number);
  EXPECT_EQ(&archetypes_.shape(archetypes_.with(0, position_)), &shape);
  EXPECT_TRUE(std::ranges::equal(shape.tables, std::vector{position_}));
}

TEST_F(Archetypes, AreAsManyAsSetsThatWereMet) {
  test::Random random(test::test_seed());
  std::map<std::set<TableId>, std::uint32_t> met{{{}, 0}};
  std::set<TableId> set;
  std::uint32_t number = 0;
  for (int step = 0; step != 2000; ++step) {
    const TableId table = world_.schema->model().tables[random.below(6)].number;
    if (set.erase(table) != 0) {
      number = archetypes_.without(number, table);
    } else {
      set.insert(table);
      number = archetypes_.with(number, table);
    }
    ASSERT_EQ(met.emplace(set, number).first->second, number);
    ASSERT_TRUE(std::ranges::equal(archetypes_.shape(number).tables, set));
    ASSERT_EQ(archetypes_.shape(number).number, number);
  }
  EXPECT_EQ(archetypes_.count(), met.size());
}

TEST_F(Archetypes, GivenUpAreMadeAnewUnderANewNumber) {
  const std::uint32_t one = archetypes_.with(0, position_);
  const std::uint32_t two = archetypes_.with(one, health_);
  const std::size_t in_use = pool_.bytes_in_use();
  archetypes_.give_up(two);
  archetypes_.forget_edges();
  EXPECT_FALSE(archetypes_.has(two));
  EXPECT_TRUE(archetypes_.has(one));
  EXPECT_EQ(archetypes_.count(), 2U);
  EXPECT_LT(pool_.bytes_in_use(), in_use);
  const std::uint32_t again = archetypes_.with(one, health_);
  EXPECT_GT(again, two);
  EXPECT_TRUE(archetypes_.shape(again).has(health_));
  EXPECT_EQ(archetypes_.without(again, health_), one);
  EXPECT_EQ(pool_.bytes_in_use(), in_use);
}

TEST_F(Archetypes, ComeAndGoWithoutEnd) {
  const std::uint32_t one = archetypes_.with(0, position_);
  const std::size_t in_use = pool_.bytes_in_use();
  for (int round = 0; round != 1000; ++round) {
    const std::uint32_t two = archetypes_.with(one, health_);
    ASSERT_EQ(archetypes_.without(two, health_), one);
    archetypes_.give_up(two);
    archetypes_.forget_edges();
  }
  EXPECT_EQ(archetypes_.count(), 2U);
  EXPECT_EQ(pool_.bytes_in_use(), in_use);
}

}  // namespace
}  // namespace stoa::storage
