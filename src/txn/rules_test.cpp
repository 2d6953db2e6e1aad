// A transaction that breaks a rule, of each kind, after it has done all kinds of things: the world is as before, to the
// byte and to the order, its indexes with it; the answer names what was broken.
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace stoa::txn {
namespace {

using test::TestDatabase;

struct Port {
  Text code;
  std::uint32_t size;
};
BOOST_DESCRIBE_STRUCT(Port, (), (code, size))
struct Berth {
  Entity port;
  std::uint32_t number;
  Text note;
};
BOOST_DESCRIBE_STRUCT(Berth, (), (port, number, note))
struct Ship {
  Entity berth;
  Entity escort;
};
BOOST_DESCRIBE_STRUCT(Ship, (), (berth, escort))
struct Flag {
  Entity ship;
  Text colours;
};
BOOST_DESCRIBE_STRUCT(Flag, (), (ship, colours))

std::shared_ptr<const CompiledSchema> harbour() {
  Schema schema("harbour");
  schema.table<Port>("port").key<&Port::code>().range<&Port::size>(1, 9).index<&Port::size>();
  schema.table<Berth>("berth")
      .foreign_key<&Berth::port>("port", OnDelete::cascade)
      .required<&Berth::port>()
      .unique<&Berth::port, &Berth::number>()
      .index<&Berth::note>();
  schema.table<Ship>("ship").foreign_key<&Ship::berth>("berth").foreign_key<&Ship::escort>("ship", OnDelete::cascade);
  schema.table<Flag>("flag").sparse().foreign_key<&Flag::ship>("ship", OnDelete::remove).index<&Flag::colours>();
  return schema.compile().value();
}

Options few_go_along() {
  Options options = test::stepped();
  options.cascade_rows_max = 8;
  return options;
}

class RuleTest;

struct Breach {
  std::string name;
  Violation::Kind kind;
  std::string message;                                  // with the rule's name, without entities
  std::function<void(RuleTest&, Transaction&)> commit;  // the step that is wrong
};

class RuleTest : public testing::Test {
 public:
  const std::string long_note = "a note that is too long for a cell";
  Entity port, other_port, berth, ship, flagged;
  std::vector<Entity> convoy;

 protected:
  RuleTest() {
    Transaction tx = database.begin();
    port = tx.create();
    other_port = tx.create();
    berth = tx.create();
    ship = tx.create();
    flagged = tx.create();
    tx.insert(port, Port{"AMS", 3}).insert(other_port, Port{"a port of a long code", 4});
    tx.insert(berth, Berth{port, 1, long_note}).insert(ship, Ship{berth, {}});
    tx.insert(flagged, Ship{{}, ship}).insert(flagged, Flag{ship, "blue, white and a long red"});
    for (int i = 0; i != 12; ++i) {
      convoy.push_back(tx.create());
      tx.insert(convoy.back(), Ship{{}, i == 0 ? Entity{} : convoy[0]});
    }
    auto ticket = std::move(tx).submit();
    database.step();
    EXPECT_TRUE(ticket.get());
  }

  /// Moves, texts, sparse rows, ends and cascades, all of which keep the rules.
  void live(Transaction& tx) const {
    const Entity fresh = tx.create();
    tx.insert(fresh, Port{"another port of a long code", 5});
    tx.insert(fresh, Flag{flagged, "green"});
    tx.set<&Berth::note>(berth, "another note, also too long for a cell");
    tx.set<&Port::size>(port, 9U);
    tx.remove<Flag>(flagged);
    tx.insert(ship, Port{"NEW", 1});
    tx.destroy(convoy[11]);
    tx.update(other_port, Port{"LIS", 2});
  }

  void go_on() {
    Transaction tx = database.begin();
    live(tx);
    auto ticket = std::move(tx).submit();
    database.step();
    EXPECT_TRUE(ticket.get());
    EXPECT_EQ(database.version(), 2U);
    database.expect_the_sink_tells_the_world();
  }

  TestDatabase database{few_go_along(), true, {}, harbour()};
};

class BreachTest : public RuleTest, public testing::WithParamInterface<Breach> {};

TEST_P(BreachTest, LeavesTheWorldAsItWas) {
  const auto before = database.unpublished_picture();
  Transaction tx = database.begin();
  live(tx);
  GetParam().commit(*this, tx);
  auto ticket = std::move(tx).submit();
  database.step();
  const auto done = ticket.get();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::constraint_violation);
  EXPECT_EQ(done.error().violations()[0].kind, GetParam().kind) << done.error().message();
  EXPECT_NE(done.error().message().find(GetParam().message), std::string::npos) << done.error().message();
  EXPECT_TRUE(database.unpublished_picture() == before);
  EXPECT_EQ(database.version(), 1U);
  EXPECT_EQ(database.sink.batches.size(), 1U);
  go_on();
}

TEST_F(RuleTest, AFunctionThatLookedAtTheIndexesLeavesThemAsTheyWere) {
  const auto before = database.unpublished_picture();
  const auto done = database.write([&](Writer& w) {
    w.set<&Port::size>(port, 8U);
    EXPECT_EQ(*w.range<&Port::size>(8, 9).begin(), port);
    w.set<&Berth::note>(berth, "looked at, and too long for a cell");
    EXPECT_FALSE(w.range<&Berth::note>("looked", "lookee").empty());
    w.destroy(convoy[11]);
    w.insert(w.create(), Port{"AMS", 100});  // breaks two rules
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().violations().size(), 2U) << done.error().message();
  EXPECT_TRUE(database.unpublished_picture() == before);
  go_on();
}

// A row that restricts what it refers to has another mistake, too, and changed: it is told once for each.
TEST_F(RuleTest, OneAnswerNamesAllThatIsWrong) {
  const auto before = database.unpublished_picture();
  Transaction tx = database.begin();
  tx.set<&Ship::escort>(ship, port);      // which is no ship
  tx.destroy(berth);                      // which the ship is at
  tx.set<&Port::size>(other_port, 120U);  // beyond its range
  auto ticket = std::move(tx).submit();
  database.step();
  const auto done = ticket.get();
  ASSERT_FALSE(done);
  std::string told;
  for (const Violation& violation : done.error().violations()) {
    told += std::string(to_string(violation.kind)) + " " + violation.constraint + "\n";
  }
  EXPECT_EQ(told, "foreign_key_restrict ship.berth\nforeign_key_missing ship.escort\nrange port.size\n")
      << done.error().message();
  EXPECT_TRUE(database.unpublished_picture() == before);
  go_on();
}

// Restrictions beyond those that are told are none the less no mistakes of the rows that have them, which changed, too.
TEST(Refusal, NamesNoReferenceMissingThatRestricts) {
  TestDatabase database(test::stepped(), true, {}, harbour());
  Transaction tx = database.begin();
  const Entity port = tx.create();
  const Entity berth = tx.create();
  tx.insert(port, Port{"AMS", 3}).insert(berth, Berth{port, 1, ""});
  const std::vector<Entity> ships = tx.create(50);
  for (const Entity ship : ships) tx.insert(ship, Ship{berth, {}});
  auto ticket = std::move(tx).submit();
  database.step();
  ASSERT_TRUE(ticket.get());
  Transaction wrong = database.begin();
  for (const Entity ship : ships) wrong.set<&Ship::escort>(ship, ships[0]);
  wrong.set<&Ship::escort>(ships[49], port).destroy(berth);  // a port is no ship
  auto refused = std::move(wrong).submit();
  database.step();
  const auto answer = refused.get();
  ASSERT_FALSE(answer);
  const auto& told = answer.error().violations();
  ASSERT_EQ(told.size(), 33U) << answer.error().message();
  EXPECT_EQ(told[31].kind, Violation::Kind::foreign_key_restrict);
  EXPECT_EQ(told[32].kind, Violation::Kind::foreign_key_missing);
  EXPECT_EQ(told[32].entity, ships[49]);
  EXPECT_EQ(told[32].field, "escort");
}

// What would follow is not all done only to be taken back.
TEST(Refusal, OfWhatWouldLeadFarTellsWhatRestrictsAlone) {
  TestDatabase database(test::stepped(), true, {}, harbour());
  Transaction tx = database.begin();
  const Entity port = tx.create();
  const Entity berth = tx.create();
  const Entity moored = tx.create();
  const Entity flagship = tx.create();
  tx.insert(port, Port{"AMS", 3}).insert(berth, Berth{port, 1, ""}).insert(moored, Ship{berth, {}});
  tx.insert(flagship, Ship{});
  for (const Entity escort : tx.create(5'000)) tx.insert(escort, Ship{{}, flagship});
  auto ticket = std::move(tx).submit();
  database.step();
  ASSERT_TRUE(ticket.get());
  for (const bool far : {false, true}) {
    Transaction wrong = database.begin();
    wrong.set<&Port::size>(port, 120U).destroy(berth);
    if (far) wrong.destroy(flagship);
    auto refused = std::move(wrong).submit();
    database.step();
    const auto answer = refused.get();
    ASSERT_FALSE(answer);
    ASSERT_EQ(answer.error().violations().size(), far ? 1U : 2U) << answer.error().message();
    EXPECT_EQ(answer.error().violations()[0].kind, Violation::Kind::foreign_key_restrict);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BreachTest,
    testing::Values(Breach{"Unique", Violation::Kind::unique, "has the same value, AMS, as entity",
                           [](RuleTest&, Transaction& tx) {
                             tx.insert(tx.create(), Port{"AMS", 1});
                           }},
                    Breach{"UniqueTogether", Violation::Kind::unique, "has the same values, 0:1, 1, as entity",
                           [](RuleTest& world, Transaction& tx) {
                             tx.insert(tx.create(), Berth{world.port, 1, ""});
                           }},
                    Breach{"Required", Violation::Kind::required, "berth.port: ",
                           [](RuleTest& world, Transaction& tx) { tx.set<&Berth::port>(world.berth, Entity{}); }},
                    Breach{"RequiredKey", Violation::Kind::required, "port.code: ",
                           [](RuleTest& world, Transaction& tx) { tx.set<&Port::code>(world.port, ""); }},
                    Breach{"Range", Violation::Kind::range, " has 120, which is not between 1 and 9",
                           [](RuleTest& world, Transaction& tx) { tx.set<&Port::size>(world.port, 120U); }},
                    Breach{"Missing", Violation::Kind::foreign_key_missing, "which has no row in berth",
                           [](RuleTest& world, Transaction& tx) { tx.set<&Ship::berth>(world.flagged, world.port); }},
                    Breach{"Restrict", Violation::Kind::foreign_key_restrict,
                           "ship.berth: ", [](RuleTest& world, Transaction& tx) { tx.destroy(world.port); }},
                    Breach{"RestrictOfARow", Violation::Kind::foreign_key_restrict,
                           "ship.berth: ", [](RuleTest& world, Transaction& tx) { tx.remove<Berth>(world.berth); }},
                    Breach{"CascadeLimit", Violation::Kind::cascade_limit, "passes the limit",
                           [](RuleTest& world, Transaction& tx) { tx.destroy(world.convoy[0]); }}),
    [](const testing::TestParamInfo<Breach>& of) { return of.param.name; });

}  // namespace
}  // namespace stoa::txn
