// Sums over one and two columns, after random updates have scattered what a copy-on-write store can scatter.
#include "suite.h"

#include <memory>

namespace bench {
namespace {

std::unique_ptr<Store> aged(const LazyStore::Make& make, std::size_t updates) {
  auto store = make();
  store->update(random_writes(*store, updates, 0), 1);
  return store;
}

// Known from the writes alone, not from what any store says.
std::uint64_t expected_sum(const Store& store, std::size_t updates, bool two) {
  std::vector<Position> rows = first_positions(store.rows());
  apply_writes(random_writes(store, updates, 0), rows);
  std::uint64_t sum = 0;
  for (std::size_t key = 0; key < rows.size(); ++key) {
    sum += digest(rows[key]);
    if (two) sum += digest(first_velocity(key));
  }
  return sum;
}

void add(Suite& suite, const std::string& subject, const std::string& system, std::shared_ptr<LazyStore> store,
         bool two) {
  const std::size_t updates = suite.scale().updates_before_scan;
  struct Sums {
    std::uint64_t expected = 0;
    std::uint64_t read = 0;
  };
  auto sums = std::make_shared<Sums>();
  suite.add({.subject = subject,
             .system = system,
             .items = suite.scale().rows,
             .prepare =
                 [=] {
                   if (sums->expected == 0) sums->expected = expected_sum(**store, updates, two);
                 },
             .run = [=] { sums->read = two ? (*store)->scan_two() : (*store)->scan_one(); },
             .check = [=] { return sums->read == sums->expected; }});
}

}  // namespace

void add_scan(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  const std::size_t updates = suite.scale().updates_before_scan;
  std::vector<Contender> contenders = limits_and_peers(rows);
  contenders.push_back({"stoa, chunks", [rows] { return make_stoa(rows); }});
  contenders.push_back({"stoa, each", [rows] { return make_stoa(rows, {.scan = StoaWay::Scan::each}); }});
  std::vector<std::shared_ptr<LazyStore>> stores;
  for (const Contender& contender : contenders) {
    stores.push_back(std::make_shared<LazyStore>([make = contender.make, updates] { return aged(make, updates); }));
  }
  for (bool two : {false, true}) {
    for (std::size_t i = 0; i < stores.size(); ++i) {
      add(suite, two ? "scan of two columns, updated before" : "scan of one column, updated before", contenders[i].name,
          stores[i], two);
    }
  }
}

}  // namespace bench
