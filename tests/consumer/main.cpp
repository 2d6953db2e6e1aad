// A program of somebody else's: it sees what the package or the subdirectory gives it, and nothing more. It makes a
// world, reads it back and opens it again, so that a library with a layer missing would not do.
#include <stoa/stoa.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

struct Berth {
  stoa::Text name;
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Berth, (), (name, number))

namespace {

constexpr const char* berth_name = "a text that is longer than a cell holds";

bool is_there(stoa::Database& database, stoa::Entity entity) {
  const stoa::Snapshot snapshot = database.snapshot();
  const Berth* berth = snapshot.get<Berth>(entity);
  return berth != nullptr && berth->name == berth_name && berth->number == 7 &&
         snapshot.find<&Berth::name>(berth_name) == entity;
}

/// What went wrong; empty if nothing did.
std::string run(const std::filesystem::path& folder) {
  stoa::Schema schema("harbour");
  schema.table<Berth>("berth").key<&Berth::name>();
  stoa::Entity entity;
  {
    auto database = stoa::Database::open(folder, schema);
    if (!database) return database.error().message();
    stoa::Transaction transaction = database->begin();
    entity = transaction.create();
    transaction.insert(entity, Berth{.name = berth_name, .number = 7});
    if (auto done = std::move(transaction).commit(); !done) return done.error().message();
    if (!is_there(*database, entity)) return "what was committed is not there";
    if (auto made = database->checkpoint(); !made) return made.error().message();
    if (auto closed = database->close(); !closed) return closed.error().message();
  }
  auto again = stoa::Database::open(folder, schema);
  if (!again) return again.error().message();
  if (again->recovery().checkpoint != 1) return "it was not opened from its checkpoint";
  return is_there(*again, entity) ? "" : "what was committed is gone";
}

}  // namespace

int main() {
  const std::filesystem::path folder = "consumer-world";  // one that an earlier run left may be in an older format
  std::filesystem::remove_all(folder);
  const std::string wrong = run(folder);
  std::filesystem::remove_all(folder);
  std::puts(wrong.empty() ? "consumer: right" : ("consumer: wrong: " + wrong).c_str());
  return wrong.empty() ? 0 : 1;
}
