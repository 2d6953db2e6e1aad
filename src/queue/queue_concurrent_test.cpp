// The queue with all its parts under real threads, many of them, for as long as STOA_TEST_SCALE says (1 by default).
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "queue/doorbell.h"
#include "queue/in_flight.h"
#include "queue/mpsc_queue.h"
#include "queue/node_pool.h"
#include "queue/response.h"

namespace stoa::queue {
namespace {

std::uint64_t scaled(std::uint64_t count) {
  const char* text = std::getenv("STOA_TEST_SCALE");
  return text == nullptr ? count : count * std::strtoull(text, nullptr, 10);
}

// A wait that takes so long has lost its wake-up.
Deadline stuck() { return deadline_after(std::chrono::seconds(60)); }

struct Item : QueueNode {
  std::uint32_t producer = 0;
  std::uint64_t number = 0;
};

/// A producer's items, used again once they were taken.
struct Producer {
  std::vector<Item> items = std::vector<Item>(512);
  alignas(cache_line_bytes) std::atomic<std::uint64_t> taken{0};

  /// The item for the number, or nullptr where `stopped` says that none will be free.
  Item* item_for(std::uint64_t number, const std::atomic<bool>& stopped) {
    // acquire: pairs with the consumer's store; it has read the item's last use.
    while (number - taken.load(std::memory_order_acquire) >= items.size()) {
      if (stopped.load(std::memory_order_relaxed)) return nullptr;  // relaxed: carries nothing
      std::this_thread::yield();
    }
    return &items[number % items.size()];
  }
};

class Producers : public testing::TestWithParam<std::uint32_t> {};
TEST_P(Producers, LoseNothingAndKeepTheirOrder) {
  const std::uint32_t count = GetParam();
  const std::uint64_t each = scaled(400'000) / count;
  std::vector<Producer> producers(count);
  MpscQueue queue;
  Doorbell bell;
  std::atomic<bool> stopped{false};
  std::vector<std::jthread> threads;
  for (std::uint32_t p = 0; p < count; ++p) {
    threads.emplace_back([&, p] {
      for (std::uint64_t n = 0; n < each; ++n) {
        Item* item = producers[p].item_for(n, stopped);
        if (item == nullptr) return;
        item->producer = p;
        item->number = n;
        queue.push(*item);
        bell.ring();
      }
    });
  }
  std::uint64_t left = each * count;
  while (left != 0 && !HasFailure()) {
    if (!bell.wait([&] { return !queue.empty(); }, std::chrono::microseconds(100), stuck())) {
      ADD_FAILURE() << left << " items did not come";
      break;
    }
    for (QueueNode* node = queue.take_all(); node != nullptr;) {
      const auto& item = *static_cast<Item*>(node);
      Producer& producer = producers[item.producer];
      const std::uint64_t next = producer.taken.load(std::memory_order_relaxed);  // relaxed: only this thread stores it
      if (item.number != next) {
        ADD_FAILURE() << "producer " << item.producer << ": " << item.number << " instead of " << next;
        break;
      }
      node = node->next;
      --left;
      producer.taken.store(next + 1, std::memory_order_release);  // release: the item is not read any more
    }
  }
  stopped.store(true, std::memory_order_relaxed);  // relaxed: see item_for()
  threads.clear();
  EXPECT_TRUE(HasFailure() || queue.empty());
}
INSTANTIATE_TEST_SUITE_P(MpscQueue, Producers, testing::Values(1, 2, 3, 4, 8, 16),
                         [](const auto& name) { return std::to_string(name.param) + "Together"; });

TEST(Doorbell, LosesNoWakeUp) {
  // Two threads that wait for each other at every step, without spinning: each step is a chance to miss the ring.
  const std::uint64_t rounds = scaled(30'000);
  std::atomic<std::uint64_t> ball{0};
  Doorbell bells[2];
  auto play = [&](std::uint64_t side) {
    for (std::uint64_t round = side; round < 2 * rounds; round += 2) {
      // seq_cst, both: as Doorbell asks for.
      if (!bells[side].wait([&] { return ball.load(std::memory_order_seq_cst) == round; }, {}, stuck())) return;
      ball.store(round + 1, std::memory_order_seq_cst);
      bells[1 - side].ring();
    }
  };
  std::jthread other(play, 1);
  play(0);
  other.join();
  EXPECT_EQ(ball.load(), 2 * rounds);
}

TEST(Doorbell, WakesAllWhoSleep) {
  const std::uint64_t rounds = scaled(3'000);
  std::atomic<std::uint64_t> work{0};
  std::atomic<std::uint64_t> seen{0};
  Doorbell to_sleepers;
  Doorbell to_ringer;
  std::atomic<int> late{0};
  std::vector<std::jthread> sleepers;
  for (int t = 0; t < 3; ++t) {
    sleepers.emplace_back([&] {
      for (std::uint64_t round = 1; round <= rounds; ++round) {
        if (!to_sleepers.wait([&] { return work.load(std::memory_order_seq_cst) >= round; }, {}, stuck())) ++late;
        seen.fetch_add(1, std::memory_order_seq_cst);
        to_ringer.ring();
      }
    });
  }
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    work.store(round, std::memory_order_seq_cst);
    to_sleepers.ring();
    if (!to_ringer.wait([&] { return seen.load(std::memory_order_seq_cst) >= 3 * round; }, {}, stuck())) ++late;
  }
  sleepers.clear();
  EXPECT_EQ(late.load(), 0);
}

TEST(Doorbell, ReturnsAtTheDeadline) {
  Doorbell bell;
  const Deadline start = std::chrono::steady_clock::now();
  EXPECT_FALSE(
      bell.wait([] { return false; }, std::chrono::microseconds(10), deadline_after(std::chrono::milliseconds(20))));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(20));
  EXPECT_FALSE(bell.wait([] { return false; }, {}, Deadline{}));
}

// A transaction's way: from the pool, through the queue, answered, and home again from either side.
struct Request : QueueNode {
  std::uint64_t question = 0;
  std::uint64_t answer = 0;
  Response response;
};

TEST(Response, ReachesItsTicketHoweverItIsDroppedOrAwaited) {
  const std::uint64_t each = scaled(40'000);
  constexpr std::uint64_t producers = 4;
  NodePool<Request> pool;
  MpscQueue queue;
  Doorbell bell;
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> stuck_count{0};
  std::vector<std::jthread> threads;
  for (std::uint64_t p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      std::mt19937_64 random(p);
      for (std::uint64_t n = 0; n < each; ++n) {
        Request& request = pool.acquire();
        const std::uint64_t question = request.question = random();
        request.response.reset();
        queue.push(request);
        bell.ring();
        bool answered = false;
        switch (random() % 5) {
          case 0: break;
          case 1: answered = request.response.done(); break;
          case 2: answered = request.response.wait_for(std::chrono::microseconds(random() % 50)); break;
          default:
            answered = request.response.wait_until(stuck());
            if (!answered) ++stuck_count;
        }
        if (answered && request.answer != question + 1) ++wrong;
        if (request.response.drop() == Dropped::recycle_now) (void)pool.release(request);
      }
    });
  }
  for (std::uint64_t left = producers * each; left != 0;) {
    ASSERT_TRUE(bell.wait([&] { return !queue.empty(); }, std::chrono::microseconds(20), stuck()))
        << left << " requests did not come";
    for (QueueNode* node = queue.take_all(); node != nullptr; --left) {
      auto& request = *static_cast<Request*>(node);
      node = node->next;  // before complete(): the node may be another's after it
      request.answer = request.question + 1;
      if (request.response.complete() == Answered::dropped) (void)pool.release(request);
    }
  }
  threads.clear();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(stuck_count.load(), 0U);
  EXPECT_TRUE(pool.close()) << "a node was not recycled";
}

TEST(Response, SaysWhetherAThreadSleptUntilItCame) {
  Response response;
  response.reset();
  EXPECT_EQ(response.complete(), Answered::held);
  // Nobody can see that a thread sleeps: the longer it has for it, the surer.
  Answered met = Answered::held;
  const Deadline end = stuck();
  for (auto time = std::chrono::milliseconds(1); met == Answered::held && std::chrono::steady_clock::now() < end;
       time *= 2) {
    response.reset();
    std::jthread sleeper([&] { response.wait(); });
    std::this_thread::sleep_for(time);
    met = response.complete();
  }
  EXPECT_EQ(met, Answered::woken);
  for (const auto timeout : {std::chrono::nanoseconds(0), std::chrono::nanoseconds(1)}) {
    response.reset();
    EXPECT_FALSE(response.wait_for(timeout));
    EXPECT_EQ(response.complete(), Answered::held) << "it waits no more";
  }
  response.reset();
  EXPECT_EQ(response.drop(), Dropped::writer_recycles);
  EXPECT_EQ(response.complete(), Answered::dropped);
}

struct Owned {
  std::uint64_t owner = 0;  // plain: a node given out twice is a data race too
};

TEST(NodePool, GivesANodeToOneThreadAtATime) {
  const std::uint64_t rounds = scaled(100'000);
  NodePool<Owned> pool;
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      std::vector<Owned*> mine;
      for (std::uint64_t n = 0; n < rounds || !mine.empty(); ++n) {
        if (n < rounds && mine.size() < 6 && (random() & 1U) != 0) {
          mine.push_back(&pool.acquire());
          if (std::exchange(mine.back()->owner, t) != 0) ++wrong;
        } else if (!mine.empty()) {
          std::swap(mine[random() % mine.size()], mine.back());
          if (std::exchange(mine.back()->owner, 0) != t) ++wrong;
          (void)pool.release(*mine.back());
          mine.pop_back();
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong.load(), 0U);
  std::size_t count = 0;
  pool.for_each([&](Owned& node) { count += node.owner == 0 ? 1 : 1000; });
  EXPECT_EQ(count, 32U) << "24 nodes are away at most: one block serves";
  EXPECT_TRUE(pool.close());
}

TEST(NodePool, IsFreedByTheLastNodeThatComesHome) {
  for (std::uint64_t round = 0; round < scaled(300); ++round) {
    auto* pool = new NodePool<Owned>;
    std::atomic<int> freed{0};
    auto free_if = [&](bool last) {
      if (!last) return;
      delete pool;
      ++freed;
    };
    std::vector<Owned*> away;
    for (int n = 0; n < 90; ++n) away.push_back(&pool->acquire());
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t at = t; at < away.size(); at += 2) free_if(pool->release(*away[at]));
      });
    }
    free_if(pool->close());
    threads.clear();
    ASSERT_EQ(freed.load(), 1);
  }
}

