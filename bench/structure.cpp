// What only an ECS does: tables that come and go, sparse tables beside dense ones, and many archetypes. Stoa alone, in
// pairs that show what a thing costs.
#include "copied_pages.h"
#include "suite.h"
#include "world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace bench {
namespace {

struct Burning {
  std::uint32_t since;
};
BOOST_DESCRIBE_STRUCT(Burning, (), (since))
struct Poisoned {
  std::uint32_t since;
};
BOOST_DESCRIBE_STRUCT(Poisoned, (), (since))

/// Entities with a place; the second half also burns where `beside_sparse`, and a third is poisoned.
struct World {
  explicit World(std::size_t count, bool beside_sparse) : database(open_manual(schema())) {
    entities = create_entities(database, count, [&](stoa::Transaction& tx, stoa::Entity entity, std::size_t i) {
      tx.insert(entity, Place{1, 2, 3});
      if (beside_sparse && i % 2 == 0) tx.insert(entity, Burning{1});
      if (beside_sparse && i % 3 == 0) tx.insert(entity, Poisoned{1});
    });
  }
  static stoa::Schema schema() {
    stoa::Schema out("structure");
    out.table<Place>("place");
    out.table<Speed>("speed");
    out.table<Burning>("burning").sparse();
    out.table<Poisoned>("poisoned").sparse();
    return out;
  }

