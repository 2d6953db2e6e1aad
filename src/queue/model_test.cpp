// The model of model.h, and litmus tests of the model itself.
#include "queue/model.h"

#include <gtest/gtest.h>
#include <ucontext.h>

#include <algorithm>
#include <random>

namespace stoa::queue::model {

class Explorer {
 public:
  Explorer(const Scenario& scenario, const Limits& limits, const Mutation* mutation)
      : scenario_(scenario), limits_(limits), mutation_(mutation), random_(limits.seed.value_or(0)) {}

  Verdict explore() {
    Explorer* const outer = std::exchange(current, this);
    do {
      run_once();
      ++verdict_.runs;
    } while (verdict_.failure.empty() && verdict_.runs < limits_.runs_max && (limits_.seed || next_way()));
    verdict_.complete = verdict_.failure.empty() && !limits_.seed && way_.empty();
    current = outer;
    return std::move(verdict_);
  }

  void fail(const std::string& why) {
    if (verdict_.failure.empty()) verdict_.failure = why + " (run " + std::to_string(verdict_.runs) + ")";
  }

  // One of `count` possibilities: as the way says, and the first of them where it ends.
  std::size_t choose(std::size_t count) {
    if (count == 1) return 0;
    if (limits_.seed) return random_() % count;
    if (depth_ == way_.size()) way_.push_back({0, count});
    return way_[depth_++].taken;
  }

  // Another thread may go on here.
  void step() {
    if (running_ == 0) return;
    if (running_ == 1 && limits_.suspend && steps_++ == *limits_.suspend) fiber().state = Fiber::suspended;
    switch_away();
  }

  bool sleep(const void* word) {
    if (running_ == 0) return fail("the test itself would sleep for ever"), false;
    fiber().state = Fiber::asleep;
    fiber().word = word;
    switch_away();
    return true;
  }

  void wake(const void* word) {
    for (Fiber& fiber : fibers_) {
      if (fiber.state == Fiber::asleep && fiber.word == word) fiber.state = Fiber::runnable;
    }
  }

  std::memory_order order_at(const std::source_location& at, int which, std::memory_order order) {
    if (order == std::memory_order_relaxed) return order;
    const std::string path = at.file_name();
    const Site site{path.substr(path.rfind('/') + 1), at.line(), at.column(), which};
    verdict_.sites[site] = order;
    return mutation_ != nullptr && mutation_->site == site ? mutation_->order : order;
  }

  std::size_t running() const { return running_; }
  VectorClock& clock() { return clocks_[running_]; }
  std::uint32_t tick() { return ++clock()[running_]; }

  static Explorer* current;

 private:
  struct Fiber {
    enum { runnable, asleep, suspended, ended } state = runnable;
    const void* word = nullptr;
    ucontext_t context{};
  };
  struct Choice {
    std::size_t taken;
    std::size_t count;
  };
  static constexpr std::size_t stack_bytes = 128 * 1024;

  Fiber& fiber() { return fibers_[running_ - 1]; }

  static void enter_fiber() {
    Explorer& self = *current;
    self.run_->bodies_[self.running_ - 1]();
    self.fiber().state = Fiber::ended;
    self.switch_away();
  }

  // By itself: getcontext() may return twice, and no loop should be around that.
  static void start_fiber(ucontext_t& context, char* stack) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = stack_bytes;
    makecontext(&context, &enter_fiber, 0);
  }

  void run_once() {
    depth_ = 0;
    steps_ = 0;
    running_ = 0;
    clocks_ = {};
    tick();
    Threads run;
    run_ = &run;
    scenario_(run);
    const std::size_t count = run.bodies_.size();
    stacks_.resize(count);
    fibers_ = std::vector<Fiber>(count);
    for (std::size_t at = 0; at < count; ++at) {
      if (stacks_[at] == nullptr) stacks_[at] = std::make_unique<char[]>(stack_bytes);
      start_fiber(fibers_[at].context, stacks_[at].get());
      clocks_[at + 1] = clocks_[0];
    }
    switch_away();  // back here when no fiber can run
    bool asleep = false;
    verdict_.suspended |= !fibers_.empty() && fibers_[0].state == Fiber::suspended;
    for (std::size_t at = 0; at < count; ++at) {
      asleep |= fibers_[at].state == Fiber::asleep;
      if (fibers_[at].state != Fiber::ended) continue;
      for (std::size_t t = 0; t < threads_max; ++t) clocks_[0][t] = std::max(clocks_[0][t], clocks_[at + 1][t]);
    }
    if (asleep) return fail("a thread sleeps for ever");
    run.finally_();
  }

