#include "memory/page_pool.h"

#include "base/random.h"
#include "base/testing/seed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

namespace stoa::memory {
namespace {

constexpr std::size_t pooled_bytes_max = std::size_t{256} << 10U;  // a whole block, with its header

TEST(PagePool, AlignsPayloadsAndWastesLessThanAUnit) {
  PagePool pool;
  for (const std::size_t bytes : {1, 31, 32, 33, 64, 96, 97, 1000, 4096, 16384, 262112, 262113, 1 << 20}) {
    void* block = pool.allocate(bytes, 7);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0U) << bytes;
    EXPECT_GE(PagePool::block_bytes(block), bytes + sizeof(BlockHeader));
    EXPECT_LT(PagePool::block_bytes(block), bytes + sizeof(BlockHeader) + 64);
    EXPECT_EQ(header_of(block)->birth, 7U);
    EXPECT_EQ(payload_of(header_of(block)), block);
    std::memset(block, 0xAA, bytes);
    pool.release(block);
  }
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(PagePool, GivesAFreshHeaderToABlockUsedAgain) {
  PagePool pool;
  void* block = pool.allocate(100, 1);
  header_of(block)->retire = 9;
  header_of(block)->rows_sealed = 9;
  pool.release(block);
  void* again = pool.allocate(100, 2);
  EXPECT_EQ(again, block);
  EXPECT_EQ(header_of(again)->birth, 2U);
  EXPECT_EQ(header_of(again)->retire, 0U);
  EXPECT_EQ(header_of(again)->next, nullptr);
  EXPECT_EQ(header_of(again)->rows_sealed, 0U);
  pool.release(again);
}

// Blocks that live at once never overlap, whatever came and went before: each is full of its own number.
TEST(PagePool, NeverGivesTheSameBytesTwice) {
  const std::uint64_t seed = stoa::test::test_seed();
  SeededRandom random(seed);
  PagePool pool({.slab_bytes_first = 5000, .slab_growth = 1.3, .slab_bytes_max = 100'001});  // edges that fit nothing
  struct Live {
    unsigned char* at;
    std::size_t bytes;
    unsigned char mark;
  };
  std::vector<Live> live;
  std::size_t expected = 0;
  for (int op = 0; op != 20'000; ++op) {
    if (live.empty() || random.next() % 100 < (op / 2000 % 2 == 0 ? 60U : 40U)) {
      const std::size_t range = random.next() % 50 == 0 ? 400'000 : random.next() % 4 == 0 ? 20'000 : 400;
      const std::size_t bytes = 1 + random.next() % range;
      Live block{static_cast<unsigned char*>(pool.allocate(bytes, 1)), bytes, static_cast<unsigned char>(op)};
      std::memset(block.at, block.mark, bytes);
      expected += PagePool::block_bytes(block.at);
      live.push_back(block);
    } else {
      const std::size_t index = random.next() % live.size();
      const Live block = live[index];
      const bool intact = std::all_of(block.at, block.at + block.bytes, [&](auto byte) { return byte == block.mark; });
      ASSERT_TRUE(intact) << "STOA_TEST_SEED=" << seed;
      expected -= PagePool::block_bytes(block.at);
      pool.release(block.at);
      live[index] = live.back();
      live.pop_back();
    }
    ASSERT_EQ(pool.bytes_in_use(), expected);
    ASSERT_GE(pool.bytes_reserved(), expected);
  }
  for (const Live& block : live) pool.release(block.at);
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(PagePool, ASteadyLoadTakesNothingFromTheSystem) {
  PagePool pool;
  std::vector<void*> blocks;
  auto round = [&] {
    for (std::size_t i = 0; i != 500; ++i) blocks.push_back(pool.allocate(100 + i % 7 * 1000, i));
    for (void* block : blocks) pool.release(block);
    blocks.clear();
  };
  round();
  const std::uint64_t before = pool.system_allocations();
  const std::size_t reserved = pool.bytes_reserved();
  for (int i = 0; i != 20; ++i) round();
  EXPECT_EQ(pool.system_allocations(), before);
  EXPECT_EQ(pool.bytes_reserved(), reserved);
}

constexpr std::size_t large_bytes = pooled_bytes_max - sizeof(BlockHeader) + 1;

TEST(PagePool, KeepsLargeBlocksUpToASlabsSizeForTheNext) {
  PagePool pool({.slab_bytes_max = 4 * pooled_bytes_max});
  void* pooled = pool.allocate(pooled_bytes_max - sizeof(BlockHeader), 1);
  const std::size_t reserved = pool.bytes_reserved();
  std::vector<void*> blocks;
  for (int i = 0; i != 10; ++i) blocks.push_back(pool.allocate(large_bytes, 1));
  EXPECT_GT(pool.bytes_reserved(), reserved + 10 * pooled_bytes_max);
  for (void* block : blocks) pool.release(block);
  EXPECT_LE(pool.bytes_reserved(), reserved + 4 * pooled_bytes_max);
  EXPECT_GE(pool.bytes_reserved(), reserved + 3 * pooled_bytes_max);
  EXPECT_EQ(pool.bytes_in_use(), PagePool::block_bytes(pooled));

  const std::uint64_t calls = pool.system_allocations();
  for (int i = 0; i != 100; ++i) {
    auto* block = static_cast<unsigned char*>(pool.allocate(large_bytes + static_cast<std::size_t>(i) % 10, 2));
    block[0] = block[large_bytes - 1] = 1;
    pool.release(block);
  }
  EXPECT_EQ(pool.system_allocations(), calls);
  void* other = pool.allocate(2 * large_bytes, 2);
  EXPECT_EQ(pool.system_allocations(), calls + 1) << "one of half the size does not do";
  pool.release(other);
  pool.release(pooled);
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(PagePool, GivesBlocksLargerThanASlabBackAtOnce) {
  PagePool pool({.slab_bytes_max = pooled_bytes_max});
  void* block = pool.allocate(large_bytes, 1);
  EXPECT_GT(pool.bytes_reserved(), pooled_bytes_max);
  pool.release(block);
  EXPECT_EQ(pool.bytes_reserved(), 0U);
}

/// A block full of its own number, where it is looked at.
struct Marked {
  unsigned char* at = nullptr;
  std::size_t bytes = 0;
  unsigned char mark = 0;

  static constexpr std::size_t step = 48;  // so that each header that might come to lie in it is hit
  void fill() const {
    for (std::size_t i = 0; i < bytes; i += step) at[i] = mark;
  }
  [[nodiscard]] bool is_intact() const {
    for (std::size_t i = 0; i < bytes; i += step) {
      if (at[i] != mark) return false;
    }
    return true;
  }
};

// Texts that grow or shrink a little with each edit: what was given back has the right size for nobody.
TEST(PagePool, SizesThatDriftUseAgainWhatOthersLeft) {
  for (const bool grow : {true, false}) {
    PagePool pool;
    std::vector<Marked> blocks(2000);
    std::size_t most = 0;
    for (int round = 0; round != 120; ++round) {
      const std::size_t bytes = 1000 + 64 * static_cast<std::size_t>(grow ? round : 119 - round);
      for (std::size_t i = 0; i != blocks.size(); ++i) {
        Marked& block = blocks[(i * 7) % blocks.size()];
        const Marked next{static_cast<unsigned char*>(pool.allocate(bytes, 1)), bytes, static_cast<unsigned char>(i)};
        next.fill();
        if (block.at != nullptr) {
          ASSERT_TRUE(block.is_intact());
          pool.release(block.at);
        }
        block = next;
        most = std::max(most, pool.bytes_in_use());
      }
    }
    EXPECT_LE(pool.bytes_reserved(), 4 * most) << "grow " << grow;
    for (const Marked& block : blocks) pool.release(block.at);
    EXPECT_EQ(pool.bytes_in_use(), 0U);
  }
}

TEST(PagePool, TakesASmallerSlabWhereTheSystemRefusesOne) {
  constexpr std::size_t bytes_max = std::size_t{10} << 20U;
  PagePool pool({.slab_growth = 1000, .slab_bytes_max = std::size_t{1} << 50U, .bytes_max = bytes_max});
  std::size_t blocks = 0;
  EXPECT_THROW(for (;; ++blocks) static_cast<void>(pool.allocate(1000, 1)), std::bad_alloc);
  EXPECT_GE(blocks * 1088, bytes_max * 99 / 100);
}

TEST(PagePool, SlabsGrowToTheCeilingAndNoFurther) {
  constexpr std::size_t first = 64 << 10;
  constexpr std::size_t ceiling = 512 << 10;
  PagePool pool({.slab_bytes_first = first, .slab_growth = 2.0, .slab_bytes_max = ceiling});
  std::vector<std::size_t> slabs;
  while (slabs.size() < 7) {
    const std::size_t before = pool.bytes_reserved();
    static_cast<void>(pool.allocate(4000, 1));
    if (pool.bytes_reserved() != before) slabs.push_back(pool.bytes_reserved() - before);
  }
  EXPECT_EQ(slabs, (std::vector<std::size_t>{first, 2 * first, 4 * first, ceiling, ceiling, ceiling, ceiling}));
}

TEST(PagePool, UsesTheRestOfASlabThatWasTooSmall) {
  PagePool pool({.slab_bytes_first = 64 * 101, .slab_growth = 1.0, .slab_bytes_max = 64 * 101});
  void* block = pool.allocate(64 * 60 - sizeof(BlockHeader), 1);
  void* other = pool.allocate(64 * 60 - sizeof(BlockHeader), 1);
  EXPECT_EQ(pool.system_allocations(), 2U);
  void* rest = pool.allocate(64 * 40 - sizeof(BlockHeader), 1);
  EXPECT_EQ(pool.system_allocations(), 2U);
  for (void* one : {block, other, rest}) pool.release(one);
}

TEST(PagePool, RefusedMemoryLeavesItAsItWas) {
  PagePool pool({.slab_bytes_first = 4096, .bytes_max = 4096});
  std::vector<void*> blocks;
  EXPECT_THROW(for (;;) blocks.push_back(pool.allocate(200, 1)), std::bad_alloc);
  EXPECT_EQ(blocks.size(), (4096U - 64) / 256);
  EXPECT_EQ(pool.bytes_in_use(), blocks.size() * 256);
  EXPECT_EQ(pool.bytes_reserved(), 4096U);
  for (void* block : blocks) pool.release(block);
  for (void*& block : blocks) block = pool.allocate(200, 2);
  for (void* block : blocks) pool.release(block);
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(PagePool, RefusesSizesThatNoHeaderCanTell) {
  PagePool pool;
  for (const std::size_t bytes : {~std::size_t{0}, ~std::size_t{0} - 94, std::size_t{1} << 40U}) {
    EXPECT_THROW(static_cast<void>(pool.allocate(bytes, 1)), std::bad_alloc) << bytes;
  }
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

#if defined(__SANITIZE_ADDRESS__)
TEST(PagePoolDeathTest, AReleasedBlockIsPoisoned) {
  PagePool pool;
  auto* block = static_cast<volatile char*>(pool.allocate(100, 1));
  pool.release(const_cast<char*>(block));
  EXPECT_DEATH(static_cast<void>(block[50]), "use-after-poison");
}
#endif

}  // namespace
}  // namespace stoa::memory
