// While the writer stands still, at any instruction of a commit, readers of every kind go on, and all of them see one
// version. STOA_TEST_ROUNDS is how often it is stopped.
#include "environment.h"
#include "stamped_world.h"
#include "suspension.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <iostream>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace stoa::test {
namespace {

using namespace std::chrono_literals;

constexpr auto long_enough = 60s;  // on a busy machine; nothing waits for it where all is well

/// What the writer's standing still is to those who read meanwhile.
class Stillness {
 public:
  /// No snapshot that is taken from now on is of another version.
  void begin(Version version) {
    version_.store(version, std::memory_order_relaxed);  // relaxed: published by the next
    turn_.fetch_add(1, std::memory_order_seq_cst);
  }
  void end() { turn_.fetch_add(1, std::memory_order_seq_cst); }

  /// Takes a snapshot with `take`, and looks whether it is of the version that it must be of.
  template <typename Take>
  Snapshot look(Take&& take) const {
    const std::uint64_t before = turn_.load(std::memory_order_seq_cst);
    const Version version = version_.load(std::memory_order_relaxed);
    Snapshot taken = take();
    if (turn_.load(std::memory_order_seq_cst) == before && before % 2 == 1) {
      EXPECT_EQ(taken.version(), version);
    }
    return taken;
  }

 private:
  std::atomic<std::uint64_t> turn_{0};  // odd: it stands still
  std::atomic<Version> version_{0};
};

/// A thread that does the same again and again, and counts how often.
class Reader {
 public:
  explicit Reader(std::function<void()> act)
      : thread_([this, act = std::move(act)](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            act();
            done_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
          }
        }) {}
  [[nodiscard]] std::uint64_t done() const { return done_.load(std::memory_order_relaxed); }
  void stop() { thread_.request_stop(); }

 private:
  std::atomic<std::uint64_t> done_{0};
  std::jthread thread_;
};

/// Snapshots that one thread clones and another lets go.
class Exchange {
 public:
  [[nodiscard]] std::optional<Snapshot> swap(std::optional<Snapshot> given) {
    const std::scoped_lock lock(mutex_);
    std::swap(given, snapshot_);
    return given;
  }

 private:
  std::mutex mutex_;
  std::optional<Snapshot> snapshot_;
};

void expect_chain(Database& database, std::atomic<Version>& since) {
  const Version from = since.load(std::memory_order_relaxed);  // relaxed: its thread's own
  const auto deltas = database.deltas_since(from);
  ASSERT_TRUE(deltas) << deltas.error().message();
  Version at = from;
  for (const Delta& delta : *deltas) {
    EXPECT_EQ(delta.from(), at);
    at = delta.to();
  }
  if (at > from + 20) since.store(at - 1, std::memory_order_relaxed);
}

void add_readers(std::deque<Reader>& readers, Database& database, const StampedWorld& world, const Stillness& still,
                 Exchange& exchange, std::atomic<Version>& since) {
  const auto take = [&] { return still.look([&] { return database.snapshot(); }); };
  readers.emplace_back([&world, take] {
    for (const auto read : {&StampedWorld::read_rows, &StampedWorld::walk, &StampedWorld::look_up}) {
      const Snapshot snapshot = take();
      EXPECT_EQ((world.*read)(snapshot), snapshot.version());
    }
  });
  readers.emplace_back([&] { expect_chain(database, since); });
  readers.emplace_back([&, take] {
    const Snapshot snapshot = take();
    (void)exchange.swap(snapshot.clone());
  });
  readers.emplace_back([&] {
    const auto taken = exchange.swap({});
    if (taken) {
      EXPECT_EQ(world.read_rows(*taken), taken->version());
    }
  });
  readers.emplace_back([&] {
    const Version now = database.version();
    if (database.wait_for_version(now + 1, 100us)) {
      EXPECT_GT(database.snapshot().version(), now);
    }
  });
}

// Each has begun anew, and come to its end.
bool all_go_on(const std::deque<Reader>& readers) {
  std::vector<std::uint64_t> before;
  for (const Reader& reader : readers) before.push_back(reader.done());
  const auto end = std::chrono::steady_clock::now() + long_enough;
  for (std::size_t i = 0; i != readers.size();) {
    if (readers[i].done() >= before[i] + 2) {
      ++i;
      continue;
    }
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

void run(Database& database, std::uint64_t rounds, std::size_t places_wanted) {
  const std::size_t places_least = is_sanitized ? 2 : places_wanted;
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  StampedWorld world(database);
  Stillness still;
  Exchange exchange;
  std::atomic<Version> since{1};
  std::deque<Reader> readers;
  add_readers(readers, database, world, still, exchange, since);
  std::set<std::uint64_t> places;
  std::uint64_t stopped = 0;
  std::uint64_t at_work = 0;
  {
    std::vector<std::jthread> producers;
    for (int i = 0; i != 4; ++i) {
      producers.emplace_back([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) EXPECT_TRUE(world.write());
      });
    }
    Suspension writer(world.writer());
    // On a busy machine most stops meet a writer that has no core: then there are more of them.
    const auto goes_on = [&] { return stopped < rounds || (places.size() < places_least && stopped < 10 * rounds); };
    while (goes_on() && !testing::Test::HasFailure()) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
      if (!writer.suspend(long_enough)) FAIL() << "it does not stop";
      ++stopped;
      places.insert(writer.place());
      const Version frozen = database.snapshot().version();
      const Version told = database.version();
      EXPECT_GE(frozen, told);
      still.begin(frozen);
      EXPECT_TRUE(all_go_on(readers)) << "somebody waits for the writer";
      at_work += database.metrics().in_flight_transactions != 0 ? 1 : 0;
      EXPECT_EQ(database.version(), told);
      still.end();
      writer.go_on();
    }
  }
  for (Reader& reader : readers) reader.stop();
  readers.clear();
  EXPECT_GT(at_work, stopped / 2) << "of what it stopped in, most is to be commits";
  EXPECT_GE(places.size(), places_least);
  std::cout << "stopped " << stopped << " times at " << places.size() << " places, " << at_work
            << " times with work in flight, at version " << database.version() << " in the end\n";
}

TEST(SuspendedConcurrent, ReadersGoOnWhereverACommitStandsStill) {
  Options options;
  options.history_bytes_max = std::size_t{256} << 20U;
  Database database = *Database::in_memory(StampedWorld::schema(), options);
  const std::uint64_t rounds = test_rounds(200, 40);
  run(database, rounds, rounds / 10);
}

// And at its way to the disk.
TEST(SuspendedConcurrent, ReadersGoOnWhereverADurableCommitStandsStill) {
  const auto folder = std::filesystem::temp_directory_path() / ("stoa-suspended-" + std::to_string(::getpid()));
  Options options;
  options.history_bytes_max = std::size_t{256} << 20U;
  Database database = *Database::open(folder, StampedWorld::schema(), options);
  run(database, test_rounds(60, 20), 2);  // it mostly stands in the system's calls
  EXPECT_TRUE(database.close_and_remove());
}

}  // namespace
}  // namespace stoa::test
