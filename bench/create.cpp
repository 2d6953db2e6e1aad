// New entities with rows in two tables, a thousand to a transaction: one by one, and many at once. Beside it what a
// program would do by hand: three vectors, and a map from the id to the place.
#include "suite.h"
#include "world.h"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t per_transaction = 1000;

Place place_of(std::size_t i) { return {static_cast<float>(i % 1000), 1, 2}; }
Speed speed_of(std::size_t i) { return {1, static_cast<float>(i % 7), 0}; }

struct ByHand {
  std::vector<std::uint64_t> ids;
  std::vector<Place> places;
  std::vector<Speed> speeds;
  std::unordered_map<std::uint64_t, std::size_t> rows;
};

/// `fill` records one transaction's entities, numbered from `first`.
template <typename Fill>
void add_stoa(Suite& suite, const std::string& subject, const char* system, Fill fill) {
  auto database = std::make_shared<std::unique_ptr<stoa::Database>>();
  const std::size_t count = suite.scale().operations;
  suite.add({.subject = subject,
             .system = system,
             .items = count,
             .prepare =
                 [=] {
                   stoa::Schema schema("create");
                   schema.table<Place>("place");
                   schema.table<Speed>("speed");
                   database->reset();
                   *database = std::make_unique<stoa::Database>(open_manual(schema));
                 },
             .run =
                 [=] {
                   for (std::size_t first = 0; first < count; first += per_transaction) {
                     stoa::Transaction tx = (*database)->begin();
                     fill(tx, first);
                     commit(**database, std::move(tx));
                   }
                 },
             .check =
                 [=] {
                   const stoa::Snapshot now = (*database)->snapshot();
                   double sum = 0;
                   now.each<Place, Speed>([&](stoa::Entity, const Place& place, const Speed& speed) {
                     sum += static_cast<double>(place.x) + static_cast<double>(speed.y);
                   });
                   double expected = 0;
                   for (std::size_t i = 0; i < count; ++i) {
                     expected += static_cast<double>(place_of(i).x) + static_cast<double>(speed_of(i).y);
                   }
                   return now.count<Place, Speed>() == count && sum == expected;
                 }});
}

}  // namespace

void add_create(Suite& suite) {
  const std::string subject = fmt::format("new entities with two rows, {} to a transaction", per_transaction);
  const std::size_t count = suite.scale().operations;
  auto by_hand = std::make_shared<ByHand>();
  suite.add({.subject = subject,
             .system = "three vectors and a map",
             .items = count,
             .prepare = [=] { *by_hand = {}; },
             .run =
                 [=] {
                   for (std::size_t i = 0; i < count; ++i) {
                     by_hand->rows.emplace(i, by_hand->places.size());
                     by_hand->ids.push_back(i);
                     by_hand->places.push_back(place_of(i));
                     by_hand->speeds.push_back(speed_of(i));
                   }
                 },
             .check = [=] { return by_hand->rows.size() == count && by_hand->speeds.size() == count; }});
  add_stoa(suite, subject, "stoa, one by one", [](stoa::Transaction& tx, std::size_t first) {
    for (std::size_t i = first; i < first + per_transaction; ++i) {
      const stoa::Entity entity = tx.create();
      tx.insert(entity, place_of(i)).insert(entity, speed_of(i));
    }
  });
  auto places = std::make_shared<std::vector<Place>>();
  auto speeds = std::make_shared<std::vector<Speed>>();
  add_stoa(suite, subject, "stoa, create(n) and spans", [=](stoa::Transaction& tx, std::size_t first) {
    places->clear();
    speeds->clear();
    for (std::size_t i = first; i < first + per_transaction; ++i) {
      places->push_back(place_of(i));
      speeds->push_back(speed_of(i));
    }
    const std::vector<stoa::Entity> entities = tx.create(per_transaction);
    tx.insert(entities, *places).insert(entities, *speeds);
  });
}

}  // namespace bench
