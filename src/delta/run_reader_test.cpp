// Entities of a run that are taken off it many at a time are those that are taken off one by one.
#include "delta/run_reader.h"

#include "base/testing/seed.h"
#include "storage/world_info.h"

#include <stoa/schema.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace stoa::delta {
namespace {

class RunReaderTest : public ::testing::Test {
 protected:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  /// A run that destroys them: nothing but entities.
  static std::vector<std::byte> body_of(const std::vector<Entity>& entities) {
    std::vector<std::byte> out{static_cast<std::byte>(RunCode::destroy)};
    put_varint(out, entities.size() - 1);
    EntityDifference last;
    for (const Entity entity : entities) last.put(entity, out);
    return out;
  }

  const detail::WorldInfo world_ = storage::make_world(
      Schema::from_toml("[database]\nname = \"w\"\n[tables.a]\nfields = [{ name = \"x\", type = \"u32\" }]\n")
          .value()
          .compile()
          .value());
  std::mt19937_64 random_{test::test_seed()};
};

TEST_F(RunReaderTest, ManyAtATimeAreTheSame) {
  for (int round = 0; round != 300; ++round) {
    std::vector<Entity> entities;
    const std::uint32_t breaks = 1 + below(200);
    for (std::uint32_t left = 1 + below(500), index = below(1000), generation = 1; left != 0; --left) {
      if (below(breaks) == 0) index = below(100'000);
      if (below(breaks) == 0) generation = 1 + below(3);
      entities.emplace_back(index++, generation);
    }
    const auto body = body_of(entities);
    RunReader reader(body, *world_.bytes);
    const auto* run = reader.next();
    ASSERT_NE(run, nullptr) << reader.wrong();
    ASSERT_EQ(run->count, entities.size());
    ASSERT_EQ(run->bytes.size(), body.size());
    EntityCursor one(*run);
    for (const Entity entity : entities) ASSERT_EQ(one.next(), entity);
    EntityCursor many(*run);
    for (std::size_t at = 0; at != entities.size();) {
      std::vector<Entity> some(std::min<std::size_t>(entities.size() - at, 1 + below(100)));
      many.next(some);
      ASSERT_TRUE(std::ranges::equal(some, std::span(entities).subspan(at, some.size()))) << "from " << at;
      at += some.size();
    }
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_EQ(reader.wrong(), nullptr);
  }
}

TEST_F(RunReaderTest, TheLastIndexHasNoneAfterIt) {
  constexpr std::uint32_t last = std::numeric_limits<std::uint32_t>::max() - 1;
  for (const std::uint32_t before : {0U, 1U, 5U, 40U}) {
    std::vector<Entity> entities;
    for (std::uint32_t index = last - before;; ++index) {
      entities.emplace_back(index, 1);
      if (index == last) break;
    }
    auto body = body_of(entities);
    RunReader good(body, *world_.bytes);
    ASSERT_NE(good.next(), nullptr);
    body[1] = static_cast<std::byte>(entities.size());  // one more, and the index after the last
    body.push_back(static_cast<std::byte>(zigzag(1) << 1U));
    RunReader bad(body, *world_.bytes);
    EXPECT_EQ(bad.next(), nullptr) << before;
    EXPECT_NE(bad.wrong(), nullptr);
  }
}

}  // namespace
}  // namespace stoa::delta