TEST(InFlightLimit, IsNeverExceededAndEverybodyGetsIn) {
  constexpr InFlightLimit::Load most{8, 1000};
  const std::uint64_t each = scaled(10'000);
  InFlightLimit limit(most);
  std::atomic<std::uint64_t> bytes_now{0};
  std::atomic<std::uint64_t> count_now{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (std::uint64_t n = 0; n < each; ++n) {
        const std::uint64_t bytes = random() % 50 == 0 ? 5000 : random() % 600;  // one in fifty is a giant
        if (limit.enter(bytes, stuck()) != InFlightLimit::Entry::entered) {
          ++wrong;
          continue;
        }
        const std::uint64_t all = bytes_now.fetch_add(bytes) + bytes;
        const std::uint64_t count = ++count_now;
        // These two are counted up after entering and down before leaving: never more than what is in flight.
        if (count > most.count || (all > most.bytes && (all != bytes || count != 1))) ++wrong;
        if (random() % 8 == 0) std::this_thread::yield();
        bytes_now.fetch_sub(bytes);
        --count_now;
        limit.leave({1, bytes});
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(limit.in_flight().count, 0U);
  EXPECT_EQ(limit.in_flight().bytes, 0U);
}

TEST(InFlightLimit, ClosingTurnsAwayAllWhoWait) {
  InFlightLimit limit({1, 100});
  ASSERT_TRUE(limit.try_enter(10));
  std::atomic<int> refused{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] { refused += limit.enter(10, stuck()) == InFlightLimit::Entry::closed ? 1 : 0; });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  limit.close();
  threads.clear();
  EXPECT_EQ(refused.load(), 3);
  EXPECT_EQ(limit.enter(1), InFlightLimit::Entry::closed);
  limit.leave({1, 10});
}

}  // namespace
}  // namespace stoa::queue
