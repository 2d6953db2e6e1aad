// YCSB's workloads A, B, C, E and F: records of 100 bytes, chosen by a scrambled Zipfian distribution with 0.99, one
// thread, each operation a transaction of its own.
#include "peers/peers.h"
#include "peers/records.h"
#include "suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace bench {
namespace {

using Kind = Operation::Kind;

/// Ranks from 0 on, as in Gray et al., "Quickly generating billion-record synthetic databases", and in YCSB.
class Zipf {
 public:
  explicit Zipf(std::size_t items) : items_(static_cast<double>(items)) {
    for (std::size_t i = 1; i <= items; ++i) zeta_ += 1 / std::pow(static_cast<double>(i), theta);
    eta_ = (1 - std::pow(2 / items_, 1 - theta)) / (1 - zeta_two() / zeta_);
  }
  template <typename Random>
  [[nodiscard]] std::uint64_t operator()(Random& random) const {
    const double u = std::uniform_real_distribution<double>()(random);
    if (u * zeta_ < 1) return 0;
    if (u * zeta_ < zeta_two()) return 1;
    return static_cast<std::uint64_t>(items_ * std::pow(eta_ * u - eta_ + 1, 1 / (1 - theta)));
  }

 private:
  static constexpr double theta = 0.99;
  static double zeta_two() { return 1 + std::pow(0.5, theta); }

  double items_;
  double zeta_ = 0;
  double eta_ = 0;
};

/// FNV-1a, as in YCSB: the popular ones lie anywhere.
std::uint64_t scrambled(std::uint64_t rank) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (int byte = 0; byte < 8; ++byte, rank >>= 8U) hash = (hash ^ (rank & 0xFFU)) * 0x100000001B3U;
  return hash;
}

struct Workload {
  const char* name;
  Kind often;
  Kind rare;
  double rare_share;
};
constexpr Workload workloads[] = {
    {"YCSB A: half reads, half updates", Kind::read, Kind::update, 0.5},
    {"YCSB B: 95 % reads, 5 % updates", Kind::read, Kind::update, 0.05},
    {"YCSB C: reads", Kind::read, Kind::read, 0},
    {"YCSB F: half reads, half read, changed and written", Kind::read, Kind::modify, 0.5},
    {"YCSB E: 95 % scans of 1 to 100 records, 5 % inserts", Kind::scan, Kind::insert, 0.05},
};
constexpr std::uint32_t scan_length_max = 100;

/// What a store holds, known from the operations alone. The first records have even keys, later ones odd keys, so that
/// they come between the others.
class Model {
 public:
  explicit Model(std::size_t records) : versions_(2 * records, none), zipf_(records) {
    for (std::size_t key = 0; key < versions_.size(); key += 2) versions_[key] = 0;
  }
  /// In the order of insertion, which is none.
  [[nodiscard]] std::vector<std::uint64_t> keys() const {
    std::vector<std::uint64_t> out;
    for (std::size_t key = 0; key < versions_.size(); key += 2) out.push_back(key);
    std::shuffle(out.begin(), out.end(), std::mt19937_64(1));
    return out;
  }
  struct Run {
    std::vector<Operation> operations;
    std::uint64_t sum = 0;
    /// Of what was written, read afterwards.
    std::vector<Operation> written;
    std::uint64_t written_sum = 0;
  };
  [[nodiscard]] Run next(const Workload& workload, std::size_t count, const Records& store) {
    std::mt19937_64 random(++runs_);
    Run out;
    for (std::size_t i = 0; i < count; ++i) {
      const bool rare = std::uniform_real_distribution<double>()(random) < workload.rare_share;
      Operation at{.kind = rare ? workload.rare : workload.often, .key = any_key(random), .handle = 0};
      if (at.kind == Kind::insert) at.key = free_key(random);
      if (at.kind == Kind::scan) at.length = 1 + static_cast<std::uint32_t>(random() % scan_length_max);
      out.sum += apply(at);
      if (at.kind != Kind::insert && at.kind != Kind::scan) at.handle = store.handle(at.key);
      out.operations.push_back(at);
    }
    // Inserted ones can be read by those stores only whose handle is the key, and they have them all in scans.
    for (const Operation& at : out.operations) {
      if (at.kind == Kind::read || at.kind == Kind::scan) continue;
      const Handle handle = at.kind == Kind::insert ? at.key : at.handle;
      out.written.push_back({.kind = Kind::read, .key = at.key, .handle = handle});
      out.written_sum += digest(payload_of(at.key, versions_[at.key]));
    }
    return out;
  }

