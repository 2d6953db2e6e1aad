// For tests of deltas: a database that lives, by random transactions that keep its rules or break one now and then.
#pragma once

#include "random.h"

#include <stoa/stoa.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace stoa::test::fleet {

struct Ship {
  std::uint32_t speed;
  stoa::Text name;
};
BOOST_DESCRIBE_STRUCT(Ship, (), (speed, name))
struct Crew {
  Entity ship;
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Crew, (), (ship, number))
struct Afloat {};
BOOST_DESCRIBE_STRUCT(Afloat, (), ())
struct Course {
  float degrees;
};
BOOST_DESCRIBE_STRUCT(Course, (), (degrees))
struct Fuel {
  float tons;
};
BOOST_DESCRIBE_STRUCT(Fuel, (), (tons))

inline stoa::Schema make_schema() {
  stoa::Schema schema("fleet");
  schema.table<Ship>("ship").range<&Ship::speed>(0U, 100U).index<&Ship::name>();
  schema.table<Crew>("crew").foreign_key<&Crew::ship>("ship", stoa::OnDelete::cascade).unique<&Crew::number>();
  schema.table<Afloat>("afloat").sparse();
  schema.table<Course>("course").sparse();
  schema.table<Fuel>("fuel");
  return schema;
}

class Fleet {
 public:
  explicit Fleet(Random& random, Database its = *Database::in_memory(make_schema()))
      : database(std::move(its)), random_(random) {}

  /// A transaction that keeps all rules, or breaks one now and then.
  void act() {
    if (random_.chance(10)) {
      (void)database.write([&](stoa::Writer& writer) {
        writer.each<Fuel>([&](Entity, Fuel& fuel) { fuel.tons -= random_.chance(10) ? 1.F : 0.F; });
      });
      return;
    }
    stoa::Transaction tx = database.begin();
    for (std::uint64_t left = 1 + random_.below(8); left != 0; --left) operate(tx);
    if (std::move(tx).commit()) forget_the_gone();
  }
  [[nodiscard]] Snapshot snapshot() { return database.snapshot(); }

  Database database;

 private:
  void operate(stoa::Transaction& tx) {
    const std::string name = random_.chance(50) ? "Ida" : "a name that is too long for a cell " + std::to_string(next_);
    if (ships_.empty() || random_.chance(30)) {
      ships_.push_back(tx.create());
      tx.insert(ships_.back(), Ship{static_cast<std::uint32_t>(random_.below(100)), name});
      if (random_.chance(50)) tx.insert(tx.create(), Crew{ships_.back(), next_++});
      return;
    }
    const Entity ship = ships_[random_.below(ships_.size())];
    switch (random_.below(8)) {
      case 0: tx.upsert(ship, Ship{static_cast<std::uint32_t>(random_.below(102)), name}); break;
      case 1: tx.upsert(ship, Course{static_cast<float>(random_.below(360))}); break;
      case 2: tx.upsert(ship, Afloat{}); break;
      case 3: tx.insert(tx.create(), Crew{ship, next_++}); break;
      case 4: tx.set<&Ship::name>(ship, name); break;
      case 5:
      case 6: tx.upsert(ship, Fuel{static_cast<float>(random_.below(100))}); break;
      default: tx.destroy(ship); break;
    }
  }
  void forget_the_gone() {
    const Snapshot now = database.snapshot();
    std::erase_if(ships_, [&](Entity ship) { return !now.alive(ship) || !now.has<Ship>(ship); });
  }

  Random& random_;
  std::vector<Entity> ships_;
  std::uint32_t next_ = 0;
};

}  // namespace stoa::test::fleet
