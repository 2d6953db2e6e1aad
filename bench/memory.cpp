// What rows take of memory: when they are loaded, when they are gone again, and when a reader holds on to an old
// version while a writer goes on. Beside it what LMDB's file does. All of it is told as bytes; the time says nothing.
#include "lmdb_file.h"
#include "peers/store.h"
#include "suite.h"
#include "world.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t payload_bytes = sizeof(Place) + sizeof(Speed);

Place place_of(std::size_t i) { return {static_cast<float>(i % 1000), 1, 2}; }
Speed speed_of(std::size_t i) { return {1, static_cast<float>(i % 7), 0}; }
Place changed(std::size_t change) { return {static_cast<float>(change), 3, 4}; }

/// Of this process, in memory; what was freed is given back first.
double resident_bytes() {
  ::malloc_trim(0);
  std::ifstream in("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  if (!(in >> all >> resident)) throw std::runtime_error("cannot read /proc/self/statm");
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Views of the same: what the world takes; that, and the deltas of the last versions, which are up to 2 MiB unless
/// options say otherwise, whatever the world; what the system gave for both; and what of all that the process has in
/// memory, with all else that a database needs.
struct Bytes {
  double world = 0, in_use = 0, reserved = 0, resident = 0;
};

/// A database and its rows, and what the process had before.
class World {
 public:
  explicit World(std::size_t rows) : resident_before_(resident_bytes()), database_(open_manual(schema())) {
    entities_ = create_entities(database_, rows, [](stoa::Transaction& tx, stoa::Entity entity, std::size_t i) {
      tx.insert(entity, place_of(i)).insert(entity, speed_of(i));
    });
  }
  [[nodiscard]] stoa::Database& database() { return database_; }
  [[nodiscard]] const std::vector<stoa::Entity>& entities() const { return entities_; }
  [[nodiscard]] Bytes bytes() const {
    const stoa::Metrics metrics = database_.metrics();
    const auto own = static_cast<double>(entities_.capacity() * sizeof(stoa::Entity));
    return {static_cast<double>(metrics.bytes_in_use - metrics.history_bytes),
            static_cast<double>(metrics.bytes_in_use), static_cast<double>(metrics.bytes_reserved),
            resident_bytes() - resident_before_ - own};
  }
  // In order of the entities, so that it costs a small part of what is looked for.
  void erase_all() {
    for (std::size_t first = 0; first < entities_.size();) {
      stoa::Transaction tx = database_.begin();
      for (const std::size_t end = std::min(entities_.size(), first + 10'000); first < end; ++first) {
        tx.destroy(entities_[first]);
      }
      commit(database_, std::move(tx));
    }
  }

 private:
  static stoa::Schema schema() {
    stoa::Schema out("memory");
    out.table<Place>("place");
    out.table<Speed>("speed");
    return out;
  }

  double resident_before_;
  stoa::Database database_;
  std::vector<stoa::Entity> entities_;
};

std::uint64_t sum_of(const stoa::Snapshot& snapshot) {
  std::uint64_t sum = 0;
  snapshot.each<Place, Speed>(
      [&](stoa::Entity, const Place& place, const Speed& speed) { sum += digest(place) + digest(speed); });
  return sum;
}
std::uint64_t first_sum(std::size_t rows) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < rows; ++i) sum += digest(place_of(i)) + digest(speed_of(i));
  return sum;
}

/// The row of each change, in no order.
std::vector<std::uint32_t> rows_to_change(std::size_t rows, std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<std::uint32_t>(random() % rows));
  return out;
}
std::vector<Place> after(std::size_t rows, const std::vector<std::uint32_t>& changes) {
  std::vector<Place> out;
  for (std::size_t i = 0; i < rows; ++i) out.push_back(place_of(i));
  for (std::size_t change = 0; change < changes.size(); ++change) out[changes[change]] = changed(change);
  return out;
}
std::uint64_t sum_of(const std::vector<Place>& places) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < places.size(); ++i) sum += digest(places[i]) + digest(speed_of(i));
  return sum;
}

std::string loaded_subject(std::size_t rows) { return fmt::format("memory of {} entities with two rows", rows); }
std::string held_subject(std::size_t changes) {
  return fmt::format("memory beside a snapshot that is held during {} updates of one row", changes);
}

// -- loaded, and empty again --

void add_stoa_load(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  struct State {
    Bytes loaded, empty;
    bool right = false;
  };
  auto state = std::make_shared<State>();
  suite.add({.subject = loaded_subject(rows),
             .system = "stoa",
             .items = 0,
             .prepare = {},
             .run =
                 [=] {
                   World world(rows);
                   state->loaded = world.bytes();
                   state->right = sum_of(world.database().snapshot()) == first_sum(rows);
                   world.erase_all();
                   (void)value_of(world.database().compact());
                   state->empty = world.bytes();
                   state->right = state->right && world.database().snapshot().count<>() == 0;
                 },
             .check =
                 [=] {
                   // Rows are somewhere, and what is in use was taken from the system.
                   const Bytes& loaded = state->loaded;
                   return state->right && loaded.world > static_cast<double>(rows * payload_bytes) &&
                          loaded.reserved >= loaded.in_use && state->empty.world < loaded.world;
                 },
             .figures =
                 [=] {
                   const auto each = [rows](double bytes) { return bytes / static_cast<double>(rows); };
                   const std::string loaded = loaded_subject(rows);
                   const std::string empty = "memory when all entities are deleted, after compact()";
                   const std::string share = "% of before";
                   const Bytes& was = state->loaded;
                   const Bytes& is = state->empty;
                   return std::vector<Figure>{
                       {loaded, "payload", "bytes an entity", static_cast<double>(payload_bytes)},
                       {loaded, "stoa, in use but for the history", "bytes an entity", each(was.world)},
                       {loaded, "stoa, in use", "bytes an entity", each(was.in_use)},
                       {loaded, "stoa, reserved", "bytes an entity", each(was.reserved)},
                       {loaded, "stoa, resident", "bytes an entity", each(was.resident)},
                       {empty, "stoa, in use but for the history", share, 100 * is.world / was.world},
                       {empty, "stoa, in use", share, 100 * is.in_use / was.in_use},
                       {empty, "stoa, reserved", share, 100 * is.reserved / was.reserved},
                       {empty, "stoa, resident", share, 100 * is.resident / was.resident},
                   };
                 }});
}

