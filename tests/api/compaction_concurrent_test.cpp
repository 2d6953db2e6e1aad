// Readers, writers and several who ask for compaction, all at once.
#include "fleet.h"
#include "random.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::test {
namespace {

using fleet::Ship;

// Every ship's name says its speed, in every root: each transaction writes both.
TEST(CompactionConcurrent, ReadersSeeWholeRowsBesideIt) {
  constexpr std::uint32_t ships = 400;
  Options options;
  options.slab_bytes_first = options.slab_bytes_max = std::size_t{16} << 10U;
  options.compaction_budget = std::chrono::microseconds(20);
  Database database = *Database::in_memory(fleet::make_schema(), options);
  const auto row = [](std::uint32_t speed, std::string& name) {
    name = "a name that is too long for a cell, of speed " + std::to_string(speed);
    return Ship{speed, name};
  };
  std::string name;
  std::vector<Entity> fixed;
  {
    Transaction tx = database.begin();
    for (std::uint32_t i = 0; i != ships; ++i) tx.insert(fixed.emplace_back(tx.create()), row(i % 100, name));
    ASSERT_TRUE(std::move(tx).commit());
  }
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> seen{0};
  std::vector<std::thread> threads;
  for (int reader = 0; reader != 2; ++reader) {
    threads.emplace_back([&] {
      std::string expected;
      while (!stop.load(std::memory_order_relaxed)) {  // relaxed: it says nothing of other memory
        const Snapshot snapshot = database.snapshot();
        std::uint64_t found = 0;
        snapshot.each<Ship>([&](Entity entity, const Ship& ship) {
          ASSERT_EQ(ship.name, row(ship.speed, expected).name);
          found += snapshot.alive(entity) ? 1 : 0;
        });
        ASSERT_GE(found, ships);
        ASSERT_TRUE(snapshot.wrong_indexes().empty());
        seen.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  std::atomic<std::uint64_t> moved{0};
  for (int asker = 0; asker != 2; ++asker) {
    threads.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const auto report = database.compact();
        ASSERT_TRUE(report) << report.error().message();
        moved.fetch_add(report->blocks_moved, std::memory_order_relaxed);
      }
    });
  }
  Random random(5);
  for (int round = 0; round != 60; ++round) {
    std::vector<Entity> passing;
    Transaction come = database.begin();
    for (int i = 0; i != 300; ++i) {
      come.insert(passing.emplace_back(come.create()), row(static_cast<std::uint32_t>(random.below(100)), name));
    }
    ASSERT_TRUE(std::move(come).commit());
    Transaction go = database.begin();
    for (Entity entity : passing) go.destroy(entity);
    for (int i = 0; i != 20; ++i) {
      go.update(fixed[random.below(ships)], row(static_cast<std::uint32_t>(random.below(100)), name));
    }
    ASSERT_TRUE(std::move(go).commit());
  }
  while (moved.load(std::memory_order_relaxed) == 0 || seen.load(std::memory_order_relaxed) == 0) {
    std::this_thread::yield();
  }
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(database.snapshot().wrong_indexes().empty());
  EXPECT_EQ(database.snapshot().count<Ship>(), ships);
}

}  // namespace
}  // namespace stoa::test
