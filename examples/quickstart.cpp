// A world of two planes: declare it, open it, write to it, read from it. Run it again, and it goes on.
#include <stoa/stoa.h>

#include <cstdio>
#include <utility>

struct Airport {
  stoa::Text code;
};
BOOST_DESCRIBE_STRUCT(Airport, (), (code))
struct Position {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))
struct Velocity {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y))
struct Bound {
  stoa::Entity airport;
};
BOOST_DESCRIBE_STRUCT(Bound, (), (airport))

int main(int argc, char** argv) {
  stoa::Schema schema("airfield");
  schema.table<Airport>("airport").key<&Airport::code>();
  schema.table<Position>("position");
  schema.table<Velocity>("velocity");
  schema.table<Bound>("bound").foreign_key<&Bound::airport>("airport");

  auto database = stoa::Database::open(argc > 1 ? argv[1] : "world", schema);  // creates it, or recovers what is there
  if (!database) return std::fprintf(stderr, "%s\n", database.error().message().c_str()), 1;

  stoa::Entity jfk = database->snapshot().find<&Airport::code>("JFK");
  if (!jfk) {
    stoa::Transaction first = database->begin();
    jfk = first.create();
    first.insert(jfk, Airport{"JFK"});
    for (float lane : {1.F, 2.F}) {
      const stoa::Entity plane = first.create();
      first.insert(plane, Position{0, lane}).insert(plane, Velocity{250, 0}).insert(plane, Bound{jfk});
    }
    auto done = std::move(first).commit();
    if (!done) return std::fprintf(stderr, "%s\n", done.error().message().c_str()), 1;
  }

  const stoa::Snapshot before = database->snapshot();  // stays as it is, whatever is written meanwhile
  auto moved = database->write([](stoa::Writer& writer) {
    writer.each<Position, const Velocity>([](stoa::Entity, Position& position, const Velocity& velocity) {
      position.x += velocity.x;
      position.y += velocity.y;
    });
  });
  if (!moved) return std::fprintf(stderr, "%s\n", moved.error().message().c_str()), 1;

  const stoa::Snapshot after = database->snapshot();
  after.each<Position>([&](stoa::Entity plane, const Position& now) {
    std::printf("plane %u: x was %g, is %g\n", plane.index(), before.get<Position>(plane)->x, now.x);
  });
  stoa::Transaction closing = database->begin();
  closing.destroy(jfk);  // planes are bound for it
  const auto refused = std::move(closing).commit();
  std::printf("version %llu; closing JFK: %s\n", static_cast<unsigned long long>(after.version()),
              refused ? "done" : refused.error().message().c_str());
  return refused ? 1 : 0;
}
