// Slabs that are emptied and given back.
#include "base/random.h"
#include "base/testing/seed.h"
#include "memory/page_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

namespace stoa::memory {
namespace {

constexpr std::size_t all = static_cast<std::size_t>(-1);

bool evacuate(PagePool& pool) {
  std::size_t blocks = all;
  EXPECT_TRUE(pool.survey_some(blocks));
  if (!pool.evacuate()) return false;
  EXPECT_TRUE(pool.close_some(blocks));
  return true;
}

struct Live {
  unsigned char* at;
  std::size_t bytes;
  unsigned char mark;
};

class Evacuation : public testing::Test {
 protected:
  void add(std::size_t bytes) {
    Live block{static_cast<unsigned char*>(pool_.allocate(bytes, 1)), bytes, static_cast<unsigned char>(++marks_)};
    std::memset(block.at, block.mark, bytes);
    live_.push_back(block);
  }
  void release(std::size_t index) {
    pool_.release(live_[index].at);
    live_[index] = live_.back();
    live_.pop_back();
  }
  void release_all_but(std::size_t count) {
    while (live_.size() > count) release(random_.next() % live_.size());
  }
  /// As who knows what points to the blocks would.
  void move_leaving() {
    for (Live& block : live_) {
      if (!pool_.is_leaving(block.at)) continue;
      auto* to = static_cast<unsigned char*>(pool_.allocate(block.bytes, 2));
      ASSERT_FALSE(pool_.is_leaving(to)) << "a new block in a slab that is to be emptied";
      std::memcpy(to, block.at, block.bytes);
      pool_.release(block.at);
      block.at = to;
      ++moved_;
    }
    while (pool_.give_back_some()) {
    }
  }
  void check() const {
    std::size_t in_use = 0;
    for (const Live& block : live_) {
      in_use += PagePool::block_bytes(block.at);
      ASSERT_TRUE(std::all_of(block.at, block.at + block.bytes, [&](auto byte) { return byte == block.mark; }));
    }
    ASSERT_EQ(pool_.bytes_in_use(), in_use);
    ASSERT_GE(pool_.bytes_reserved(), in_use);
  }

