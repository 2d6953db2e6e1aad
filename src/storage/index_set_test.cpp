// Indexes that follow late: after a replay that needed none, they are what the rows say; and who asks before is told
// that they are not.
#include "storage/index_set.h"

#include "memory/page_pool.h"
#include "storage/derive_keys.h"
#include "storage/testing/properties.h"
#include "storage/testing/workload.h"
#include "storage/testing/world.h"
#include "storage/write_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace stoa::storage {
namespace {

using test::Name;

class SuspendedIndexes : public testing::Test {
 protected:
  SuspendedIndexes() { buffer_.begin(detail::Root{}); }

  Entity make(const std::string& name, std::int32_t rank, const std::string& note) {
    const Entity entity(next_++, 1);
    const Name row{name, rank, note};
    const RowImage image{world_.schema->table_of<Name>(), reinterpret_cast<const std::byte*>(&row)};
    EXPECT_EQ(buffer_.create(entity, {&image, 1}), Outcome::done);
    return entity;
  }
  void stand() {
    std::vector<Entity> ended;
    buffer_.accept(ended);
  }
  [[nodiscard]] std::vector<std::string> wrong() const {
    std::vector<std::string> out;
    for (std::uint32_t number = 0; number != world_.indexes.size(); ++number) {
      if (is_as_derived(buffer_.root(), number)) continue;
      const detail::IndexInfo& index = world_.indexes[number];
      out.push_back(world_.model(index.table).field(index.fields[0]).name);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  const detail::WorldInfo world_ = test::make_world();
  memory::PagePool pool_{{}};
  WriteBuffer buffer_{world_, pool_};
  std::uint32_t next_ = 0;
};

TEST_F(SuspendedIndexes, FollowWhenTheyAreBuilt) {
  for (int i = 0; i != 500; ++i)
    make("before " + std::to_string(i), i % 7, "a note that is as long as " + std::to_string(i));
  stand();
  EXPECT_EQ(wrong(), std::vector<std::string>{});

  buffer_.suspend_indexes();
  const Entity gone(3, 1);
  EXPECT_EQ(buffer_.destroy(gone), Outcome::done);
  for (int i = 0; i != 500; ++i) make("after " + std::to_string(i), i % 11, std::to_string(i));
  stand();
  EXPECT_EQ(wrong(), (std::vector<std::string>{"name", "note", "rank"}));
  buffer_.build_indexes();
  EXPECT_EQ(wrong(), std::vector<std::string>{});
  EXPECT_EQ(
      index_at<TextKey>(buffer_.root(), world_.tables[to_index(world_.schema->table_of<Name>())].index_first + 2).count,
      999U);

  // And follow by themselves from then on, back too.
  make("again", 1, "a note that is too long for a cell");
  stand();
  EXPECT_EQ(wrong(), std::vector<std::string>{});
  const test::Picture before = test::picture_of(buffer_.root());
  make("not to stay", 1, "another note that is too long for a cell");
  buffer_.settle_indexes();
  EXPECT_EQ(wrong(), std::vector<std::string>{});
  buffer_.revert();
  EXPECT_EQ(wrong(), std::vector<std::string>{});
  EXPECT_TRUE(test::picture_of(buffer_.root()) == before);
}

}  // namespace
}  // namespace stoa::storage
