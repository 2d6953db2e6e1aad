// Every way in which the steps of a few threads can fall, for the lock-free parts of this layer; and that each memory
// order they use is needed: put a weaker one in its place and some scenario fails.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "queue/doorbell.h"
#include "queue/model.h"
#include "queue/mpsc_queue.h"
#include "queue/node_pool.h"
#include "queue/response.h"

namespace stoa::queue {
namespace {

using model::explore;
using model::Limits;
using model::Plain;
using model::require;
using model::Scenario;
using model::Threads;
using model::Verdict;

using Queue = BasicMpscQueue<model::Sync>;
using Bell = BasicDoorbell<model::Sync>;
using Answer = BasicResponse<model::Sync>;

struct Item : QueueNode {
  Plain<int> payload;
};

// Takes what is there, and checks that what one producer pushed comes in its order: payloads are producer * 10 + n.
struct Consumer {
  std::array<int, 3> last{};
  int count = 0;

  void take(Queue& queue) {
    for (QueueNode* node = queue.take_all(); node != nullptr; node = node->next) {
      const int payload = static_cast<Item*>(node)->payload.get();
      int& before = last[static_cast<std::size_t>(payload / 10)];
      require(before < payload, "out of order, or twice");
      before = payload;
      ++count;
    }
  }
};

struct QueueState {
  Queue queue;
  Bell bell;
  std::array<Item, 4> items;
  Consumer consumer;

  void send(int item, int payload) {
    auto& to = items[static_cast<std::size_t>(item)];
    to.payload.set(payload);
    queue.push(to);
    bell.ring();
  }
};

void two_producers(Threads& threads) {
  auto s = std::make_shared<QueueState>();
  threads.thread([=] {
    s->items[0].payload.set(11);
    s->queue.push(s->items[0]);
    s->items[1].payload.set(12);
    s->queue.push(s->items[1]);
  });
  threads.thread([=] {
    s->items[2].payload.set(21);
    s->queue.push(s->items[2]);
  });
  threads.thread([=] {
    s->consumer.take(s->queue);
    s->consumer.take(s->queue);
  });
  threads.finally([=] {
    s->consumer.take(s->queue);
    require(s->consumer.count == 3, "lost");
  });
}

void sleeping_consumer(Threads& threads) {
  auto s = std::make_shared<QueueState>();
  threads.thread([=] { s->send(0, 11); });
  threads.thread([=] { s->send(1, 21); });
  threads.thread([=] {
    while (s->consumer.count < 2) {
      (void)s->bell.wait([&] { return !s->queue.empty(); });
      s->consumer.take(s->queue);
    }
  });
}

// The first thread is to be suspended at some step: the others must not notice.
void suspended_producer(Threads& threads) {
  auto s = std::make_shared<QueueState>();
  threads.thread([=] { s->send(0, 11); });
  threads.thread([=] { s->send(1, 21); });
  threads.thread([=] {
    while (s->consumer.last[2] == 0) {
      (void)s->bell.wait([&] { return !s->queue.empty(); });
      s->consumer.take(s->queue);
    }
  });
}

void two_sleepers(Threads& threads) {
  struct State {
    model::Atomic<int> work{0};
    Bell bell;
  };
  auto s = std::make_shared<State>();
  threads.thread([=] {
    for (int n = 1; n <= 2; ++n) {
      s->work.store(n, std::memory_order_seq_cst);
      s->bell.ring();
    }
  });
  for (int n = 1; n <= 2; ++n) {
    threads.thread([=] { (void)s->bell.wait([=] { return s->work.load(std::memory_order_seq_cst) >= n; }); });
  }
}

void two_ringers(Threads& threads) {
  struct State {
    model::Atomic<int> a{0}, b{0};
    Bell bell;
  };
  auto s = std::make_shared<State>();
  threads.thread([=] {
    s->a.store(1, std::memory_order_seq_cst);
    s->bell.ring();
  });
  threads.thread([=] {
    s->b.store(1, std::memory_order_seq_cst);
    s->bell.ring();
  });
  threads.thread([=] {
    (void)s->bell.wait(
        [=] { return s->a.load(std::memory_order_seq_cst) + s->b.load(std::memory_order_seq_cst) == 2; });
  });
}

struct Shared {
  Answer response;
  Plain<int> answer;
  Plain<int> question;

