// get() remembers where a thread found a type's rows last. What it answers must not depend on it: beside a lookup by
// name, which remembers nothing, over many archetypes, snapshots and two databases in which the type's table differs.
#include <stoa/stoa.h>

#include "random.h"
#include "rows.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using stoa::Entity;

using stoa::test::Burning;
using stoa::test::Place;
using stoa::test::Poisoned;
using stoa::test::Solid;
using stoa::test::Speed;

class World {
 public:
  explicit World(bool place_first) : database_(open(place_first)) {}

  void change(stoa::test::Random& random) {
    stoa::Transaction tx = database_.begin();
    for (int i = 0; i != 20; ++i) entities_.push_back(tx.create());
    for (int i = 0; i != 60; ++i) {
      Entity& entity = entities_[random.below(entities_.size())];
      const auto number = static_cast<std::uint32_t>(random.below(1000));
      switch (random.below(7)) {
        case 0: tx.upsert(entity, Place{number}); break;
        case 1: tx.upsert(entity, Speed{number}); break;
        case 2: tx.upsert(entity, Solid{}); break;
        case 3: tx.upsert(entity, Burning{number}); break;
        case 4: tx.upsert(entity, Poisoned{number}); break;
        case 5:
          tx.destroy(entity);
          ended_.push_back(entity);
          entity = tx.create();
          break;
        default: tx.upsert(entity, Place{number}).upsert(entity, Speed{number}).upsert(entity, Solid{}); break;
      }
    }
    stoa::CommitTicket ticket = std::move(tx).submit();
    database_.step();
    EXPECT_TRUE(ticket.get());
    snapshots_.push_back(database_.snapshot());
    if (snapshots_.size() > 4) snapshots_.erase(snapshots_.begin());
  }

  void ask(stoa::test::Random& random) const {
    const stoa::Snapshot& s = snapshots_[random.below(snapshots_.size())];
    for (int i = 0; i != 8; ++i) {
      const Entity entity = some_entity(random);
      expect_as_by_name<Place>(s, "place", entity);
      expect_as_by_name<Speed>(s, "speed", entity);
      expect_as_by_name<Burning>(s, "burning", entity);
      expect_as_by_name<Poisoned>(s, "poisoned", entity);
      EXPECT_EQ(s.get<Solid>(entity) != nullptr, s.row("solid", entity).has_value());
    }
  }

 private:
  // Most of those that are asked for are alive, in the newest snapshot at least.
  Entity some_entity(stoa::test::Random& random) const {
    if (random.chance(75)) return entities_[random.below(entities_.size())];
    if (!ended_.empty() && random.chance(60)) return ended_[random.below(ended_.size())];
    const auto index = static_cast<std::uint32_t>(random.below(random.chance(50) ? entities_.size() : 1U << 20U));
    return {index, static_cast<std::uint32_t>(random.below(2))};
  }

  static stoa::Database open(bool place_first) {
    stoa::Schema schema("get_test");
    if (place_first) schema.table<Place>("place");
    schema.table<Solid>("solid");
    schema.table<Speed>("speed");
    schema.table<Poisoned>("poisoned");
    if (place_first) {
      schema.table<Burning>("burning").sparse();
    } else {
      schema.table<Burning>("burning");
      schema.table<Place>("place").sparse();
    }
    stoa::Options options;
    options.writer = stoa::WriterMode::manual;
    return *stoa::Database::in_memory(schema, options);
  }

  template <typename T>
  static void expect_as_by_name(const stoa::Snapshot& s, std::string_view table, Entity entity) {
    const T* row = s.get<T>(entity);
    const auto named = s.row(table, entity);
    ASSERT_EQ(row != nullptr, named.has_value()) << table;
    if (row == nullptr) return;
    ASSERT_EQ(row, *named->view_as<T>()) << table << ": the same row, at the same address";
  }

  stoa::Database database_;
  std::vector<Entity> entities_;
  std::vector<Entity> ended_;
  std::vector<stoa::Snapshot> snapshots_;
};

TEST(Get, AnswersAsALookupThatRemembersNothing) {
  stoa::test::Random random(stoa::test::given_seed(23));
  World worlds[] = {World(true), World(false)};
  for (World& world : worlds) world.change(random);
  for (int round = 0; round != 2000; ++round) {
    if (random.chance(10)) worlds[random.below(2)].change(random);
    worlds[random.below(2)].ask(random);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