 private:
  static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);

  [[nodiscard]] std::uint64_t any_key(std::mt19937_64& random) const {
    return 2 * (scrambled(zipf_(random)) % (versions_.size() / 2));
  }
  [[nodiscard]] std::uint64_t free_key(std::mt19937_64& random) const {
    std::uint64_t key = 0;
    do {
      key = 2 * (random() % (versions_.size() / 2)) + 1;
    } while (versions_[key] != none);
    return key;
  }
  /// What it reads.
  std::uint64_t apply(Operation& at) {
    std::uint32_t& version = versions_[at.key];
    switch (at.kind) {
      case Kind::read: return digest(payload_of(at.key, version));
      case Kind::insert: at.version = version = 0; return 0;
      case Kind::update: at.version = ++version; return 0;
      case Kind::modify: return digest(payload_of(at.key, version++));
      case Kind::scan: break;
    }
    std::uint64_t sum = 0;
    std::size_t left = at.length;
    for (std::uint64_t key = at.key; key < versions_.size() && left != 0; ++key) {
      if (versions_[key] == none) continue;
      sum += digest(payload_of(key, versions_[key]));
      --left;
    }
    return sum;
  }

  std::vector<std::uint32_t> versions_;  // by key
  Zipf zipf_;
  std::uint64_t runs_ = 0;
};

struct System {
  const char* name;
  MakeRecords make;
  Pace pace = Pace::fast;
  bool points = true;  ///< single records
  bool scans = true;
};
constexpr System systems[] = {
    {"std::unordered_map", make_hash_map_records, Pace::fast, true, false},
    {"std::map", make_map_records, Pace::fast, false, true},
    {"lmdb", make_lmdb_records},
    {"sqlite", make_sqlite_records, Pace::slow},
    {"rocksdb", make_rocksdb_records, Pace::slow},
    {"leveldb", make_leveldb_records, Pace::slow},
    {"redis", make_redis_records, Pace::waits, true, false},
    {"stoa, by key", make_stoa_records_by_key},
    {"stoa, by entity", make_stoa_records_by_entity, Pace::fast, true, false},
};

// Loaded when it is first asked for.
struct Loaded {
  std::unique_ptr<Model> model;
  std::unique_ptr<Records> store;
  Model::Run run;
  std::uint64_t sum = 0;
};

std::vector<std::shared_ptr<Loaded>> nothing_loaded() {
  std::vector<std::shared_ptr<Loaded>> out;
  for (std::size_t i = 0; i < std::size(systems); ++i) out.push_back(std::make_shared<Loaded>());
  return out;
}

void add(Suite& suite, const Workload& workload, const System& system, std::size_t count,
         const std::shared_ptr<Loaded>& at) {
  suite.add(
      {.subject = workload.name,
       .system = system.name,
       .items = count,
       .prepare =
           [=, &workload, make = system.make, rows = suite.scale().rows] {
             if (at->store == nullptr) {
               at->model = std::make_unique<Model>(rows);
               at->store = make(at->model->keys());
             }
             at->run = at->model->next(workload, count, *at->store);
           },
       .run = [=] { at->sum = at->store->run(at->run.operations); },
       .check = [=] { return at->sum == at->run.sum && at->store->run(at->run.written) == at->run.written_sum; }});
}

}  // namespace

void add_ycsb(Suite& suite) {
  std::vector<std::shared_ptr<Loaded>> stores;
  for (const Workload& workload : workloads) {
    const bool scans = workload.often == Kind::scan;
    // YCSB loads anew before E: some stores would walk over all that the updates before have left.
    if (scans) suite.run();
    if (scans || stores.empty()) stores = nothing_loaded();
    for (std::size_t i = 0; i < std::size(systems); ++i) {
      const System& system = systems[i];
      if (scans ? !system.scans : !system.points) continue;
      const std::size_t count = suite.scale().operations_at(system.pace, 1) / (scans ? 20 : 2);
      add(suite, workload, system, count, stores[i]);
    }
  }
}

}  // namespace bench
