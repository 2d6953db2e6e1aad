// The write buffer where memory runs out, at any of its allocations: it takes the transaction back, and those that come
// later, when there is memory again, find a sound world.
#include "storage/write_buffer.h"

#include "base/testing/no_memory.h"
#include "storage/testing/properties.h"
#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace stoa::storage {
namespace {

using stoa::test::FailingAllocation;
using test::Model;
using test::Operation;
using test::Picture;
using test::picture_of;
using test::Random;

// A pool that holds `bytes`, and then throws std::bad_alloc. What it has
// spare is enough for what comes after.
memory::PoolOptions pool_of(std::size_t bytes) { return {.slab_bytes_first = bytes, .bytes_max = bytes}; }

/// A small world over a pool that runs out, without a reclaimer, in step with a model.
class ShortWorld {
 public:
  ShortWorld(Random& random, std::size_t pool_bytes)
      : random_(random), pool_(pool_of(pool_bytes)), buffer_(world_, pool_), model_(world_.schema->model()) {
    buffer_.begin(sealed_);
  }

  /// Transactions until one fails, which is taken back.
  void run_out() {
    for (;;) {
      const Picture before = picture_of(buffer_.root());
      Model after = model_;
      try {
        transact(after);
      } catch (const std::bad_alloc&) {
        buffer_.revert();
        EXPECT_EQ(test::difference(buffer_.root(), model_), "");
        EXPECT_TRUE(picture_of(buffer_.root()) == before);
        return;
      }
      accept(std::move(after));
      if (random_.chance(30)) next_root();
    }
  }

  /// Some more, with what is spare, the first in the same root, where what failed succeeds for many.
  void go_on() {
    const Operation failed = tried_;
    for (int left = 3; left != 0; --left) {
      const memory::PagePool::SpareUse spare(pool_);
      Model after = model_;
      create_many_like(failed, after);
      transact(after);
      accept(std::move(after));
      EXPECT_EQ(test::difference(buffer_.root(), model_), "");
      next_root();
    }
  }

 private:
  void transact(Model& after) {
    for (int left = 6; left != 0; --left) {
      tried_ = workload_.next(after);
      EXPECT_EQ(perform(buffer_, tried_), after.apply(tried_));
      if (random_.chance(30)) buffer_.settle_indexes();
    }
    buffer_.settle_indexes();
  }

  // In one call, with the rows that the operation has or adds to.
  void create_many_like(const Operation& operation, Model& after) {
    constexpr std::size_t count = 3 * detail::chunk_rows_first;
    Operation alike = operation;
    alike.kind = Operation::Kind::create;
    if (const auto there = after.entities().find(operation.entity); there != after.entities().end()) {
      alike.rows.assign(there->second.begin(), there->second.end());
      for (const auto& row : operation.rows) {
        if (!there->second.contains(row.first)) alike.rows.push_back(row);
      }
    }
    std::vector<std::vector<std::byte>> rows;
    std::vector<RowImage> images;
    for (const auto& [table, row] : alike.rows) {
      const auto one = borrow(world_.model(table), row);
      rows.emplace_back();
      for (std::size_t i = 0; i != count; ++i) rows.back().insert(rows.back().end(), one.begin(), one.end());
      images.push_back({table, rows.back().data()});
    }
    std::vector<Entity> entities;
    for (std::size_t i = 0; i != count; ++i) entities.push_back({next_++, 1});
    EXPECT_EQ(buffer_.create(entities, images), Outcome::done);
    for (Entity entity : entities) {
      alike.entity = entity;
      EXPECT_EQ(after.apply(alike), Outcome::done);
    }
  }

  void accept(Model after) {
    std::vector<Entity> ended;
    buffer_.accept(ended);
    model_ = std::move(after);
  }

  void next_root() {
    sealed_ = buffer_.seal(sealed_.version + 1);
    buffer_.begin(sealed_);
  }

