#include "storage/btree.h"

#include "base/random.h"
#include "base/testing/seed.h"
#include "memory/page_pool.h"
#include "memory/page_writer.h"
#include "memory/pins.h"
#include "memory/reclaimer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace stoa::storage {
namespace {

using Model = std::set<IndexKey>;

/// Walks every node and says what is wrong with it. Collects the blocks, so that leaks show.
class Checker {
 public:
  /// `bounds_may_be_gone`: keys were erased at a place, which leaves the inner nodes that name them as they are.
  explicit Checker(bool bounds_may_be_gone = false) : bounds_may_be_gone_(bounds_may_be_gone) {}

  void check(const BTree<IndexKey>& tree) {
    if (tree.count == 0) {
      EXPECT_EQ(tree.top, nullptr);
      EXPECT_EQ(tree.height, 0U);
      return;
    }
    ASSERT_NE(tree.top, nullptr);
    ASSERT_LE(tree.height, btree_height_max);
    keys_ = 0;
    node(*tree.top, tree.height, true, nullptr, nullptr);
    EXPECT_EQ(keys_, tree.count);
  }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  // Every key k under the node has *low <= k < *high, where they are given, and *low is, or was, one of them.
  void node(const BTreeNode<IndexKey>& node, std::uint32_t level, bool top, const IndexKey* low, const IndexKey* high) {
    if (blocks_.insert(&node).second) bytes_ += memory::PagePool::block_bytes(&node);
    EXPECT_LE(node.count, btree_keys_max);
    EXPECT_GE(node.count, !top ? btree_keys_min : level == 0 ? 1U : 2U);
    const std::span<const IndexKey> keys(node.keys + (level == 0 ? 0 : 1), node.keys + node.count);
    EXPECT_TRUE(std::adjacent_find(keys.begin(), keys.end(), std::greater_equal<>{}) == keys.end());
    EXPECT_TRUE(low == nullptr || level != 0 || *low == keys.front() || (bounds_may_be_gone_ && *low < keys.front()));
    EXPECT_TRUE(high == nullptr || keys.back() < *high);
    if (level == 0) {
      keys_ += node.count;
      return;
    }
    EXPECT_TRUE(low == nullptr || *low == node.keys[0]);
    const auto& inner = static_cast<const BTreeInner<IndexKey>&>(node);
    for (std::uint32_t i = 0; i != node.count; ++i) {
      this->node(*inner.child[i], level - 1, false, i == 0 ? low : &node.keys[i],
                 i + 1 == node.count ? high : &node.keys[i + 1]);
    }
  }

  const bool bounds_may_be_gone_;
  std::unordered_set<const BTreeNode<IndexKey>*> blocks_;
  std::size_t bytes_ = 0;
  std::uint64_t keys_ = 0;
};

void expect_same(const BTree<IndexKey>& tree, const Model& model) {
  ASSERT_EQ(tree.count, model.size());
  BTreeCursor<IndexKey> at = first(tree);
  for (const IndexKey& key : model) {
    ASSERT_TRUE(at.valid());
    ASSERT_EQ(at.key(), key);
    at.next();
  }
  EXPECT_FALSE(at.valid());
  at = last(tree);
  for (auto key = model.rbegin(); key != model.rend(); ++key) {
    ASSERT_TRUE(at.valid());
    ASSERT_EQ(at.key(), *key);
    at.prev();
  }
  EXPECT_FALSE(at.valid());
}

/// One tree under a writer that publishes roots, and snapshots of it by hand.
class World {
 public:
  explicit World(memory::PoolOptions options = {}) : pool(options) { writer.begin(seq_); }

  struct Held {
    std::uint64_t root;
    BTree<IndexKey> tree;
    Model model;
  };

  void publish() {
    published_ = {seq_, tree, model};
    reclaimer.retire(writer.take_retired());
    reclaim();
    writer.begin(++seq_);
  }

  void hold() { held.push_back(published_); }

  void drop(std::size_t index) {
    held[index] = std::move(held.back());
    held.pop_back();
  }

