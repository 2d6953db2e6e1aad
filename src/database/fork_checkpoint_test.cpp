// The checkpoint at a promotion.
#include "checkpoint/checkpoints.h"
#include "database/folder_fixture.h"

#include <stoa/delta.h>

#include <array>

namespace stoa::detail {
namespace {

class ForkCheckpointTest : public FolderTest {
 protected:
  static std::string path_of(Version checkpoint) { return join_path(world, checkpoint::checkpoint_name(checkpoint)); }
  void damage(const std::string& path, std::size_t offset) {
    std::vector<std::byte> bytes = files_.contents(path);
    ASSERT_GT(bytes.size(), offset);
    bytes[offset] ^= std::byte{1};
    auto file = files_.open(path).value();
    ASSERT_TRUE(file->write(0, bytes));
    ASSERT_TRUE(file->sync());
  }
};

// The checkpoint at the very version of a promotion is of the history before, and outlives that history's segments.
TEST_F(ForkCheckpointTest, TheCheckpointAtAPromotionStandsInForTheNext) {
  const Core primary = DatabaseCore::in_memory(schema(), options()).value();
  for (int i = 0; i != 5; ++i) ASSERT_TRUE(commit(*primary));
  std::array<std::uint64_t, 2> hash{};
  {
    const Core core = open().value();
    ASSERT_TRUE(core->engine().apply(Delta::full(primary->snapshot())));
    ASSERT_EQ(core->checkpoint().value(), 5U);
    ASSERT_TRUE(core->engine().promote());
    ASSERT_TRUE(commit(*core));
    ASSERT_EQ(core->checkpoint().value(), 6U);
    hash = core->snapshot().state_hash();
    ASSERT_TRUE(core->close());
  }
  damage(path_of(6), 200);
  const auto core = open();
  ASSERT_TRUE(core) << core.error().message();
  EXPECT_EQ((*core)->recovery().checkpoint, 5U);
  EXPECT_EQ((*core)->snapshot().state_hash(), hash);
}

}  // namespace
}  // namespace stoa::detail
