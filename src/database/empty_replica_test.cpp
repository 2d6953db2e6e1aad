// A replica of an empty database.
#include "checkpoint/checkpoints.h"
#include "database/folder_fixture.h"

#include <stoa/delta.h>

#include <array>

namespace stoa::detail {
namespace {

// Also where there is nothing yet to follow.
TEST_F(FolderTest, IsAReplicaOfAnEmptyDatabaseStillWhenItIsOpenedAgain) {
  const Core primary = DatabaseCore::in_memory(schema(), options()).value();
  {
    const Core core = open().value();
    ASSERT_TRUE(core->engine().apply(Delta::full(primary->snapshot())));
    const auto refused = commit(*core);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::read_only);
    ASSERT_TRUE(core->close());
  }
  const auto refused = commit(*open().value());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::read_only);
}

}  // namespace
}  // namespace stoa::detail