  void reclaim() {
    memory::PinSet pins;
    for (const Held& one : held) pins.exact.push_back(one.root);
    std::sort(pins.exact.begin(), pins.exact.end());
    pins.exact.erase(std::unique(pins.exact.begin(), pins.exact.end()), pins.exact.end());
    reclaimer.reclaim(pins);
  }

  /// Every tree that is held or current is whole and has the model's keys, and no other block is in use.
  void check(bool bounds_may_be_gone = false) {
    Checker checker(bounds_may_be_gone);
    checker.check(tree);
    expect_same(tree, model);
    for (const Held& one : held) {
      checker.check(one.tree);
      expect_same(one.tree, one.model);
    }
    EXPECT_EQ(pool.bytes_in_use(), checker.bytes());
  }

  /// Lets go of everything; what is then in use has leaked.
  void finish() {
    clear(writer, tree);
    model.clear();
    publish();
    held.clear();
    reclaim();
    EXPECT_EQ(pool.bytes_in_use(), 0U);
    EXPECT_EQ(reclaimer.bytes_held(), 0U);
  }

  bool add(IndexKey key) {
    const bool added = insert(writer, tree, key);
    EXPECT_EQ(added, model.insert(key).second);
    return added;
  }
  bool take(IndexKey key) {
    const bool taken = erase(writer, tree, key);
    EXPECT_EQ(taken, model.erase(key) == 1);
    return taken;
  }

  memory::PagePool pool;
  memory::PageWriter writer{pool};
  memory::Reclaimer reclaimer{pool, 1};
  BTree<IndexKey> tree;
  Model model;
  std::vector<Held> held;

 private:
  std::uint64_t seq_ = 1;
  Held published_{};
};

IndexKey key_of(std::uint64_t number) { return {number, ~number}; }

enum class Shape { few_values, spread, ascending, descending, runs };

/// The keys of one history: where the next insert and the next erase go.
struct Keys {
  Shape shape;
  SeededRandom& random;
  std::uint64_t serial = 0;