  SeededRandom random_{stoa::test::test_seed()};
  PagePool pool_{{.slab_bytes_first = 4096, .slab_growth = 2, .slab_bytes_max = 1 << 20}};
  std::vector<Live> live_;
  int marks_ = 0;
  std::size_t moved_ = 0;
  bool closed_ = false;
};

TEST_F(Evacuation, LeavesNearlyNothingOfWhatIsNearlyEmpty) {
  for (int i = 0; i != 20'000; ++i) add(1 + random_.next() % 500);
  const std::size_t peak = pool_.bytes_reserved();
  release_all_but(200);
  ASSERT_EQ(pool_.bytes_reserved(), peak);
  ASSERT_TRUE(evacuate(pool_));
  move_leaving();
  check();
  EXPECT_GT(moved_, 100U);
  EXPECT_LE(pool_.bytes_reserved(), pool_.bytes_in_use() + pool_.bytes_in_use() / 4 + 4096);
  EXPECT_GE(pool_.bytes_given_back(), peak - pool_.bytes_reserved());
  EXPECT_FALSE(pool_.is_evacuating());
  EXPECT_FALSE(evacuate(pool_)) << "the same blocks would go to and fro";
  for (int i = 0; i != 2000; ++i) add(1 + random_.next() % 500);
  check();
}

// A block that nobody can move holds its slab, and nobody gets a part of it.
TEST_F(Evacuation, KeepsASlabWithABlockOfItThatStays) {
  for (int i = 0; i != 5000; ++i) add(100);
  release_all_but(50);
  ASSERT_TRUE(evacuate(pool_));
  const Live held = live_.front();
  ASSERT_TRUE(pool_.is_leaving(held.at));
  live_.erase(live_.begin());
  move_leaving();
  ASSERT_TRUE(pool_.is_evacuating());
  EXPECT_GT(pool_.bytes_leaving(), 0U);
  for (int i = 0; i != 1000; ++i) {
    add(100);
    ASSERT_FALSE(pool_.is_leaving(live_.back().at));
  }
  ASSERT_TRUE(std::all_of(held.at, held.at + held.bytes, [&](auto byte) { return byte == held.mark; }));
  const std::size_t reserved = pool_.bytes_reserved();
  EXPECT_FALSE(pool_.is_to_give_back());
  pool_.release(held.at);
  EXPECT_FALSE(pool_.give_back_some());
  EXPECT_FALSE(pool_.is_evacuating());
  EXPECT_LT(pool_.bytes_reserved(), reserved);
  check();
}

TEST_F(Evacuation, IsGivenUpBeforeMemoryRunsOut) {
  PagePool small({.slab_bytes_first = 64 << 10U, .slab_growth = 1, .spare_bytes = 0, .bytes_max = 256 << 10U});
  std::vector<void*> blocks;
  const auto fill = [&] {
    try {
      for (;;) blocks.push_back(small.allocate(1000, 1));
    } catch (const std::bad_alloc&) {
      return blocks.size();
    }
  };
  const std::size_t full = fill();
  std::vector<void*> kept;
  for (std::size_t i = 0; i != full; ++i) i % 8 == 0 ? kept.push_back(blocks[i]) : small.release(blocks[i]);
  blocks = kept;
  std::size_t some = 10;
  (void)small.survey_some(some);
  ASSERT_TRUE(evacuate(small));
  EXPECT_TRUE(small.is_evacuating());
  EXPECT_EQ(fill(), full) << "what was to leave does not serve again";
  EXPECT_FALSE(small.is_evacuating());
  for (void* block : blocks) small.release(block);
}

TEST_F(Evacuation, GivesBackTheLargeBlocksThatWereKept) {
  void* large = pool_.allocate(400'000, 1);
  pool_.release(large);
  const std::size_t reserved = pool_.bytes_reserved();
  EXPECT_FALSE(pool_.evacuate());
  EXPECT_LE(pool_.bytes_reserved(), reserved - 400'000);
}

// Everything in steps of a few blocks, with blocks that come and go between them.
TEST_F(Evacuation, GoesOnBesideWhatHappens) {
  std::uint64_t began = 0;
  std::uint64_t emptied = 0;
  for (int round = 0; round != 40; ++round) {
    const std::size_t most = 200 + random_.next() % 2000;
    const std::size_t least = 1 + random_.next() % 100;
    const auto happen = [&](bool grows) {
      for (int i = 0; i != 20; ++i) {
        if (live_.empty() || random_.next() % 100 < (grows ? 90U : 10U)) {
          add(1 + random_.next() % (random_.next() % 20 == 0 ? 5000 : 300));
          ASSERT_FALSE(closed_ && pool_.is_leaving(live_.back().at));
        } else {
          release(random_.next() % live_.size());
        }
      }
    };
    while (live_.size() < most) happen(true);
    while (live_.size() > least) happen(false);
    const auto step = [&](auto&& some) {
      for (;;) {
        std::size_t blocks = 1 + random_.next() % 50;
        if (some(blocks)) return;
        happen(random_.next() % 2 == 0);
        check();
      }
    };
    step([&](std::size_t& blocks) { return pool_.survey_some(blocks); });
    if (!pool_.evacuate()) continue;
    ++began;
    step([&](std::size_t& blocks) { return pool_.close_some(blocks); });
    closed_ = true;
    if (random_.next() % 4 == 0) {
      pool_.end_evacuation();
      check();
      closed_ = false;
      continue;
    }
    happen(true);
    move_leaving();
    EXPECT_FALSE(pool_.is_evacuating());
    emptied += pool_.is_evacuating() ? 0 : 1;
    check();
    closed_ = false;
  }
  EXPECT_GT(began, 5U);
  EXPECT_GT(emptied, 3U);
  release_all_but(0);
  check();
}

}  // namespace
}  // namespace stoa::memory