  void switch_away() {
    std::array<std::size_t, threads_max> able{};
    std::size_t count = 0;
    const std::size_t from = running_;
    if (from != 0 && fiber().state == Fiber::runnable) able[count++] = from;  // staying comes first
    for (std::size_t t = 1; t <= fibers_.size(); ++t) {
      if (t != from && fibers_[t - 1].state == Fiber::runnable) able[count++] = t;
    }
    const std::size_t to = count == 0 ? 0 : able[choose(count)];
    if (to == from) return;
    ucontext_t& old = from == 0 ? main_ : fibers_[from - 1].context;
    running_ = to;
    swapcontext(&old, to == 0 ? &main_ : &fibers_[to - 1].context);
  }

  bool next_way() {
    while (!way_.empty() && way_.back().taken + 1 == way_.back().count) way_.pop_back();
    if (way_.empty()) return false;
    ++way_.back().taken;
    return true;
  }

  const Scenario& scenario_;
  const Limits& limits_;
  const Mutation* mutation_;
  std::mt19937_64 random_;
  Verdict verdict_;
  std::vector<Choice> way_;
  std::size_t depth_ = 0;
  std::size_t steps_ = 0;
  std::size_t running_ = 0;
  std::array<VectorClock, threads_max> clocks_{};
  Threads* run_ = nullptr;
  std::vector<std::unique_ptr<char[]>> stacks_;
  std::vector<Fiber> fibers_;
  ucontext_t main_{};
};

Explorer* Explorer::current = nullptr;

namespace {

bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
void join(VectorClock& into, const VectorClock& from) {
  for (std::size_t t = 0; t < threads_max; ++t) into[t] = std::max(into[t], from[t]);
}
bool before(const VectorClock& earlier, const VectorClock& now) {
  for (std::size_t t = 0; t < threads_max; ++t) {
    if (earlier[t] > now[t]) return false;
  }
  return true;
}

}  // namespace

Verdict explore(const Scenario& scenario, const Limits& limits, const Mutation* mutation) {
  return Explorer(scenario, limits, mutation).explore();
}

void fail(const std::string& why) { Explorer::current->fail(why); }

Location::Location(std::uint64_t value) {
  Explorer& model = *Explorer::current;
  // The object's making is no release: who uses it must have learnt of it otherwise.
  history_.push_back({value, model.running(), model.tick(), false, {}});
}

Location::~Location() {
  Explorer& model = *Explorer::current;
  // The test itself comes last, also after a thread that never ended.
  if (model.running() != 0 && !before(accesses_, model.clock())) model.fail("an atomic is destroyed while it is used");
}

std::uint64_t Location::load(std::memory_order order, const std::source_location& at) {
  Explorer& model = *Explorer::current;
  order = model.order_at(at, 0, order);
  model.step();
  accesses_[model.running()] = model.tick();
  std::size_t oldest = history_.size() - 1;
  for (std::size_t& floor = floor_[model.running()]; oldest > floor; --oldest) {
    const Store& store = history_[oldest];
    if (store.time <= model.clock()[store.thread]) break;            // known to have happened
    if (order == std::memory_order_seq_cst && store.seq_cst) break;  // earlier in the one order
  }
  const std::size_t newest = history_.size() - 1;
  const std::size_t seen = newest - model.choose(newest - oldest + 1);
  floor_[model.running()] = seen;
  if (acquires(order)) join(model.clock(), history_[seen].sync);
  return history_[seen].value;
}

void Location::store(std::uint64_t value, std::memory_order order, const std::source_location& at) {
  Explorer& model = *Explorer::current;
  order = model.order_at(at, 0, order);
  model.step();
  const std::uint32_t time = accesses_[model.running()] = model.tick();
  history_.push_back({value, model.running(), time, order == std::memory_order_seq_cst,
                      releases(order) ? model.clock() : VectorClock{}});
  floor_[model.running()] = history_.size() - 1;
}

