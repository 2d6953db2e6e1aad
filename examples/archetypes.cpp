// A plane's way through archetypes: each change of its dense tables moves it, a sparse table never does.
// docs/archetypes.md tells what happens underneath.
#include <stoa/stoa.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct Position {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))
struct Velocity {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y))
struct Docked {
  std::uint32_t gate;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (gate))
struct Delayed {
  std::uint32_t minutes;
};
BOOST_DESCRIBE_STRUCT(Delayed, (), (minutes))

namespace {

std::string braced(const std::vector<std::string_view>& tables) {
  std::string out = "{";
  for (std::string_view table : tables) out += (out.size() == 1 ? "" : ", ") + std::string(table);
  return out + "}";
}

void show(const char* what, stoa::Database& database, stoa::Entity plane) {
  const stoa::Snapshot now = database.snapshot();
  std::printf("%-9s the plane has %-30s archetypes:", what, braced(now.tables(plane)).c_str());
  for (const stoa::Archetype& archetype : now.archetypes()) {
    if (archetype.entities != 0) std::printf(" %s %zu", braced(archetype.tables).c_str(), archetype.entities);
  }
  std::printf("\n");
}

}  // namespace

int main() {
  stoa::Schema schema("airfield");
  schema.table<Position>("position");
  schema.table<Velocity>("velocity");
  schema.table<Docked>("docked");
  schema.table<Delayed>("delayed").sparse();
  auto database = stoa::Database::in_memory(schema);
  if (!database) return std::fprintf(stderr, "%s\n", database.error().message().c_str()), 1;

  stoa::Entity plane;
  bool failed = false;
  const auto step = [&](const char* what, auto change) {
    stoa::Transaction tx = database->begin();
    change(tx);
    if (auto done = std::move(tx).commit(); !done) {
      std::fprintf(stderr, "%s: %s\n", what, done.error().message().c_str());
      failed = true;
    }
    show(what, *database, plane);
  };
  step("others", [](stoa::Transaction& tx) {
    for (stoa::Entity other : tx.create(2)) tx.insert(other, Position{}).insert(other, Velocity{});
  });
  step("parked", [&](stoa::Transaction& tx) { tx.insert(plane = tx.create(), Position{1, 2}); });
  step("airborne", [&](stoa::Transaction& tx) { tx.insert(plane, Velocity{250, 0}); });
  step("landed", [&](stoa::Transaction& tx) { tx.remove<Velocity>(plane).insert(plane, Docked{7}); });
  step("delayed", [&](stoa::Transaction& tx) { tx.insert(plane, Delayed{15}); });
  step("gone", [&](stoa::Transaction& tx) { tx.destroy(plane); });
  return failed ? 1 : 0;
}