  stoa::Database database;
  std::vector<stoa::Entity> entities;
};

// Each entity gains a row in one transaction and loses it in the next, a thousand to a transaction.
template <typename T>
void add_toggle(Suite& suite, const char* system, std::size_t rows, bool shuffled, const T& row) {
  struct State {
    std::unique_ptr<World> world;
    std::vector<stoa::Entity> order;
  };
  auto state = std::make_shared<State>();
  const std::size_t count = std::min(rows, suite.scale().operations);
  suite.add({.subject = fmt::format("add and remove of a table, {} rows, {}", rows, shuffled ? "shuffled" : "in order"),
             .system = system,
             .items = count,
             .prepare =
                 [=] {
                   if (state->world == nullptr) {
                     state->world = std::make_unique<World>(rows, false);
                     state->order = state->world->entities;
                     if (shuffled) std::shuffle(state->order.begin(), state->order.end(), std::mt19937_64(1));
                     state->order.resize(count);
                   }
                 },
             .run =
                 [=] {
                   constexpr std::size_t per_transaction = 1000;
                   for (std::size_t first = 0; first < count; first += per_transaction) {
                     const auto some = std::span(state->order).subspan(first, std::min(per_transaction, count - first));
                     stoa::Transaction add = state->world->database.begin();
                     for (stoa::Entity entity : some) add.insert(entity, row);
                     commit(state->world->database, std::move(add));
                     stoa::Transaction remove = state->world->database.begin();
                     for (stoa::Entity entity : some) remove.template remove<T>(entity);
                     commit(state->world->database, std::move(remove));
                   }
                 },
             .check =
                 [=] {
                   const stoa::Snapshot now = state->world->database.snapshot();
                   return now.count<T>() == 0 && now.count<Place>() == rows;
                 }});
}

// What the same toggles of a dense table must copy where every page is a page of stoa's: an entity that leaves the
// large archetype leaves a gap in a page of ids and one of places, which one of those takes that came back last; the
// slots of both change, and its own once more. Nothing else is done.
void add_toggle_copies(Suite& suite, std::size_t rows, bool shuffled) {
  constexpr std::size_t chunk_rows = 512;
  constexpr std::size_t page_slots = 256;
  constexpr std::size_t slot_bytes = 16;
  constexpr std::size_t per_transaction = 1000;
  struct State {
    explicit State(std::size_t rows)
        : ids(rows / chunk_rows + 1, chunk_rows * sizeof(stoa::Entity), per_transaction),
          places(rows / chunk_rows + 1, chunk_rows * sizeof(Place), per_transaction),
          slots(rows / page_slots + 1, page_slots * slot_bytes, 2 * per_transaction),
          order(rows) {
      for (std::size_t i = 0; i < rows; ++i) order[i] = static_cast<std::uint32_t>(i);
    }
    CopiedPages ids;
    CopiedPages places;
    CopiedPages slots;
    std::vector<std::uint32_t> order;
    std::uint32_t runs = 0;
  };
  const std::size_t count = std::min(rows, suite.scale().operations);
  auto state = std::make_shared<std::unique_ptr<State>>();
  suite.add(
      {.subject = fmt::format("add and remove of a table, {} rows, {}", rows, shuffled ? "shuffled" : "in order"),
       .system = "the copies of a dense table's pages, by hand",
       .items = count,
       .prepare =
           [=] {
             if (*state != nullptr) return;
             *state = std::make_unique<State>(rows);
             if (shuffled) std::shuffle((*state)->order.begin(), (*state)->order.end(), std::mt19937_64(1));
             (*state)->order.resize(count);
           },
       .run =
           [=] {
             State& at = **state;
             ++at.runs;
             const auto mark = [&](std::byte* cell) {
               std::uint32_t times = 0;
               std::memcpy(&times, cell, sizeof times);
               ++times;
               std::memcpy(cell, &times, sizeof times);
             };
             std::span<const std::uint32_t> before;  // the last transaction's
             for (std::size_t first = 0; first < count; first += per_transaction) {
               const auto some =
                   std::span<const std::uint32_t>(at.order).subspan(first, std::min(per_transaction, count - first));
               for (std::uint32_t entity : std::exchange(before, some)) (void)at.slots.edit(entity / page_slots);
               for (std::uint32_t entity : some) {
                 const std::size_t in_chunk = entity % chunk_rows;
                 mark(at.ids.edit(entity / chunk_rows) + in_chunk * sizeof(stoa::Entity));
                 mark(at.places.edit(entity / chunk_rows) + in_chunk * sizeof(Place));
                 mark(at.slots.edit(entity / page_slots) + entity % page_slots * slot_bytes);
               }
               for (CopiedPages* pages : {&at.ids, &at.places, &at.slots}) pages->end_batch();
               for (std::uint32_t entity : some) {
                 mark(at.slots.edit(entity / page_slots) + entity % page_slots * slot_bytes);
               }
               at.slots.end_batch();
             }
           },
       .check =
           [=] {
             const State& at = **state;
             return std::ranges::all_of(at.order, [&](std::uint32_t entity) {
               std::uint32_t times = 0;
               std::memcpy(&times, at.slots.at(entity / page_slots) + entity % page_slots * slot_bytes, sizeof times);
               return times == 2 * at.runs;
             });
           }});
}

void add_scan_beside(Suite& suite, const char* system, bool beside_sparse) {
  struct State {
    std::unique_ptr<World> world;
    double sum = 0;
  };
  auto state = std::make_shared<State>();
  const std::size_t rows = suite.scale().rows;
  suite.add({.subject = "each over a dense table",
             .system = system,
             .items = rows,
             .prepare =
                 [=] {
                   if (state->world == nullptr) state->world = std::make_unique<World>(rows, beside_sparse);
                 },
             .run =
                 [=] {
                   float sum = 0;
                   float other = 0;
                   state->world->database.snapshot().each<Place>([&](stoa::Entity, const Place& place) {
                     sum += place.x;
                     other += place.y;
                   });
                   state->sum = static_cast<double>(sum) + static_cast<double>(other);
                 },
             .check = [=] { return state->sum == 3.0 * static_cast<double>(rows); }});
}

void add_sparse_query(Suite& suite) {
  struct State {
    std::unique_ptr<World> world;
    std::size_t found = 0;
  };
  auto state = std::make_shared<State>();
  const std::size_t rows = suite.scale().rows;
  const auto prepare = [=] {
    if (state->world == nullptr) state->world = std::make_unique<World>(rows, true);
  };
  const auto add = [&](const char* system, auto run, std::size_t expected) {
    suite.add({.subject = "query of sparse tables, for each entity of the world",
               .system = system,
               .items = rows,
               .prepare = prepare,
               .run = [=] { state->found = run(state->world->database.snapshot()); },
               .check = [=] { return state->found == expected; }});
  };
  const std::size_t halves = (rows + 1) / 2;
  const std::size_t sixths = (rows + 5) / 6;
  add(
      "stoa, one in two",
      [](const stoa::Snapshot& now) {
        std::size_t found = 0;
        now.each<Burning>([&](stoa::Entity, const Burning& burning) { found += burning.since; });
        return found;
      },
      halves);
  add(
      "stoa, one in two and in three",
      [](const stoa::Snapshot& now) {
        std::size_t found = 0;
        now.each<Burning, Poisoned>(
            [&](stoa::Entity, const Burning& burning, const Poisoned&) { found += burning.since; });
        return found;
      },
      sixths);
  add(
      "stoa, one in two and in three, counted",
      [](const stoa::Snapshot& now) { return now.count<Burning, Poisoned>(); }, sixths);
}

// Tags by name, so that there can be as many archetypes as one likes: 2^tags of them, ten with a place.
void add_many_archetypes(Suite& suite, const char* system, std::uint32_t tags) {
  struct State {
    std::unique_ptr<stoa::Database> database;
    std::size_t found = 0;
  };
  auto state = std::make_shared<State>();
  const std::size_t archetypes = std::size_t{1} << tags;
  constexpr std::size_t matching = 10;
  suite.add({.subject = "count of what ten archetypes match",
             .system = system,
             .items = 100,
             .prepare =
                 [=] {
                   if (state->database != nullptr) return;
                   stoa::Schema schema("archetypes");
                   schema.table<Place>("place");
                   std::string toml =
                       "[database]\nname = \"archetypes\"\n[tables.place]\nfields = [{ name = \"x\", "
                       "type = \"f32\" }, { name = \"y\", type = \"f32\" }, { name = \"z\", type = \"f32\" }]\n";
                   for (std::uint32_t tag = 0; tag < tags; ++tag) toml += fmt::format("[tables.tag{}]\n", tag);
                   stoa::Schema tagged = value_of(stoa::Schema::from_toml(toml));
                   tagged.bind<Place>("place");
                   state->database = std::make_unique<stoa::Database>(open_manual(tagged));
                   stoa::Transaction tx = state->database->begin();
                   for (std::size_t set = 0; set < archetypes; ++set) {
                     const stoa::Entity entity = tx.create();
                     for (std::uint32_t tag = 0; tag < tags; ++tag) {
                       if ((set >> tag & 1U) != 0) tx.insert(fmt::format("tag{}", tag), entity, {});
                     }
                     if (set < matching) tx.insert(entity, Place{1, 2, 3});
                   }
                   commit(*state->database, std::move(tx));
                 },
             .run =
                 [=] {
                   state->found = 0;
                   for (int i = 0; i < 100; ++i) state->found += state->database->snapshot().count<Place>();
                 },
             .check = [=] { return state->found == 100 * matching; }});
}

}  // namespace

void add_structure(Suite& suite) {
  for (bool shuffled : {false, true}) {
    add_toggle(suite, "stoa, a dense table", suite.scale().rows, shuffled, Speed{1, 2, 3});
    add_toggle(suite, "stoa, a sparse table", suite.scale().rows, shuffled, Burning{1});
    add_toggle_copies(suite, suite.scale().rows, shuffled);
  }
  suite.run();
  add_scan_beside(suite, "stoa, alone", false);
  add_scan_beside(suite, "stoa, beside sparse tables", true);
  add_sparse_query(suite);
  suite.run();
  add_many_archetypes(suite, "stoa, of 16 archetypes", 4);
  add_many_archetypes(suite, "stoa, of 16,384 archetypes", 14);
}

}  // namespace bench