std::uint64_t Location::modify(const std::function<std::optional<std::uint64_t>(std::uint64_t)>& next,
                               std::memory_order order, std::memory_order on_failure, const std::source_location& at) {
  Explorer& model = *Explorer::current;
  // Where both orders are the same they are weakened together: GCC does not let success be weaker than failure.
  on_failure = model.order_at(at, order == on_failure ? 0 : 1, on_failure);
  order = model.order_at(at, 0, order);
  model.step();
  const std::uint32_t time = accesses_[model.running()] = model.tick();
  const Store before = history_.back();
  const std::optional<std::uint64_t> value = next(before.value);
  floor_[model.running()] = history_.size() - 1;
  if (acquires(value ? order : on_failure)) join(model.clock(), before.sync);
  if (!value) return before.value;
  Store after{*value, model.running(), time, order == std::memory_order_seq_cst, before.sync};
  if (releases(order)) join(after.sync, model.clock());
  history_.push_back(after);
  floor_[model.running()] = history_.size() - 1;
  return before.value;
}

void PlainGuard::read() const {
  Explorer& model = *Explorer::current;
  const std::uint32_t time = model.tick();
  if (!before(writes_, model.clock())) model.fail("a read races with a write");
  reads_[model.running()] = time;
}

void PlainGuard::write() {
  Explorer& model = *Explorer::current;
  const std::uint32_t time = model.tick();
  if (!before(writes_, model.clock())) model.fail("a write races with a write");
  if (!before(reads_, model.clock())) model.fail("a write races with a read");
  writes_[model.running()] = time;
}

bool Sync::wait(const Atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline) {
  Explorer& model = *Explorer::current;
  model.step();
  if (word.latest() != expected) return true;
  if (deadline != no_deadline && model.choose(2) == 0) return false;
  return model.sleep(&word);
}

void Sync::wake_all(const Atomic<std::uint32_t>& word) {
  Explorer::current->step();
  Explorer::current->wake(&word);
}

namespace {

using Order = std::memory_order;

// Message passing: true where the order of both accesses makes the plain data safe.
std::string message_passing(Order store, Order load) {
  return explore([=](Threads& run) {
           struct State {
             Plain<int> data;
             Atomic<int> flag{0};
           };
           auto s = std::make_shared<State>();
           run.thread([=] {
             s->data.set(1);
             s->flag.store(1, store);
           });
           run.thread([=] {
             if (s->flag.load(load) == 1) require(s->data.get() == 1, "old data");
           });
         })
      .failure;
}

// Store buffering: whether both threads can miss the other's store.
std::string store_buffering(Order store, Order load) {
  return explore([=](Threads& run) {
           struct State {
             Atomic<int> a{0}, b{0};
             int seen_a = 1, seen_b = 1;
           };
           auto s = std::make_shared<State>();
           run.thread([=] {
             s->a.store(1, store);
             s->seen_b = s->b.load(load);
           });
           run.thread([=] {
             s->b.store(1, store);
             s->seen_a = s->a.load(load);
           });
           run.finally([=] { require(s->seen_a == 1 || s->seen_b == 1, "both missed"); });
         })
      .failure;
}

TEST(Model, MessagePassingNeedsReleaseAndAcquire) {
  EXPECT_EQ(message_passing(Order::release, Order::acquire), "");
  EXPECT_NE(message_passing(Order::relaxed, Order::acquire), "");
  EXPECT_NE(message_passing(Order::release, Order::relaxed), "");
}

TEST(Model, StoreBufferingNeedsSeqCst) {
  EXPECT_EQ(store_buffering(Order::seq_cst, Order::seq_cst), "");
  EXPECT_NE(store_buffering(Order::release, Order::seq_cst), "");
  EXPECT_NE(store_buffering(Order::seq_cst, Order::acquire), "");
}

TEST(Model, FindsASleepWithoutAWake) {
  const Verdict verdict = explore([](Threads& run) {
    auto word = std::make_shared<Atomic<std::uint32_t>>(0);
    run.thread([=] { (void)Sync::wait(*word, 0, no_deadline); });
    run.thread([=] { Sync::wake_all(*word); });
  });
  EXPECT_NE(verdict.failure, "");
}

TEST(Model, WalksEveryWayOnce) {
  // Two threads of three steps each: as many ways as there are choices of 3 among 6.
  const Verdict verdict = explore([](Threads& run) {
    auto word = std::make_shared<Atomic<int>>(0);
    for (int t = 0; t < 2; ++t) {
      run.thread([=] {
        for (int i = 0; i < 3; ++i) (void)word->fetch_add(1, Order::relaxed);
      });
    }
    run.finally([=] { require(word->latest() == 6, "lost"); });
  });
  EXPECT_EQ(verdict.failure, "");
  EXPECT_TRUE(verdict.complete);
  EXPECT_GE(verdict.runs, 20U);
}

}  // namespace
}  // namespace stoa::queue::model