  Random& random_;
  const detail::WorldInfo world_ = test::make_world();
  memory::PagePool pool_;
  WriteBuffer buffer_;
  Model model_;
  Operation tried_;
  std::uint32_t next_ = 0;
  test::Workload workload_{random_, model_.schema(), [this] { return Entity{next_++, 1}; }};
  Root sealed_;
};

TEST(WriteBufferWithoutMemory, TakesATransactionBackThatFailedAnywhereAndGoesOn) {
  Random random(test::test_seed());
  int failed = 0;
  for (std::size_t run = 0; run != test::test_rounds(600); ++run) {
    const std::size_t bytes = (std::size_t{4} << 10U) + random.below(std::size_t{300} << 4U) * 64;
    try {
      ShortWorld world(random, bytes);
      world.run_out();
      world.go_on();
      ++failed;
    } catch (const std::bad_alloc&) {
      continue;  // not even an empty world, or a root for what was done
    }
    if (testing::Test::HasFailure()) FAIL() << "with " << bytes << " bytes";
  }
  EXPECT_GT(failed, 100);
}

// Who comes to a new archetype may find no memory for it; what came before in the same pages goes without any.
TEST(WriteBufferWithoutMemory, TakesACreateBackThatComesBeforeANewArchetype) {
  const detail::WorldInfo world = test::make_world();
  const TableId active = world.schema->table_of<test::Active>();
  const RowImage row{active, nullptr};
  int failed = 0;
  for (std::size_t units = 1; units != 400; ++units) {
    memory::PagePool pool(pool_of(units * 64));
    try {
      storage::WriteBuffer buffer(world, pool);
      buffer.begin(Root{});
      std::vector<Entity> ended;
      ASSERT_EQ(buffer.create(Entity{0, 1}), Outcome::done);
      buffer.accept(ended);
      const Picture before = picture_of(buffer.root());
      bool out = false;
      try {
        ASSERT_EQ(buffer.create(Entity{1, 1}), Outcome::done);
        ASSERT_EQ(buffer.insert(Entity{0, 1}, std::array{row}), Outcome::done);
      } catch (const std::bad_alloc&) {
        out = true;
      }
      if (!out) break;
      ASSERT_NO_THROW(buffer.revert()) << units;
      EXPECT_TRUE(picture_of(buffer.root()) == before) << units;
      ++failed;
    } catch (const std::bad_alloc&) {
      continue;  // not even a world with an entity
    }
  }
  EXPECT_GT(failed, 2);
}

/// Entities with positions in a sealed root, of which many get and lose rows at a time.
class ManyRows {
 public:
  explicit ManyRows(const memory::PoolOptions& options) : pool_(options), buffer_(world_, pool_) {
    buffer_.begin(Root{});
    const std::vector<test::Position> positions(entity_count);
    for (std::uint32_t i = 0; i != entity_count; ++i) entities_.push_back({i, 1});
    const RowImage rows{table<test::Position>(), reinterpret_cast<const std::byte*>(positions.data())};
    EXPECT_EQ(buffer_.create(entities_, {&rows, 1}), Outcome::done);
    insert<test::Follows>(std::span(entities_).first(20));
    insert<test::Terrain>(std::span(entities_).subspan(30, 12));
    std::vector<Entity> ended;
    buffer_.accept(ended);
    sealed_ = buffer_.seal(1);
    buffer_.begin(sealed_);
  }

