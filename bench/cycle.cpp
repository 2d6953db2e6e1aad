// stoa-cycle: a world that is loaded, worked on and emptied, for a look at its memory from outside (`make massif`).
#include <stoa/stoa.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Position {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))
struct Name {
  stoa::Text name;
};
BOOST_DESCRIBE_STRUCT(Name, (), (name))
struct Burning {
  std::uint32_t since;
};
BOOST_DESCRIBE_STRUCT(Burning, (), (since))

void commit(stoa::Database& database, stoa::Transaction tx) {
  stoa::CommitTicket ticket = std::move(tx).submit();
  database.step();
  if (auto done = ticket.get(); !done) throw std::runtime_error(done.error().message());
}

void insert(stoa::Transaction& tx, std::vector<stoa::Entity>& entities) {
  entities.push_back(tx.create());
  tx.insert(entities.back(), Position{1, 2, 3});
  if (entities.size() % 4 == 0) {
    const std::string name = "an entity called " + std::to_string(entities.size());
    tx.insert(entities.back(), Name{name});
  }
  if (entities.size() % 3 == 0) tx.insert(entities.back(), Burning{1});
}

void report(const char* what, stoa::Database& database) {
  const stoa::Metrics now = database.metrics();
  std::printf("%-8s %8zu entities  %6zu KiB in use  %6zu KiB reserved\n", what, database.snapshot().count<>(),
              now.bytes_in_use / 1024, now.bytes_reserved / 1024);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
  stoa::Schema schema("cycle");
  schema.table<Position>("position");
  schema.table<Name>("name");
  schema.table<Burning>("burning").sparse();
  stoa::Options options;
  options.writer = stoa::WriterMode::manual;
  auto opened = stoa::Database::in_memory(schema, options);
  if (!opened) throw std::runtime_error(opened.error().message());
  stoa::Database& database = *opened;

  std::vector<stoa::Entity> entities;
  entities.reserve(count);
  while (entities.size() < count) {
    stoa::Transaction tx = database.begin();
    for (int i = 0; i < 1000; ++i) insert(tx, entities);
    commit(database, std::move(tx));
  }
  report("loaded", database);

  std::mt19937_64 random(1);
  for (std::size_t round = 0; round < count / 10; ++round) {
    const stoa::Snapshot reader = database.snapshot();
    stoa::Transaction tx = database.begin();
    for (int i = 0; i < 10; ++i) {
      tx.update(entities[random() % count], Position{static_cast<float>(round), 0, 0});
    }
    stoa::Entity& one = entities[random() % count];
    tx.destroy(one);
    one = tx.create();
    tx.insert(one, Position{4, 5, 6});
    commit(database, std::move(tx));
  }
  report("worked", database);

  while (!entities.empty()) {
    stoa::Transaction tx = database.begin();
    for (int i = 0; i < 1000 && !entities.empty(); ++i) {
      tx.destroy(entities.back());
      entities.pop_back();
    }
    commit(database, std::move(tx));
  }
  report("emptied", database);
  return database.snapshot().count<>() == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "stoa-cycle: %s\n", error.what());
  return 1;
}
