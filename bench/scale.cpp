// One field of one row by a transaction, in worlds of three sizes: what a commit costs must not grow with the world,
// but for what the caches cannot hold of it. That is measured beside it: finding a row, and copying a page.
#include "suite.h"
#include "world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bench {
namespace {

Place first_place(std::size_t i) { return {static_cast<float>(i % 1000), 0, 0}; }

struct World {
  explicit World(std::size_t rows) : database(open_manual(schema())) {
    entities = create_entities(database, rows, [](stoa::Transaction& tx, stoa::Entity entity, std::size_t i) {
      tx.insert(entity, first_place(i));
    });
    for (std::size_t i = 0; i < rows; ++i) expected.push_back(first_place(i).x);
  }
  static stoa::Schema schema() {
    stoa::Schema out("scale");
    out.table<Place>("place");
    return out;
  }
  [[nodiscard]] std::vector<std::uint32_t> random_rows(std::size_t count) {
    std::mt19937_64 random(++round);
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<std::uint32_t>(random() % entities.size()));
    return out;
  }

  stoa::Database database;
  std::vector<stoa::Entity> entities;
  std::vector<float> expected;  // of each row's x; all are whole numbers that a float has exactly
  std::size_t round = 0;
  float changes = 0;
};
using SharedWorld = std::shared_ptr<std::unique_ptr<World>>;

struct Chosen {
  std::vector<std::uint32_t> rows;
  double sum = 0;
};

void prepare(const SharedWorld& world, std::size_t rows, Chosen& chosen, std::size_t count) {
  if (!*world) *world = std::make_unique<World>(rows);
  chosen = {(*world)->random_rows(count)};
}

void add_commit(Suite& suite, const std::string& subject, std::size_t rows, const SharedWorld& world) {
  const std::size_t count = suite.scale().operations;
  auto chosen = std::make_shared<Chosen>();
  suite.add({.subject = subject,
             .system = fmt::format("stoa, {} rows", rows),
             .items = count,
             .prepare = [=] { prepare(world, rows, *chosen, count); },
             .run =
                 [=] {
                   World& at = **world;
                   for (std::uint32_t row : chosen->rows) {
                     stoa::Transaction tx = at.database.begin();
                     tx.set<&Place::x>(at.entities[row], ++at.changes);
                     commit(at.database, std::move(tx));
                   }
                 },
             .check =
                 [=] {
                   World& at = **world;
                   float change = at.changes - static_cast<float>(count);
                   for (std::uint32_t row : chosen->rows) at.expected[row] = ++change;
                   const stoa::Snapshot now = at.database.snapshot();
                   double sum = 0;
                   now.each<Place>([&](stoa::Entity, const Place& place) { sum += static_cast<double>(place.x); });
                   double expected = 0;
                   for (float x : at.expected) expected += static_cast<double>(x);
                   return sum == expected && std::ranges::all_of(chosen->rows, [&](std::uint32_t row) {
                            return now.get<Place>(at.entities[row])->x == at.expected[row];
                          });
                 }});
}

// One after the other, as in commits: where a get begins, the one before has its row. y is 0 in all of them, which a
// compiler does not know.
void add_get(Suite& suite, const std::string& subject, std::size_t rows, const SharedWorld& world) {
  const std::size_t count = suite.scale().operations;
  auto chosen = std::make_shared<Chosen>();
  suite.add({.subject = subject,
             .system = fmt::format("alone, a get of one of {} rows", rows),
             .items = count,
             .prepare = [=] { prepare(world, rows, *chosen, count); },
             .run =
                 [=] {
                   const stoa::Snapshot now = (*world)->database.snapshot();
                   std::size_t step = 0;
                   for (std::size_t i = 0; i < count; ++i) {
                     const Place& place = *now.get<Place>((*world)->entities[chosen->rows[i + step]]);
                     chosen->sum += static_cast<double>(place.x);
                     step = static_cast<std::size_t>(place.y);
                   }
                 },
             .check =
                 [=] {
                   double expected = 0;
                   for (std::uint32_t row : chosen->rows) expected += static_cast<double>((*world)->expected[row]);
                   return chosen->sum == expected;
                 }});
}

// A page as stoa has them, of as many as that number of rows takes, into one of a few that were let go.
void add_page_copy(Suite& suite, const std::string& subject, std::size_t rows) {
  constexpr std::size_t page_rows = 512;
  constexpr std::size_t pages_free = 16;
  using Page = std::array<Place, page_rows>;
  struct State {
    std::vector<Page> pages;
    std::array<Page, pages_free> free{};
    std::vector<std::uint32_t> chosen;
    double sum = 0;
    std::size_t round = 0;
  };
  const std::size_t count = suite.scale().operations;
  auto state = std::make_shared<State>();
  suite.add({.subject = subject,
             .system = fmt::format("alone, a copy of a page of {} rows'", rows),
             .items = count,
             .prepare =
                 [=] {
                   if (state->pages.empty()) {
                     state->pages.resize(std::max<std::size_t>(1, rows / page_rows));
                     for (std::size_t i = 0; i < state->pages.size(); ++i) state->pages[i].fill(first_place(i));
                   }
                   std::mt19937_64 random(++state->round);
                   state->chosen.clear();
                   for (std::size_t i = 0; i < count; ++i) {
                     state->chosen.push_back(static_cast<std::uint32_t>(random() % state->pages.size()));
                   }
                   state->sum = 0;
                 },
             .run =
                 [=] {
                   for (std::size_t i = 0; i < count; ++i) {
                     Page& page = state->free[i % pages_free];
                     page = state->pages[state->chosen[i]];
                     state->sum += static_cast<double>(page[i % page_rows].x);
                   }
                 },
             .check =
                 [=] {
                   double expected = 0;
                   for (std::uint32_t page : state->chosen) expected += static_cast<double>(first_place(page).x);
                   return state->sum == expected;
                 }});
}

}  // namespace

void add_scale(Suite& suite) {
  const std::string subject = "commit of one field by step(), by the size of the world";
  const std::size_t large = 10 * suite.scale().rows;
  for (std::size_t rows : {suite.scale().rows_small, suite.scale().rows, large}) {
    auto world = std::make_shared<std::unique_ptr<World>>();
    add_commit(suite, subject, rows, world);
    if (rows != large) continue;
    add_get(suite, subject, rows, world);
    add_page_copy(suite, subject, rows);
  }
}

}  // namespace bench