  /// Dense rows, one of whose chunks has room for a few; sparse ones that nothing can fail for, and such with an index;
  /// one entity named twice, which has its row the second time.
  void transact() {
    const std::span<const Entity> entities(entities_);
    insert<test::Terrain>(entities.subspan(50, 20));
    insert<test::Selected>(entities.subspan(200, 90));
    insert<test::Follows>(entities.subspan(20, 40));
    remove<test::Follows>(entities.subspan(10, 30));
    remove<test::Position>(entities.subspan(5, 50));
    const std::array twice{entities[90], entities[91], entities[91], entities[92]};
    EXPECT_EQ(insert<test::Active>(twice), 2U);
    EXPECT_EQ(insert<test::Selected>(twice), 2U);
    buffer_.settle_indexes();
    // Of several archetypes, with sparse rows and without; one is named twice, and has ended the second time.
    for (std::span<const Entity> ending : {entities.subspan(25, 60), entities.subspan(195, 40), entities.first(1)}) {
      EXPECT_EQ(buffer_.destroy(ending).count, ending.size());
    }
    const std::array again{entities[250], entities[251], entities[250], entities[252]};
    const Counted ended = buffer_.destroy(again);
    EXPECT_EQ(ended.count, 2U);
    EXPECT_EQ(ended.outcome, Outcome::no_entity);
    buffer_.settle_indexes();
  }
  [[nodiscard]] Picture picture() const { return picture_of(buffer_.root()); }
  void revert() { buffer_.revert(); }

 private:
  static constexpr std::uint32_t entity_count = 300;  // more than a leaf of a sparse table has

  template <typename T>
  TableId table() const {
    return world_.schema->table_of<T>();
  }
  // As far as the entities have none, all together.
  template <typename T>
  std::size_t insert(std::span<const Entity> entities) {
    const std::vector<T> rows(entities.size());
    std::size_t done = 0;
    while (done != entities.size()) {
      const RowImage left{table<T>(), std::is_empty_v<T> ? nullptr : reinterpret_cast<const std::byte*>(&rows[done])};
      const auto [count, outcome] = buffer_.insert(entities.subspan(done), {&left, 1});
      if (outcome != Outcome::done) break;
      done += count;
    }
    return done;
  }
  template <typename T>
  void remove(std::span<const Entity> entities) {
    EXPECT_EQ(buffer_.remove(table<T>(), entities).count, entities.size());
  }

  detail::WorldInfo world_ = test::make_world();
  memory::PagePool pool_;
  WriteBuffer buffer_;
  Root sealed_;
  std::vector<Entity> entities_;
};

TEST(WriteBufferWithoutMemory, TakesManyRowsBackThatFailedAnywhereOnTheHeap) {
  std::size_t failed = 0;
  for (bool happened = true; happened; ++failed) {
    ManyRows world({});
    const Picture before = world.picture();
    const auto how = failed % 2 == 0 ? FailingAllocation::How::once : FailingAllocation::How::from_then_on;
    {
      const FailingAllocation failing(failed / 2, how);
      try {
        world.transact();
      } catch (const std::bad_alloc&) {
        EXPECT_TRUE(failing.happened());
      }
      happened = failing.happened();
      ASSERT_NO_THROW(world.revert()) << failed;
    }
    ASSERT_TRUE(world.picture() == before) << failed;
  }
  EXPECT_GT(failed, 4U);
}

TEST(WriteBufferWithoutMemory, TakesManyRowsBackThatFailedAnywhereInThePool) {
  std::size_t failed = 0;
  for (std::size_t bytes = std::size_t{32} << 10U;; bytes += 64) {
    std::optional<ManyRows> world;
    try {
      world.emplace(
          memory::PoolOptions{.slab_bytes_first = bytes, .spare_bytes = std::size_t{1} << 20U, .bytes_max = bytes});
    } catch (const std::bad_alloc&) {
      continue;  // not even what is there at first
    }
    const Picture before = world->picture();
    bool out = false;
    try {
      world->transact();
    } catch (const std::bad_alloc&) {
      out = true;
    }
    ASSERT_NO_THROW(world->revert()) << bytes;
    ASSERT_TRUE(world->picture() == before) << bytes;
    if (!out) break;
    ++failed;
  }
  EXPECT_GT(failed, 10U);
}

}  // namespace
}  // namespace stoa::storage
