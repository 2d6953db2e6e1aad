// Ids that were reserved on a replica before its promotion.
#include "checkpoint/checkpoints.h"
#include "database/folder_fixture.h"

#include <stoa/delta.h>

#include <array>

namespace stoa::detail {
namespace {

// A transaction begun on a replica, with ids that the other database gave out too, ends after the promotion.
class LateIdTest : public FolderTest, public ::testing::WithParamInterface<int> {};
TEST_P(LateIdTest, CostsNobodyElseHis) {
  const Core primary = DatabaseCore::in_memory(schema(), options()).value();
  const Core core = DatabaseCore::in_memory(schema(), options()).value();
  ASSERT_TRUE(commit(*primary));
  ASSERT_TRUE(core->engine().apply(Delta::full(primary->snapshot())));
  Transaction late = core->engine().begin();
  const Entity taken = late.create();
  late.insert("a", taken, {{"x", std::uint32_t{1}}});
  const Snapshot before = primary->snapshot();
  {
    Transaction t = primary->engine().begin();
    const Entity same = t.create();
    ASSERT_EQ(same, taken);
    t.insert("a", same, {{"x", std::uint32_t{2}}});
    ASSERT_TRUE(std::move(t).commit());
    if (GetParam() == 1) {
      Transaction u = primary->engine().begin();
      u.destroy(same);
      ASSERT_TRUE(std::move(u).commit());
    }
  }
  ASSERT_TRUE(core->engine().apply(diff(before, primary->snapshot())));
  ASSERT_TRUE(core->engine().promote());
  EXPECT_FALSE(std::move(late).commit());
  for (int i = 0; i != 5; ++i) {
    Transaction t = core->engine().begin();
    const Entity fresh = t.create();
    t.insert("a", fresh, {{"x", std::uint32_t{1}}});
    const auto done = std::move(t).commit();
    EXPECT_TRUE(done) << i << " " << fresh.index() << ":" << fresh.generation() << " " << done.error().message();
  }
}
INSTANTIATE_TEST_SUITE_P(Both, LateIdTest, ::testing::Values(0, 1));

// An index that the other database gave out and did not use is the replica's to give out, but once.
TEST_F(FolderTest, AnIdOfBeforeThePromotionIsNotGivenOutAgain) {
  const Core primary = DatabaseCore::in_memory(schema(), options()).value();
  const Core core = DatabaseCore::in_memory(schema(), options()).value();
  ASSERT_TRUE(commit(*primary));
  ASSERT_TRUE(core->engine().apply(Delta::full(primary->snapshot())));
  Transaction late = core->engine().begin();
  const Entity taken = late.create();
  late.insert("a", taken, {{"x", std::uint32_t{1}}});
  const Snapshot before = primary->snapshot();
  Transaction unused = primary->engine().begin();
  ASSERT_EQ(unused.create(), taken);
  ASSERT_TRUE(commit(*primary));
  ASSERT_TRUE(core->engine().apply(diff(before, primary->snapshot())));
  ASSERT_TRUE(core->engine().promote());
  Transaction t = core->engine().begin();
  EXPECT_NE(t.create(), taken);
}

}  // namespace
}  // namespace stoa::detail