  void recycle() {
    answer.set(0);  // a race if the other party is not done
    question.set(0);
    response.reset();
  }
  void write() {
    (void)question.get();
    answer.set(7);
    if (response.complete() == Answered::dropped) recycle();
  }
  void drop() {
    if (response.drop() == Dropped::recycle_now) recycle();
  }
};

void waited_for(Threads& threads) {
  auto s = std::make_shared<Shared>();
  s->response.reset();
  threads.thread([=] { s->write(); });
  threads.thread([=] {
    s->response.wait();
    require(s->answer.get() == 7, "no answer");
    s->drop();
  });
  threads.finally([=] { require(s->answer.get() == 0, "not recycled"); });
}

void dropped_unanswered(Threads& threads) {
  auto s = std::make_shared<Shared>();
  s->response.reset();
  threads.thread([=] { s->write(); });
  threads.thread([=] {
    (void)s->question.get();
    if (s->response.done()) require(s->answer.get() == 7, "no answer");
    s->drop();
  });
  threads.finally([=] { require(s->answer.get() == 0, "not recycled"); });
}

void waited_for_in_vain(Threads& threads) {
  auto s = std::make_shared<Shared>();
  s->response.reset();
  threads.thread([=] { s->write(); });
  threads.thread([=] {
    const Deadline soon{std::chrono::nanoseconds(1)};
    if (s->response.wait_until(soon)) require(s->answer.get() == 7, "no answer");
    s->drop();
  });
  threads.finally([=] { require(s->answer.get() == 0, "not recycled"); });
}

struct Pooled {
  Plain<int> owner;
};
using Pool = NodePool<Pooled, model::Sync>;

struct PoolState {
  std::unique_ptr<Pool> pool = std::make_unique<Pool>();
  std::vector<Pooled*> away;

