// Sums over one and two columns, after random updates have scattered what a copy-on-write store can scatter.
#include "suite.h"

#include <algorithm>
#include <memory>
#include <random>
#include <span>
#include <vector>

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

// What memory in pages costs without a database: one plain vector, summed in blocks of 512 rows whose order is
// shuffled.
void add_blocks(Suite& suite) {
  struct State {
    std::vector<Position> rows;
    std::vector<std::span<const Position>> blocks;
    std::uint64_t expected = 0;
    std::uint64_t sum = 0;
  };
  auto state = std::make_shared<State>();
  suite.add({.subject = "scan of one column, updated before",
             .system = "plain vector, shuffled blocks",
             .items = suite.scale().rows,
             .prepare =
                 [state, rows = suite.scale().rows] {
                   if (!state->rows.empty()) return;
                   constexpr std::size_t block_rows = 512;
                   state->rows = first_positions(rows);
                   const std::span<const Position> all(state->rows);
                   for (std::size_t first = 0; first < rows; first += block_rows) {
                     state->blocks.push_back(all.subspan(first, std::min(block_rows, rows - first)));
                   }
                   std::shuffle(state->blocks.begin(), state->blocks.end(), std::mt19937_64(1));
                   for (const Position& row : all) state->expected += digest(row);
                 },
             .run =
                 [state] {
                   state->sum = 0;
                   for (const auto& block : state->blocks) {
                     for (const Position& row : block) state->sum += digest(row);
                   }
                 },
             .check = [state] { return state->sum == state->expected; }});
}

}  // namespace

void add_scan(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  const std::size_t updates = suite.scale().updates_before_scan;
  std::vector<Contender> contenders = limits_and_scanning_peers(rows);
  contenders.push_back({"stoa, chunks", [rows] { return make_stoa(rows); }});
  contenders.push_back({"stoa, each", [rows] { return make_stoa(rows, {.scan = StoaWay::Scan::each}); }});
  std::vector<std::shared_ptr<LazyStore>> stores;
  for (const Contender& contender : contenders) {
    stores.push_back(std::make_shared<LazyStore>([make = contender.make, updates] { return aged(make, updates); }));
  }
  add_blocks(suite);
  for (bool two : {false, true}) {
    for (std::size_t i = 0; i < stores.size(); ++i) {
      add(suite, two ? "scan of two columns, updated before" : "scan of one column, updated before", contenders[i].name,
          stores[i], two);
    }
  }
}

}  // namespace bench
