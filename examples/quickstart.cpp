// A world of two planes: declare it, open it, write to it, read from it. Run it again, and they fly on.
#include <stoa/stoa.h>

#include <cstdio>
#include <utility>

struct Position {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))
struct Velocity {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y))

int main(int argc, char** argv) {
  stoa::Schema schema("airfield");
  schema.table<Position>("position");
  schema.table<Velocity>("velocity");
  auto database = stoa::Database::open(argc > 1 ? argv[1] : "world", schema);  // creates it, or recovers what is there
  if (!database) return std::fprintf(stderr, "%s\n", database.error().message().c_str()), 1;

  if (database->version() == 0) {
    stoa::Transaction first = database->begin();
    for (float lane : {1.F, 2.F}) {
      const stoa::Entity plane = first.create();
      first.insert(plane, Position{0, lane}).insert(plane, Velocity{250, 0});
    }
    auto done = std::move(first).commit();  // all of it or nothing; once answered, it is on the disk
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

  database->snapshot().each<Position>([&](stoa::Entity plane, const Position& now) {
    std::printf("plane %u: x was %g, is %g\n", plane.index(), before.get<Position>(plane)->x, now.x);
  });
}