// -- beside a held snapshot --

void add_stoa_held(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  const std::size_t changes = rows / 10;
  struct State {
    Bytes before, held;
    bool right = false;
  };
  auto state = std::make_shared<State>();
  suite.add({.subject = held_subject(changes),
             .system = "stoa",
             .items = 0,
             .prepare = {},
             .run =
                 [=] {
                   World world(rows);
                   state->before = world.bytes();
                   const stoa::Snapshot held = world.database().snapshot();
                   const std::vector<std::uint32_t> order = rows_to_change(rows, changes);
                   for (std::size_t change = 0; change < changes; ++change) {
                     stoa::Transaction tx = world.database().begin();
                     tx.update(world.entities()[order[change]], changed(change));
                     commit(world.database(), std::move(tx));
                   }
                   state->held = world.bytes();
                   state->right = sum_of(held) == first_sum(rows) &&
                                  sum_of(world.database().snapshot()) == sum_of(after(rows, order));
                 },
             .check = [=] { return state->right && state->held.world > state->before.world; },
             .figures =
                 [=] {
                   const std::string subject = held_subject(changes);
                   const Bytes& was = state->before;
                   const Bytes& is = state->held;
                   return std::vector<Figure>{
                       {subject, "stoa, in use but for the history", "times that before", is.world / was.world},
                       {subject, "stoa, in use", "times that before", is.in_use / was.in_use},
                       {subject, "stoa, reserved", "times that before", is.reserved / was.reserved},
                       {subject, "stoa, resident", "times that before", is.resident / was.resident},
                   };
                 }});
}

// -- LMDB --

class LmdbWorld {
 public:
  // Not mapped for writing: where there is no room, an error says so, and not a signal. Of the bytes it makes no odds.
  explicit LmdbWorld(std::size_t rows) : rows_(rows), file_(std::max(std::size_t{64} << 20U, rows * 4096), 0) {
    LmdbTransaction txn(file_.get(), 0);
    places_ = txn.open("place");
    speeds_ = txn.open("speed");
    for (std::size_t i = 0; i < rows; ++i) {
      txn.put(places_, i, place_of(i), MDB_APPEND);
      txn.put(speeds_, i, speed_of(i), MDB_APPEND);
    }
    txn.commit();
  }
  void update(std::size_t row, const Place& place) {
    LmdbTransaction txn(file_.get(), 0);
    txn.put(places_, row, place);
    txn.commit();
  }
  [[nodiscard]] std::unique_ptr<LmdbTransaction> reader() const {
    return std::make_unique<LmdbTransaction>(file_.get(), MDB_RDONLY);
  }
  [[nodiscard]] std::uint64_t sum_of(const LmdbTransaction& txn) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < rows_; ++i)
      sum += digest(txn.get<Place>(places_, i)) + digest(txn.get<Speed>(speeds_, i));
    return sum;
  }
  [[nodiscard]] double bytes() const { return static_cast<double>(file_.bytes()); }

 private:
  std::size_t rows_;
  LmdbFile file_;
  MDB_dbi places_ = 0;
  MDB_dbi speeds_ = 0;
};

void add_lmdb(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  const std::size_t changes = rows / 10;
  struct State {
    double loaded = 0, held = 0;
    bool right = false;
  };
  auto state = std::make_shared<State>();
  suite.add({.subject = held_subject(changes),
             .system = "lmdb",
             .items = 0,
             .prepare = {},
             .run =
                 [=] {
                   LmdbWorld world(rows);
                   state->loaded = world.bytes();
                   const auto held = world.reader();
                   const std::vector<std::uint32_t> order = rows_to_change(rows, changes);
                   for (std::size_t change = 0; change < changes; ++change)
                     world.update(order[change], changed(change));
                   state->held = world.bytes();
                   // The thread that reads may have one reader at a time.
                   state->right = world.sum_of(*held) == first_sum(rows);
                   held->renew();
                   state->right = state->right && world.sum_of(*held) == sum_of(after(rows, order));
                 },
             .check = [=] { return state->right && state->loaded > static_cast<double>(rows * payload_bytes); },
             .figures =
                 [=] {
                   const double each = state->loaded / static_cast<double>(rows);
                   return std::vector<Figure>{
                       {loaded_subject(rows), "lmdb", "bytes an entity", each},
                       {held_subject(changes), "lmdb", "times that before", state->held / state->loaded},
                   };
                 }});
}

}  // namespace

void add_memory(Suite& suite) {
  add_stoa_load(suite);
  add_lmdb(suite);
  add_stoa_held(suite);
}

}  // namespace bench