  // A pool with `free` nodes of its first block, so that it need not grow: its mutex is not the model's.
  explicit PoolState(int free) {
    for (int n = 32; n > 0; --n) away.push_back(&pool->acquire());
    for (; free > 0; --free) {
      (void)pool->release(*away.back());
      away.pop_back();
    }
  }
  Pooled& acquire() {
    Pooled& node = pool->acquire();
    require(node.owner.get() == 0, "somebody else has it");
    node.owner.set(1);
    return node;
  }
  bool release(Pooled& node) {
    node.owner.set(0);
    return pool->release(node);
  }
  void free() {
    require(pool != nullptr, "freed twice");
    pool->for_each([](Pooled& node) { node.owner.set(2); });  // a race if its user is not done
    pool.reset();
  }
};

void reuse(Threads& threads) {
  auto s = std::make_shared<PoolState>(4);
  threads.thread([=] {
    (void)s->acquire();
    (void)s->acquire();
  });
  threads.thread([=] {
    Pooled& first = s->acquire();
    (void)s->acquire();
    (void)s->release(first);
  });
}

// The top node comes home with another link than it had.
void reuse_after_release(Threads& threads) {
  auto s = std::make_shared<PoolState>(4);
  Pooled* const first = &s->acquire();
  (void)s->acquire();
  threads.thread([=] { (void)s->release(*first); });
  threads.thread([=] {
    (void)s->acquire();
    (void)s->acquire();
  });
}

void closing(Threads& threads) {
  auto s = std::make_shared<PoolState>(30);
  for (std::size_t n = 0; n < 2; ++n) {
    threads.thread([=] {
      if (s->release(*s->away[n])) s->free();
    });
  }
  threads.thread([=] {
    if (s->pool->close()) s->free();
  });
  threads.finally([=] { require(s->pool == nullptr, "not freed"); });
}

void closed_early(Threads& threads) {
  auto s = std::make_shared<PoolState>(30);
  require(!s->pool->close(), "two are away");
  for (std::size_t n = 0; n < 2; ++n) {
    threads.thread([=] {
      if (s->release(*s->away[n])) s->free();
    });
  }
  threads.finally([=] { require(s->pool == nullptr, "not freed"); });
}

// Nothing is free at first, so that close() has a short walk and is not always the last one.
void closing_a_short_list(Threads& threads) {
  auto s = std::make_shared<PoolState>(0);
  for (std::size_t n = 0; n < 2; ++n) {
    threads.thread([=] {
      for (std::size_t at = n; at < s->away.size(); at += 2) {
        if (s->release(*s->away[at])) return s->free();
      }
    });
  }
  threads.thread([=] {
    if (s->pool->close()) s->free();
  });
  threads.finally([=] { require(s->pool == nullptr, "not freed"); });
}

const std::vector<std::pair<const char*, Scenario>>& scenarios() {
  static const std::vector<std::pair<const char*, Scenario>> all = {
      {"two_producers", two_producers},
      {"sleeping_consumer", sleeping_consumer},
      {"two_sleepers", two_sleepers},
      {"two_ringers", two_ringers},
      {"waited_for", waited_for},
      {"dropped_unanswered", dropped_unanswered},
      {"waited_for_in_vain", waited_for_in_vain},
      {"reuse", reuse},
      {"reuse_after_release", reuse_after_release},
      {"closing", closing},
      {"closed_early", closed_early},
      {"closing_a_short_list", closing_a_short_list},
  };
  return all;
}

std::uint64_t from_env(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Limits random_ways(std::uint64_t runs) {
  Limits limits;
  limits.runs_max = runs;
  limits.seed = from_env("STOA_TEST_SEED", 20240917);
  return limits;
}

TEST(QueueModel, HoldsInEveryWalkedInterleaving) {
  const std::uint64_t runs = from_env("STOA_MODEL_RUNS", 3'000);
  for (const auto& [name, scenario] : scenarios()) {
    Limits limits;
    limits.runs_max = runs;
    const Verdict all = explore(scenario, limits);
    EXPECT_EQ(all.failure, "") << name;
    std::printf("%s: %llu ways, %s\n", name, static_cast<unsigned long long>(all.runs),
                all.complete ? "all there are" : "cut off; then as many at random");
    if (all.complete) continue;
    limits = random_ways(runs);
    EXPECT_EQ(explore(scenario, limits).failure, "") << name << ", STOA_TEST_SEED=" << *limits.seed;
  }
}

TEST(QueueModel, ProducerSuspendedAtAnyStepDelaysNobody) {
  std::size_t step = 0;
  for (bool suspended = true; suspended; ++step) {
    Limits limits = random_ways(from_env("STOA_MODEL_RUNS", 3'000));
    limits.suspend = step;
    const Verdict verdict = explore(suspended_producer, limits);
    EXPECT_EQ(verdict.failure, "") << "suspended before its step " << step << ", STOA_TEST_SEED=" << *limits.seed;
    suspended = verdict.suspended;
  }
  EXPECT_GE(step, 7U) << "push() has at least two steps, and ring() that wakes five";
}

std::vector<std::memory_order> weaker(std::memory_order order) {
  using enum std::memory_order;
  if (order == seq_cst) return {acq_rel, relaxed};
  if (order == acq_rel) return {acquire, release};
  return {relaxed};
}

TEST(QueueModel, NoticesEveryWeakenedOrder) {
  const std::uint64_t runs = from_env("STOA_MODEL_RUNS", 1'000);
  std::map<model::Site, std::memory_order> sites;
  for (const auto& [name, scenario] : scenarios()) sites.merge(explore(scenario, random_ways(1000)).sites);
  int tried = 0;
  for (const auto& [site, order] : sites) {
    if (site.file.ends_with(".cpp")) continue;  // the scenarios' own
    for (const std::memory_order weak : weaker(order)) {
      const model::Mutation mutation{site, weak};
      bool noticed = false;
      for (const auto& [name, scenario] : scenarios()) {
        noticed = noticed || !explore(scenario, random_ways(runs), &mutation).failure.empty();
      }
      EXPECT_TRUE(noticed) << site.file << ":" << site.line << ":" << site.column << " order " << site.which
                           << " weakened to std::memory_order " << static_cast<int>(weak);
      ++tried;
    }
  }
  EXPECT_GE(tried, 20);
}

}  // namespace
}  // namespace stoa::queue
