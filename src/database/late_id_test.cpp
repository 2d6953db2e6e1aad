// Ids that were reserved on a replica, by a transaction that ends after its promotion.
#include "database/folder_fixture.h"

#include <stoa/delta.h>

#include <optional>
#include <utility>

namespace stoa::detail {
namespace {

class LateIdTest : public FolderTest {
 protected:
  LateIdTest() {
    EXPECT_TRUE(commit(*primary_));
    EXPECT_TRUE(replica_->engine().apply(Delta::full(primary_->snapshot())));
    before_.emplace(primary_->snapshot());
    late_.emplace(replica_->engine().begin());
    taken_ = late_->create();
    late_->insert("a", taken_, {{"x", std::uint32_t{1}}});
  }
  void catch_up_and_promote() {
    ASSERT_TRUE(replica_->engine().apply(diff(*before_, primary_->snapshot())));
    ASSERT_TRUE(replica_->engine().promote());
  }
  void give_out_by_primary() {
    Transaction transaction = primary_->engine().begin();
    const Entity same = transaction.create();
    ASSERT_EQ(same, taken_);
    transaction.insert("a", same, {{"x", std::uint32_t{2}}});
    ASSERT_TRUE(std::move(transaction).commit());
  }
  void expect_others_succeed() {
    EXPECT_FALSE(std::move(*late_).commit());
    for (int i = 0; i != 5; ++i) {
      const auto done = commit(*replica_);
      EXPECT_TRUE(done) << i << ' ' << done.error().message();
    }
  }

  const Core primary_ = DatabaseCore::in_memory(schema(), options()).value();
  const Core replica_ = DatabaseCore::in_memory(schema(), options()).value();
  std::optional<Snapshot> before_;
  std::optional<Transaction> late_;
  Entity taken_;
};

TEST_F(LateIdTest, CostNobodyElseTheirsWhereTheOtherDatabaseUsesThem) {
  give_out_by_primary();
  catch_up_and_promote();
  expect_others_succeed();
}

TEST_F(LateIdTest, CostNobodyElseTheirsWhereTheOtherDatabaseUsedThem) {
  give_out_by_primary();
  Transaction ends = primary_->engine().begin();
  ends.destroy(taken_);
  ASSERT_TRUE(std::move(ends).commit());
  catch_up_and_promote();
  expect_others_succeed();
}

TEST_F(LateIdTest, AreNotGivenOutAgainWhereTheOtherDatabaseDidNotUseThem) {
  Transaction unused = primary_->engine().begin();
  ASSERT_EQ(unused.create(), taken_);
  ASSERT_TRUE(commit(*primary_));
  catch_up_and_promote();
  EXPECT_NE(replica_->engine().begin().create(), taken_);
  const auto done = std::move(*late_).commit();
  EXPECT_TRUE(done) << done.error().message();
}

}  // namespace
}  // namespace stoa::detail
