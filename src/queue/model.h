// For tests: runs a few threads of lock-free code as fibers, one step at a time, and walks the orders in which their
// steps can fall and the values that their loads can see. It judges by C++'s memory model, not by this machine's: a
// load that nothing orders may see an old value, plain data that nothing orders is a race, and when all sleep a
// wake-up was lost. Not modelled: loads that see the future, and swaps that fail for no reason.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "queue/sync.h"

namespace stoa::queue::model {

inline constexpr std::size_t threads_max = 5;  // the test's own is number 0

/// Entry t: how many events of thread t have happened before.
using VectorClock = std::array<std::uint32_t, threads_max>;

/// One order written in the code under test: a line, and 1 for the order of a swap that fails.
struct Site {
  std::string file;
  std::uint_least32_t line = 0;
  std::uint_least32_t column = 0;
  int which = 0;
  auto operator<=>(const Site&) const = default;
};

/// A weaker order put in place of the one at a site, to see whether a scenario notices.
struct Mutation {
  Site site;
  std::memory_order order = std::memory_order_relaxed;
};

/// One scenario's threads; made anew for each run.
class Threads {
 public:
  void thread(std::function<void()> body) { bodies_.push_back(std::move(body)); }
  /// Runs after all threads have ended.
  void finally(std::function<void()> body) { finally_ = std::move(body); }

 private:
  friend class Explorer;
  std::vector<std::function<void()>> bodies_;
  std::function<void()> finally_ = [] {};
};

struct Limits {
  std::uint64_t runs_max = 2'000'000;
  std::optional<std::uint64_t> seed;   ///< take random ways instead of all of them
  std::optional<std::size_t> suspend;  ///< thread 1 stops for good after so many steps
};

struct Verdict {
  std::string failure;  ///< empty: none found
  std::uint64_t runs = 0;
  bool complete = false;                    ///< every way was walked
  bool suspended = false;                   ///< thread 1 was stopped before its end, in some run
  std::map<Site, std::memory_order> sites;  ///< orders stronger than relaxed that were used
};

using Scenario = std::function<void(Threads&)>;

Verdict explore(const Scenario& scenario, const Limits& limits = {}, const Mutation* mutation = nullptr);

/// Fails the current run.
void fail(const std::string& why);
inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

/// What one atomic object has been, oldest first.
class Location {
 public:
  explicit Location(std::uint64_t value);
  ~Location();  // all accesses must have happened before
  Location(const Location&) = delete;
  Location& operator=(const Location&) = delete;
  std::uint64_t load(std::memory_order order, const std::source_location& at);
  void store(std::uint64_t value, std::memory_order order, const std::source_location& at);
  /// A read-modify-write; `next` returns nothing to leave the value as it is.
  std::uint64_t modify(const std::function<std::optional<std::uint64_t>(std::uint64_t)>& next, std::memory_order order,
                       std::memory_order on_failure, const std::source_location& at);
  std::uint64_t latest() const { return history_.back().value; }

 private:
  struct Store {
    std::uint64_t value = 0;
    std::size_t thread = 0;
    std::uint32_t time = 0;
    bool seq_cst = false;
    VectorClock sync{};  // what an acquire of this value learns
  };
  std::vector<Store> history_;
  VectorClock accesses_{};
  std::array<std::size_t, threads_max> floor_{};  // the oldest entry that each thread may still see
};

/// Plain data: a read and a write that nothing orders fail the run.
class PlainGuard {
 public:
  void read() const;
  void write();

 private:
  mutable VectorClock reads_{};
  VectorClock writes_{};
};

template <typename T>
class Plain {
 public:
  T get() const { return guard_.read(), value_; }
  void set(T value) { guard_.write(), value_ = value; }

 private:
  T value_{};
  PlainGuard guard_;
};

template <typename T>
class Atomic {
  using At = std::source_location;
  using Order = std::memory_order;

 public:
  Atomic(T value) : location_(bits(value)) {}
  T load(Order order, At at = At::current()) const { return value(location_.load(order, at)); }
  void store(T next, Order order, At at = At::current()) { location_.store(bits(next), order, at); }
  T exchange(T next, Order order, At at = At::current()) {
    return modify([&](T) { return next; }, order, at);
  }
  T fetch_or(T other, Order order, At at = At::current()) {
    return modify([&](T now) { return static_cast<T>(now | other); }, order, at);
  }
  T fetch_and(T other, Order order, At at = At::current()) {
    return modify([&](T now) { return static_cast<T>(now & other); }, order, at);
  }
  T fetch_add(T other, Order order, At at = At::current()) {
    return modify([&](T now) { return static_cast<T>(now + other); }, order, at);
  }
  T fetch_sub(T other, Order order, At at = At::current()) {
    return modify([&](T now) { return static_cast<T>(now - other); }, order, at);
  }
  bool compare_exchange_strong(T& expected, T next, Order order, Order on_failure, At at = At::current()) {
    const std::uint64_t wanted = bits(expected);
    const std::uint64_t found =
        location_.modify([&](std::uint64_t now) { return now == wanted ? std::optional(bits(next)) : std::nullopt; },
                         order, on_failure, at);
    expected = value(found);
    return found == wanted;
  }
  bool compare_exchange_weak(T& expected, T next, Order order, Order on_failure, At at = At::current()) {
    return compare_exchange_strong(expected, next, order, on_failure, at);
  }
  T latest() const { return value(location_.latest()); }

 private:
  static std::uint64_t bits(T value) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    std::uint64_t out = 0;
    std::memcpy(&out, &value, sizeof value);
    return out;
  }
  static T value(std::uint64_t bits) {
    T out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
  }
  template <typename Next>
  T modify(Next next, Order order, const At& at) {
    return value(location_.modify([&](std::uint64_t now) { return std::optional(bits(next(value(now)))); }, order,
                                  std::memory_order_relaxed, at));
  }

  mutable Location location_;
};

/// In place of SystemSync.
struct Sync {
  template <typename T>
  using Atomic = model::Atomic<T>;

  static bool wait(const Atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline);
  static void wake_all(const Atomic<std::uint32_t>& word);
  static bool spin(const auto&...) { return false; }
  static bool spin_in_turn(const auto&...) { return false; }
};

}  // namespace stoa::queue::model