  IndexKey next() {
    ++serial;
    switch (shape) {
      case Shape::few_values: return {random.next() % 3, random.next() % 4096};
      case Shape::spread: return {random.next(), random.next()};
      case Shape::ascending: return {serial, 1};
      case Shape::descending: return {~serial, 1};
      case Shape::runs: return {random.next() % 16 * 1000 + serial / 64, serial};
    }
    return {};
  }
  /// One of the model's, or one that is most likely not there.
  IndexKey old(const Model& model) {
    if (model.empty() || random.next() % 16 == 0) return next();
    switch (shape) {
      case Shape::ascending: return random.next() % 2 == 0 ? *model.begin() : *model.rbegin();
      case Shape::descending: return *model.begin();
      default: break;
    }
    auto at = model.lower_bound({random.next() % (model.rbegin()->value + 1), random.next() % 4096});
    return at == model.end() ? *model.begin() : *at;
  }
};

class BTreeHistory : public testing::TestWithParam<Shape> {};

TEST_P(BTreeHistory, KeepsEveryHeldVersionAndLeaksNothing) {
  const std::uint64_t seed = stoa::test::test_seed();
  SeededRandom random(seed);
  for (int run = 0; run != 8; ++run) {
    SCOPED_TRACE(testing::Message() << "STOA_TEST_SEED=" << seed << " run " << run);
    World world;
    Keys keys{GetParam(), random};
    std::uint64_t grow = 60;  // of 100 operations, how many insert
    for (int root = 0; root != 160; ++root) {
      if (root % 20 == 0) grow = random.next() % 2 == 0 ? 80 : 15;
      const std::uint64_t ops = random.next() % (run % 2 == 0 ? 12 : 200);
      for (std::uint64_t op = 0; op != ops; ++op) {
        if (random.next() % 100 < grow) {
          world.add(keys.next());
        } else {
          world.take(keys.old(world.model));
        }
      }
      world.publish();
      if (world.held.size() > random.next() % 10) world.drop(random.next() % world.held.size());
      if (random.next() % 3 != 0) world.hold();
      world.reclaim();
      if (root % 8 == 0) world.check();
      if (HasFailure()) return;
    }
    world.check();
    while (!world.model.empty()) world.take(keys.old(world.model));
    world.publish();
    world.check();
    world.finish();
  }
}

std::string name_of(const testing::TestParamInfo<Shape>& shape) {
  constexpr const char* names[] = {"FewValues", "Spread", "Ascending", "Descending", "Runs"};
  return names[static_cast<int>(shape.param)];
}
INSTANTIATE_TEST_SUITE_P(Shapes, BTreeHistory,
                         testing::Values(Shape::few_values, Shape::spread, Shape::ascending, Shape::descending,
                                         Shape::runs),
                         name_of);

TEST(BTree, OfNothingHasNoPlaceAndNoBlocks) {
  World world;
  EXPECT_FALSE(contains(world.tree, {1, 1}));
  EXPECT_FALSE(first(world.tree).valid());
  EXPECT_FALSE(last(world.tree).valid());
  EXPECT_FALSE(lower_bound(world.tree, {}).valid());
  EXPECT_FALSE(erase(world.writer, world.tree, {1, 1}));
  EXPECT_EQ(build<IndexKey>(world.writer, {}).top, nullptr);
  clear(world.writer, world.tree);
  EXPECT_EQ(world.pool.bytes_in_use(), 0U);
}

TEST(BTree, OrdersByValueAndThenByEntity) {
  World world;
  const std::uint64_t top = ~std::uint64_t{0};
  for (IndexKey key : {IndexKey{top, top}, {0, 0}, {1, 0}, {0, top}, {top, 0}, {0, 1}}) EXPECT_TRUE(world.add(key));
  EXPECT_FALSE(world.add({0, top}));
  world.check();
}

TEST(BTree, FindsTheFirstKeyNotBelow) {
  const std::uint64_t seed = stoa::test::test_seed();
  SeededRandom random(seed);
  World world;
  for (int i = 0; i != 3000; ++i) world.add({random.next() % 500, random.next() % 20});
  for (int i = 0; i != 2000; ++i) world.take({random.next() % 500, random.next() % 20});
  for (std::uint64_t value = 0; value != 502; ++value) {
    for (std::uint64_t entity = 0; entity != 21; ++entity) {
      const IndexKey key{value, entity};
      auto expected = world.model.lower_bound(key);
      BTreeCursor<IndexKey> at = lower_bound(world.tree, key);
      EXPECT_EQ(contains(world.tree, key), world.model.contains(key));
      ASSERT_EQ(at.valid(), expected != world.model.end());
      if (!at.valid()) continue;
      ASSERT_EQ(at.key(), *expected);
      BTreeCursor<IndexKey> before = at;
      before.prev();
      ASSERT_EQ(before.valid(), expected != world.model.begin());
      if (before.valid()) {
        ASSERT_EQ(before.key(), *std::prev(expected));
        before.next();
        ASSERT_EQ(before.key(), at.key());
      }
    }
  }
  world.finish();
}

TEST(BTree, ChangesNodesItOwnsInPlace) {
  World world;
  for (std::uint64_t i = 0; i != 2000; ++i) world.add(key_of(i * 2));
  world.add(key_of(1001));
  world.take(key_of(1001));  // whatever had to split has split now
  const BTreeNode<IndexKey>* top = world.tree.top;
  const std::size_t bytes = world.pool.bytes_in_use();
  world.add(key_of(1001));
  world.take(key_of(1001));
  EXPECT_EQ(world.tree.top, top);
  EXPECT_EQ(world.pool.bytes_in_use(), bytes);
  world.publish();
  EXPECT_EQ(world.reclaimer.bytes_held(), 0U);
}

TEST(BTree, CopiesOnePathOfASealedTree) {
  World world;
  for (std::uint64_t i = 0; i != 2000; ++i) world.add(key_of(i * 2));
  world.publish();
  world.hold();
  const BTree<IndexKey> before = world.tree;
  EXPECT_FALSE(world.add(key_of(1000)));
  EXPECT_FALSE(world.take(key_of(1001)));
  EXPECT_EQ(world.tree.top, before.top) << "a change of nothing copied";
  const std::size_t bytes = world.pool.bytes_in_use();
  world.take(key_of(1000));
  const std::size_t copied = world.pool.bytes_in_use() - bytes;
  EXPECT_LE(copied, (world.tree.height + 1) * 2 * memory::PagePool::block_bytes(before.top));
  EXPECT_NE(world.tree.top, before.top);
  world.publish();
  world.check();
  world.finish();
}

TEST(BTree, KeysInOrderFillNodesToThreeQuarters) {
  if (btree_keys_max < 64) GTEST_SKIP() << "the limits of tiny nodes leave no choice";
  for (const bool ascending : {true, false}) {
    World world;
    constexpr std::uint64_t count = 20'000;
    for (std::uint64_t i = 0; i != count; ++i) world.add(key_of(ascending ? i : count - i));
    constexpr std::uint64_t leaves = count / (btree_keys_max - btree_keys_min);
    EXPECT_LT(world.pool.bytes_in_use(), (leaves + leaves / 16) * (sizeof(BTreeNode<IndexKey>) + 64));
    world.check();
  }
}

TEST(BTree, ErasesFromEitherEndToNothing) {
  for (const bool front : {true, false}) {
    World world;
    for (std::uint64_t i = 0; i != 5000; ++i) world.add(key_of(i));
    world.publish();
    world.hold();
    for (std::uint64_t i = 0; i != 5000; ++i) {
      world.take(key_of(front ? i : 4999 - i));
      if (i % 500 == 0) {
        world.publish();
        world.check();
      }
    }
    EXPECT_EQ(world.tree.top, nullptr);
    world.publish();
    world.check();
    world.finish();
  }
}

TEST(BTree, MergesLeavesThatAreNeighbours) {
  World world;
  for (std::uint64_t i = 0; i != 100'000; ++i) world.add(key_of(i));
  for (std::uint64_t i = 0; i != 100'000; ++i) {
    const std::uint64_t key = i * 7919 % 100'000;  // each once, here and there
    if (i % 10 != 0) world.take(key_of(key));
  }
  world.publish();
  world.hold();
  const std::size_t bytes = world.pool.bytes_in_use();
  BTreeWalk walk;
  while (merge_some(world.writer, world.tree, walk)) {
  }
  world.publish();
  world.check();
  world.drop(0);
  world.reclaim();
  if (btree_keys_max == 64) {
    EXPECT_LT(world.pool.bytes_in_use(), bytes * 9 / 10);
  }
  BTreeWalk again;
  const std::size_t merged = world.pool.bytes_in_use();
  while (merge_some(world.writer, world.tree, again)) {
  }
  EXPECT_EQ(world.pool.bytes_in_use(), merged) << "merged once, and merged again";
  world.finish();
}

TEST(BTree, ErasesTheBoundsOfInnerNodes) {
  World world;
  for (std::uint64_t i = 0; i != 5000; ++i) world.add(key_of(i));
  while (world.tree.height > 0) {
    const auto& top = static_cast<const BTreeInner<IndexKey>&>(*world.tree.top);
    world.take(*world.model.lower_bound(top.keys[1 + world.model.size() % (top.count - 1)]));
  }
  world.check();
}

TEST(BTree, BuildsFullLeavesOfEverySize) {
  constexpr std::uint64_t limit = btree_keys_max * btree_keys_max + 3 * btree_keys_max + 1;
  std::vector<IndexKey> keys;
  for (std::uint64_t count = 0; count <= limit; ++count) {
    if (count < 300 || count % 97 == 0 || count + 130 > limit) {
      World world;
      world.tree = build<IndexKey>(world.writer, keys);
      world.model.insert(keys.begin(), keys.end());
      world.check();
      if (world.tree.height == 1) {
        EXPECT_EQ(world.tree.top->count, (count + btree_keys_max - 1) / btree_keys_max);
      }
    }
    keys.push_back(key_of(count));
    if (HasFailure()) FAIL() << "of " << count << " keys";
  }
}

TEST(BTree, BuiltOneTakesInsertsAndErases) {
  World world;
  std::vector<IndexKey> keys;
  for (std::uint64_t i = 0; i != 5000; ++i) keys.push_back(key_of(i * 2));
  world.tree = build<IndexKey>(world.writer, keys);
  world.model.insert(keys.begin(), keys.end());
  world.publish();
  world.hold();
  for (std::uint64_t i = 0; i < 5000; i += 7) {
    world.add(key_of(i * 2 + 1));
    world.take(key_of(i * 2));
  }
  world.publish();
  world.check();
  world.finish();
}

// From leaf to leaf, and past the last leaf of a node: what one place leads to is what the way from the top does.
TEST(BTree, TakesAscendingChangesAtOnePlace) {
  const std::uint64_t seed = stoa::test::test_seed();
  SeededRandom random(seed);
  for (const std::uint64_t apart : {1U, 10U, 100U, 2000U}) {
    SCOPED_TRACE(testing::Message() << "STOA_TEST_SEED=" << seed << " apart " << apart);
    World world;
    std::vector<IndexKey> keys;
    for (std::uint64_t i = 0; i != 30'000; ++i) keys.push_back(key_of(i * 3));
    world.tree = build<IndexKey>(world.writer, keys);
    world.model.insert(keys.begin(), keys.end());
    world.publish();
    for (int batch = 0; batch != 8; ++batch) {
      if (batch == 4) world.hold();
      BTreePlace<IndexKey> place;
      for (std::uint64_t at = random.next() % 500; at < 90'500; at += 1 + random.next() % apart) {
        if (random.next() % 4 != 0) {
          EXPECT_EQ(insert(world.writer, world.tree, key_of(at), place), world.model.insert(key_of(at)).second);
        } else {
          EXPECT_EQ(erase(world.writer, world.tree, key_of(at), place), world.model.erase(key_of(at)) == 1);
        }
      }
      world.publish();
      world.check(true);
      if (testing::Test::HasFailure()) return;
    }
    world.finish();
  }
}

// A pool that holds `bytes`, and then throws std::bad_alloc.
memory::PoolOptions pool_of(std::size_t bytes) { return {.slab_bytes_first = bytes, .bytes_max = bytes}; }

TEST(BTree, WithoutMemoryKeepsItsKeysAndLeaksNothing) {
  const std::uint64_t seed = stoa::test::test_seed();
  std::uint64_t failed_inserts = 0;
  std::uint64_t failed_erases = 0;
  for (std::size_t blocks = 1; blocks != 60; ++blocks) {
    SeededRandom random(seed + blocks);
    World world(pool_of(64 + blocks * sizeof(BTreeInner<IndexKey>)));
    for (int op = 0; op != 800; ++op) {
      const bool grow = random.next() % 3 != 0;
      const IndexKey key{random.next() % 200, random.next() % 20};
      try {
        if (grow) {
          insert(world.writer, world.tree, key);
          world.model.insert(key);
        } else {
          erase(world.writer, world.tree, key);
          world.model.erase(key);
        }
      } catch (const std::bad_alloc&) {
        ++(grow ? failed_inserts : failed_erases);
        Checker checker;
        checker.check(world.tree);
        expect_same(world.tree, world.model);
        world.held.clear();
        world.publish();
      }
      if (random.next() % 24 == 0) {
        world.publish();
        if (world.held.size() > 2) world.drop(0);
        world.hold();
      }
      if (HasFailure()) FAIL() << "STOA_TEST_SEED=" << seed << " blocks " << blocks << " op " << op;
    }
    world.publish();
    world.check();
    world.finish();
  }
  EXPECT_GT(failed_inserts, 100U);
  EXPECT_GT(failed_erases, 5U);
}

TEST(BTree, BuildWithoutMemoryLeavesNothing) {
  std::vector<IndexKey> keys;
  for (std::uint64_t i = 0; i != 5000; ++i) keys.push_back(key_of(i));
  for (std::size_t blocks = 1; blocks != 60; ++blocks) {
    World world(pool_of(64 + blocks * sizeof(BTreeNode<IndexKey>)));
    EXPECT_THROW(static_cast<void>(build<IndexKey>(world.writer, keys)), std::bad_alloc);
    EXPECT_EQ(world.pool.bytes_in_use(), 0U);
  }
}

}  // namespace
}  // namespace stoa::storage
