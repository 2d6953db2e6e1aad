// Many threads reserve while the writer ends, burns and recycles.
#include "storage/entity_allocator.h"

#include "storage/testing/world.h"
#include "storage/write_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::storage {
namespace {

/// What a reserving thread hands to the writer. Few have room in it, so that the writer has its turns between.
class Handover {
 public:
  void give(std::vector<Entity>& entities) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [this] { return entities_.size() < 1024; });
    entities_.insert(entities_.end(), entities.begin(), entities.end());
    entities.clear();
  }
  [[nodiscard]] std::vector<Entity> take() {
    const std::lock_guard lock(mutex_);
    taken_.notify_all();
    return std::exchange(entities_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::vector<Entity> entities_;
};

TEST(EntityAllocatorConcurrent, NeverGivesAnIdTwice) {
  constexpr int threads_count = 4;
  constexpr int ids_per_thread = 40'000;
  const detail::WorldInfo world = test::make_world();
  memory::PagePool pool;
  WriteBuffer buffer(world, pool);
  buffer.begin(Root{});
  EntityAllocator entities;
  Handover handover;
  std::atomic<int> running{threads_count};
  std::vector<std::thread> threads;
  for (int number = 0; number != threads_count; ++number) {
    threads.emplace_back([&] {
      for (int left = ids_per_thread, count = 1; left != 0; left -= count) {
        count = std::min(left, count % 64 + 1);
        std::vector<Entity> some(count);
        if (count == 1) {
          some[0] = entities.reserve();
        } else {
          ASSERT_EQ(entities.reserve(some), some.size());
        }
        handover.give(some);
      }
      running.fetch_sub(1);
    });
  }
  std::vector<Entity> given;
  std::uint64_t root_seq = 0;
  for (bool last = false; !last;) {
    last = running.load() == 0;
    const std::vector<Entity> batch = handover.take();
    given.insert(given.end(), batch.begin(), batch.end());
    ++root_seq;
    for (Entity entity : batch) {
      if (entity.index() % 3 == 0) {
        entities.burn(entity);
        entities.offer_burnt(buffer.root());
      } else {
        ASSERT_EQ(buffer.create(entity), Outcome::done);
        ASSERT_EQ(buffer.destroy(entity), Outcome::done);
        buffer.changes().clear();
        entities.ended(entity, root_seq);
      }
    }
    entities.recycle({}, buffer.root(), [](std::uint64_t, Entity) { return false; });
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();

  ASSERT_EQ(given.size(), std::size_t{threads_count} * ids_per_thread);
  std::sort(given.begin(), given.end());
  EXPECT_EQ(std::adjacent_find(given.begin(), given.end()), given.end());
  // Generations of an index come without a gap: none was lost on the way through the ring.
  std::uint64_t reused = 0;
  for (std::size_t i = 1; i != given.size(); ++i) {
    if (given[i].index() == given[i - 1].index()) {
      ASSERT_EQ(given[i].generation(), given[i - 1].generation() + 1);
      ++reused;
    } else {
      ASSERT_EQ(given[i].index(), given[i - 1].index() + 1);
      ASSERT_EQ(given[i].generation(), 1U);
    }
  }
  EXPECT_GT(reused, given.size() / 10);
}

}  // namespace
}  // namespace stoa::storage
