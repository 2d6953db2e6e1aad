// pos += vel over every row, and commit: where nobody consumes deltas, and into a log.
#include "suite.h"

#include <memory>

namespace bench {
namespace {

struct Moved {
  LazyStore store;
  std::vector<Position> expected;
};

void add_velocities(std::vector<Position>& rows) {
  for (std::size_t key = 0; key < rows.size(); ++key) {
    const Velocity velocity = first_velocity(key);
    rows[key].x += velocity.x;
    rows[key].y += velocity.y;
    rows[key].z += velocity.z;
  }
}

}  // namespace

void add_each(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  std::vector<Contender> contenders = limits_and_scanning_peers(rows);
  contenders.push_back({"stoa, each", [rows] { return make_stoa(rows); }});
  contenders.push_back({"stoa, each, logged", [rows] { return make_stoa(rows, {.logged = true}); }});
  for (const Contender& contender : contenders) {
    auto moved = std::make_shared<Moved>(Moved{LazyStore(contender.make), {}});
    suite.add({.subject = "position += velocity of every row, and commit",
               .system = contender.name,
               .items = rows,
               .prepare =
                   [moved] {
                     if (moved->expected.empty()) moved->expected = first_positions(moved->store->rows());
                   },
               .run = [moved] { moved->store->move_all(); },
               .check =
                   [moved] {
                     add_velocities(moved->expected);
                     return moved->store->dump() == moved->expected;
                   }});
  }
}

}  // namespace bench
