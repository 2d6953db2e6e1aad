// Runs cases in interleaved rounds under Google Benchmark and hands what it measured to a Report. A subject's cases run
// one after another in each round (A B A B), so that a change of the machine's speed meets all of them.
#pragma once

#include "peers/peers.h"
#include "peers/store.h"
#include "report.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// How large everything is.
struct Scale {
  std::size_t rows = 1'000'000;
  std::size_t rows_small = 10'000;         ///< a world that fits in a core's cache
  std::size_t operations = 200'000;        ///< of a run of single-row work
  std::size_t operations_slow = 100'000;   ///< of the same where each takes microseconds
  std::size_t operations_waited = 20'000;  ///< of those that a thread waits for one by one
  std::size_t updates_before_scan = 1'000'000;
  std::size_t rounds = 5;
  bool warm_up = true;  ///< one round more, the first, does not count

  [[nodiscard]] static Scale quick() { return {5'000, 500, 2'000, 1'000, 500, 5'000, 1, false}; }
  [[nodiscard]] std::size_t operations_at(Pace pace, std::size_t per_transaction) const {
    if (pace == Pace::waits && per_transaction == 1) return operations_waited;
    return pace == Pace::slow ? operations_slow : operations;
  }
};

struct Case {
  std::string subject;            ///< what is done, the same for all who are compared
  std::string system;             ///< who does it
  std::size_t items = 1;          ///< how often it is done in a run; 0 if its time says nothing
  std::function<void()> prepare;  ///< before each run, not measured; may be empty
  std::function<void()> run;      ///< measured
  std::function<bool()> check;    ///< after each run, not measured: whether the work was right
  /// What the run and the check found out beside the time, for subjects of their own; may be empty.
  std::function<std::vector<Figure>()> figures = {};
};

class Suite {
 public:
  Suite(Scale scale, std::string filter, Report& report);

  [[nodiscard]] const Scale& scale() const { return scale_; }
  void add(Case measured) { cases_.push_back(std::move(measured)); }
  /// Runs what was added since the last call, and forgets it with all that it holds. Throws std::runtime_error if a
  /// check fails.
  void run();

 private:
  Scale scale_;
  std::string filter_;
  Report& report_;
  std::vector<Case> cases_;
};

/// A store that is made when it is first asked for, so that a filtered run does not load what it does not need.
class LazyStore {
 public:
  using Make = std::function<std::unique_ptr<Store>()>;
  explicit LazyStore(Make make) : make_(std::move(make)) {}
  [[nodiscard]] Store& operator*() {
    if (!store_) store_ = make_();
    return *store_;
  }
  [[nodiscard]] Store* operator->() { return &**this; }

 private:
  Make make_;
  std::unique_ptr<Store> store_;
};

/// Random writes, a different row each; `round` makes them differ from an earlier round's.
[[nodiscard]] std::vector<Write> random_writes(const Store& store, std::size_t count, std::size_t round);
/// Applies writes to what a store is expected to hold.
void apply_writes(std::span<const Write> writes, std::vector<Position>& rows);
/// What a store starts with, in order of the keys.
[[nodiscard]] std::vector<Position> first_positions(std::size_t rows);

/// A named way to make a store.
struct Contender {
  std::string name;
  LazyStore::Make make;
  Pace pace = Pace::fast;
  bool scans = true;
};
/// Plain vectors and the peers, all with so many rows.
[[nodiscard]] std::vector<Contender> limits_and_peers(std::size_t rows);
/// These without those that have no scans.
[[nodiscard]] std::vector<Contender> limits_and_scanning_peers(std::size_t rows);
/// All of them, and Redis and stoa in each of their ways to commit.
[[nodiscard]] std::vector<Contender> committers(std::size_t rows);

// The subjects.
void add_create(Suite& suite);
void add_insert(Suite& suite);
void add_update(Suite& suite);
void add_erase(Suite& suite);
void add_scan(Suite& suite);
void add_get(Suite& suite);
void add_each(Suite& suite);
void add_structure(Suite& suite);
void add_versions(Suite& suite);
void add_ycsb(Suite& suite);
void add_relations(Suite& suite);
void add_durable(Suite& suite);
void add_recovery(Suite& suite);
void add_concurrency(Suite& suite);
void add_scale(Suite& suite);
void add_memory(Suite& suite);

}  // namespace bench
