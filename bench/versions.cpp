// States as a whole: taking a snapshot, telling two apart, and going back to one. Beside them what a program would do
// by hand: copy the columns.
#include "suite.h"
#include "world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace bench {
namespace {

Place changed(std::size_t round, std::size_t i) { return {static_cast<float>(round), static_cast<float>(i), -1}; }

struct World {
  explicit World(std::size_t rows) : database(open_manual(schema())) {
    entities = create_entities(database, rows, [](stoa::Transaction& tx, stoa::Entity entity, std::size_t i) {
      tx.insert(entity, Place{1, static_cast<float>(i % 1000), 3}).insert(entity, Speed{1, 2, 3});
    });
  }
  static stoa::Schema schema() {
    stoa::Schema out("versions");
    out.table<Place>("place");
    out.table<Speed>("speed");
    return out;
  }
  // A thousand rows to a transaction.
  void change(std::span<const std::size_t> which) {
    ++round;
    while (!which.empty()) {
      stoa::Transaction tx = database.begin();
      for (std::size_t i : which.first(std::min<std::size_t>(1000, which.size()))) {
        tx.update(entities[i], changed(round, i));
      }
      commit(database, std::move(tx));
      which = which.subspan(std::min<std::size_t>(1000, which.size()));
    }
  }

  stoa::Database database;
  std::vector<stoa::Entity> entities;
  std::size_t round = 0;
};
using SharedWorld = std::shared_ptr<std::unique_ptr<World>>;

void need(const SharedWorld& world, std::size_t rows) {
  if (*world == nullptr) *world = std::make_unique<World>(rows);
}

std::vector<std::size_t> scattered(std::size_t rows, std::size_t count) {
  std::vector<std::size_t> out(rows);
  for (std::size_t i = 0; i < rows; ++i) out[i] = i;
  std::shuffle(out.begin(), out.end(), std::mt19937_64(1));
  out.resize(count);
  return out;
}

std::vector<std::size_t> side_by_side(std::size_t rows, std::size_t count) {
  std::vector<std::size_t> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = rows / 3 + i;
  return out;
}

void add_snapshot(Suite& suite, std::size_t rows, const SharedWorld& world) {
  struct State {
    std::uint64_t versions = 0;
  };
  auto state = std::make_shared<State>();
  const std::size_t count = suite.scale().operations;
  suite.add({.subject = "snapshot() and its end",
             .system = fmt::format("stoa, {} rows", rows),
             .items = count,
             .prepare = [=] { need(world, rows); },
             .run =
                 [=] {
                   state->versions = 0;
                   for (std::size_t i = 0; i < count; ++i) state->versions += (*world)->database.snapshot().version();
                 },
             .check = [=] { return state->versions == count * (*world)->database.version(); }});
}

// The items are the calls: 1, so that the figure is a difference's whole time.
void add_diff(Suite& suite, std::size_t rows, std::size_t changes, const SharedWorld& world) {
  struct State {
    std::vector<std::size_t> which;
    std::optional<stoa::Snapshot> before;
    std::optional<stoa::Delta> delta;
  };
  auto state = std::make_shared<State>();
  suite.add({.subject = fmt::format("diff of {} scattered changes", changes),
             .system = fmt::format("stoa, {} rows", rows),
             .prepare =
                 [=] {
                   need(world, rows);
                   if (state->which.empty()) state->which = scattered(rows, changes);
                   state->before.emplace((*world)->database.snapshot());
                   (*world)->change(state->which);
                 },
             .run = [=] { state->delta.emplace(stoa::diff(*state->before, (*world)->database.snapshot())); },
             .check =
                 [=] {
                   const auto ops = state->delta->ops();
                   // Of a changed place two or three of its fields, which lie together.
                   std::size_t bytes = 0;
                   for (const stoa::DeltaOp& op : ops) bytes += op.data.size();
                   const bool small = static_cast<double>(state->delta->byte_size()) <=
                                      1.25 * static_cast<double>(bytes) + 8.0 * static_cast<double>(ops.size());
                   return ops.size() >= changes && state->delta->count() >= changes && small;
                 }});
}

void add_restore(Suite& suite, std::size_t rows, const char* name, const std::vector<std::size_t>& which,
                 const SharedWorld& world) {
  const std::string subject = fmt::format("keep {} rows, change {} {}, go back", rows, which.size(), name);
  struct Columns {
    std::vector<Place> places, places_kept;
    std::vector<Speed> speeds, speeds_kept;
  };
  auto columns = std::make_shared<Columns>();
  suite.add({.subject = subject,
             .system = "plain vectors",
             .prepare =
                 [=] {
                   columns->places.assign(rows, Place{1, 2, 3});
                   columns->speeds.assign(rows, Speed{1, 2, 3});
                   columns->places_kept.assign(rows, Place{});
                   columns->speeds_kept.assign(rows, Speed{});
                 },
             .run =
                 [=] {
                   std::ranges::copy(columns->places, columns->places_kept.begin());
                   std::ranges::copy(columns->speeds, columns->speeds_kept.begin());
                   columns->places[which.front()].x = 9;
                   std::ranges::copy(columns->places_kept, columns->places.begin());
                   std::ranges::copy(columns->speeds_kept, columns->speeds.begin());
                 },
             .check = [=] { return columns->places[which.front()].x == 1 && columns->speeds.back().z == 3; }});
  struct State {
    std::optional<stoa::Snapshot> kept;
    std::array<std::uint64_t, 2> hash{};
  };
  auto state = std::make_shared<State>();
  // The changes are transactions as in any program; keeping and going back are what is measured.
  suite.add({.subject = subject,
             .system = "stoa",
             .prepare =
                 [=] {
                   need(world, rows);
                   (*world)->change(which);  // of the pages that are changed next, none is shared any more
                   state->kept.emplace((*world)->database.snapshot());
                   state->hash = state->kept->state_hash();
                   (*world)->change(which);
                 },
             .run = [=] { (void)value_of((*world)->database.restore(*state->kept)); },
             .check =
                 [=] {
                   const bool same = (*world)->database.snapshot().state_hash() == state->hash;
                   state->kept.reset();
                   return same;
                 }});
}

}  // namespace

void add_versions(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  for (std::size_t of : {suite.scale().rows_small, rows, 10 * rows}) {
    auto world = std::make_shared<std::unique_ptr<World>>();
    add_snapshot(suite, of, world);
    add_diff(suite, of, std::min<std::size_t>(1000, of), world);
  }
  suite.run();
  auto world = std::make_shared<std::unique_ptr<World>>();
  add_restore(suite, rows, "side by side", side_by_side(rows, rows / 100), world);
  add_restore(suite, rows, "scattered", scattered(rows, rows / 100), world);
}

}  // namespace bench
