// The judge on single transactions: each on-delete action at the end of an entity and of a row, and each rule.
#include "integrity/judge.h"

#include "memory/page_pool.h"
#include "storage/testing/world.h"
#include "storage/write_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace stoa::integrity {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Port {
  Text code;
};
BOOST_DESCRIBE_STRUCT(Port, (), (code))
struct Ship {  // one reference for each action, all to ports
  Entity restricts, nulls, removes, cascades;
};
BOOST_DESCRIBE_STRUCT(Ship, (), (restricts, nulls, removes, cascades))
struct Tree {  // refers to its own table
  Entity parent;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (parent))
struct Cargo {  // goes with its ship's row, which may itself go with a port
  Entity ship;
  std::uint16_t slot;
};
BOOST_DESCRIBE_STRUCT(Cargo, (), (ship, slot))
struct Fan {  // refers to entities as such
  Entity idol;
};
BOOST_DESCRIBE_STRUCT(Fan, (), (idol))
struct Berth {
  Entity port;
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Berth, (), (port, number))

std::shared_ptr<const CompiledSchema> harbour() {
  Schema schema("harbour");
  schema.table<Port>("port").key<&Port::code>();
  schema.table<Ship>("ship")
      .foreign_key<&Ship::restricts>("port")
      .foreign_key<&Ship::nulls>("port", OnDelete::set_null)
      .foreign_key<&Ship::removes>("port", OnDelete::remove)
      .foreign_key<&Ship::cascades>("port", OnDelete::cascade);
  schema.table<Tree>("tree").foreign_key<&Tree::parent>("tree", OnDelete::cascade);
  schema.table<Cargo>("cargo").sparse().foreign_key<&Cargo::ship>("ship", OnDelete::remove).unique<&Cargo::slot>();
  schema.table<Fan>("fan").sparse().reference<&Fan::idol>(OnDelete::set_null);
  schema.table<Berth>("berth")
      .foreign_key<&Berth::port>("port", OnDelete::cascade)
      .required<&Berth::port>()
      .unique<&Berth::port, &Berth::number>()
      .range<&Berth::number>(1, 9);
  return schema.compile().value();
}

class JudgeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    buffer_.begin(detail::Root{});
    for (Entity& port : ports_) port = create();
    for (std::size_t i = 0; i < ports_.size(); ++i) insert(ports_[i], Port{codes_[i]});
    stand();
  }

  template <typename T>
  [[nodiscard]] TableId table() const {
    return world_.schema->table_of<T>();
  }
  Entity create() {
    const Entity entity(next_++, 1);
    EXPECT_EQ(buffer_.create(entity), storage::Outcome::done);
    return entity;
  }
  template <typename T>
  Entity insert(Entity entity, const T& row) {
    const storage::RowImage image{table<T>(), reinterpret_cast<const std::byte*>(&row)};
    EXPECT_EQ(buffer_.insert(entity, {&image, 1}), storage::Outcome::done);
    return entity;
  }
  template <typename T>
  Entity make(const T& row) {
    return insert(create(), row);
  }
  template <typename T>
  void update(Entity entity, const T& row) {
    EXPECT_EQ(buffer_.update(table<T>(), entity, reinterpret_cast<const std::byte*>(&row)), storage::Outcome::done);
  }
  template <typename T>
  void remove(Entity entity) {
    EXPECT_EQ(buffer_.remove(table<T>(), entity), storage::Outcome::done);
  }
  void destroy(Entity entity) { EXPECT_EQ(buffer_.destroy(entity), storage::Outcome::done); }

  /// The transaction stands, whatever the judge would say.
  void stand() {
    std::vector<Entity> ended;
    buffer_.accept(ended);
  }

  Consequences consequences() {
    buffer_.settle_indexes();
    auto found = judge_.consequences(buffer_);
    EXPECT_TRUE(found) << found.error().message();
    return found ? **found : Consequences{};
  }
  static std::vector<Entity> entities_of(const std::vector<Consequences::Row>& rows) {
    std::vector<Entity> out;
    for (const auto& row : rows) out.push_back(row.entity);
    return out;
  }
  static std::vector<std::string> nulled_by(const Consequences& all) {
    std::vector<std::string> out;
    for (const auto& cell : all.nulled) out.push_back(cell.field->name);
    return out;
  }
  std::vector<Violation> violations() {
    buffer_.settle_indexes();
    auto checked = judge_.check(buffer_);
    return checked ? std::vector<Violation>{} : checked.error().violations();
  }
  static std::vector<std::string> names(const std::vector<Violation>& found) {
    std::vector<std::string> out;
    for (const Violation& violation : found) out.push_back(violation.constraint);
    return out;
  }

  const detail::WorldInfo world_ = storage::test::make_world(harbour());
  memory::PagePool pool_;
  storage::WriteBuffer buffer_{world_, pool_};
  const Constraints constraints_{world_};
  Judge judge_{constraints_, 100};
  std::uint32_t next_ = 0;
  std::array<Entity, 3> ports_;
  static constexpr std::array<const char*, 3> codes_{"AMS", "LIS", "a port with a long code"};
};

TEST_F(JudgeTest, RestrictHoldsATargetThatEndsAndOneThatLosesItsRow) {
  const Entity ship = make(Ship{ports_[0], {}, {}, {}});
  stand();
  for (const bool whole : {true, false}) {
    whole ? destroy(ports_[0]) : remove<Port>(ports_[0]);
    const Consequences all = consequences();
    ASSERT_EQ(all.restricted.size(), 1U);
    const Violation& violation = all.restricted[0];
    EXPECT_EQ(violation.kind, Violation::Kind::foreign_key_restrict);
    EXPECT_EQ(violation.constraint, "ship.restricts");
    EXPECT_EQ(violation.entity, ship);
    EXPECT_EQ(violation.target, ports_[0]);
    buffer_.revert();
  }
}

TEST_F(JudgeTest, SetNullRemoveAndCascadeFollowAnEntityAndARowAlike) {
  const Entity nulled = make(Ship{{}, ports_[0], {}, {}});
  const Entity removed = make(Ship{{}, {}, ports_[0], {}});
  const Entity ended = make(Ship{{}, {}, {}, ports_[0]});
  make(Ship{{}, ports_[1], ports_[1], ports_[1]});
  stand();
  for (const bool whole : {true, false}) {
    whole ? destroy(ports_[0]) : remove<Port>(ports_[0]);
    const Consequences all = consequences();
    ASSERT_EQ(all.nulled.size(), 1U);
    EXPECT_EQ(all.nulled[0].entity, nulled);
    EXPECT_THAT(nulled_by(all), ElementsAre("nulls"));
    EXPECT_THAT(entities_of(all.removed), ElementsAre(removed));
    EXPECT_THAT(all.ended, ElementsAre(ended));
    buffer_.revert();
  }
}

TEST_F(JudgeTest, AReferenceToAnyEntityIsNotLostWithARow) {
  const Entity fan = make(Fan{ports_[0]});
  stand();
  remove<Port>(ports_[0]);
  EXPECT_TRUE(consequences().empty());
  destroy(ports_[0]);
  const Consequences all = consequences();
  ASSERT_EQ(all.nulled.size(), 1U);
  EXPECT_EQ(all.nulled[0].entity, fan);
}

TEST_F(JudgeTest, ACycleEndsOnce) {
  std::array<Entity, 4> ring;
  for (Entity& node : ring) node = create();
  for (std::size_t i = 0; i < ring.size(); ++i) insert(ring[i], Tree{ring[(i + 1) % ring.size()]});
  stand();
  destroy(ring[2]);
  EXPECT_THAT(consequences().ended, UnorderedElementsAre(ring[0], ring[1], ring[3]));
}

TEST_F(JudgeTest, ARowThatRefersToItselfEndsItsEntityWithIt) {
  const Entity self = create();
  insert(self, Tree{self});
  EXPECT_TRUE(judge_.check(buffer_)) << "its target is there at the end";
  stand();
  remove<Tree>(self);
  EXPECT_TRUE(consequences().empty()) << "the row that referred is the one that went";
}

TEST_F(JudgeTest, ANewReferenceToWhatIsMissingIsAViolationAndNeverAnAction) {
  destroy(ports_[0]);
  const Entity late = make(Ship{{}, {}, {}, ports_[0]});
  EXPECT_TRUE(consequences().empty());
  auto found = violations();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Violation::Kind::foreign_key_missing);
  EXPECT_EQ(found[0].constraint, "ship.cascades");
  EXPECT_EQ(found[0].entity, late);
  EXPECT_EQ(found[0].target, ports_[0]);
}

TEST_F(JudgeTest, AReferenceThatTheTransactionMovedIsJudgedByWhereItEnds) {
  const Entity moved_away = make(Ship{{}, {}, {}, ports_[0]});
  const Entity moved_there = make(Ship{{}, {}, {}, ports_[1]});
  const Entity there_and_back = make(Ship{{}, {}, {}, ports_[0]});
  stand();
  update(moved_away, Ship{{}, {}, {}, ports_[1]});
  update(moved_there, Ship{{}, {}, {}, ports_[0]});
  update(there_and_back, Ship{{}, {}, {}, {}});
  update(there_and_back, Ship{{}, {}, {}, ports_[0]});
  destroy(ports_[0]);
  EXPECT_THAT(consequences().ended, ElementsAre(there_and_back));
  buffer_.destroy(there_and_back);
  const auto found = violations();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].entity, moved_there);
}

TEST_F(JudgeTest, ARowRemovedAndInsertedAgainDidNotGo) {
  const Entity ship = make(Ship{ports_[0], ports_[0], ports_[0], ports_[0]});
  stand();
  remove<Port>(ports_[0]);
  insert(ports_[0], Port{"NEW"});
  EXPECT_TRUE(consequences().empty());
  EXPECT_THAT(violations(), IsEmpty());
  EXPECT_TRUE(buffer_.alive(ship));
}

TEST_F(JudgeTest, ALookAtATargetThatGoesTwiceNamesEachThingOnce) {
  const Entity nulled = make(Ship{{}, ports_[0], {}, {}});
  const Entity held = make(Ship{ports_[1], {}, {}, {}});
  stand();
  remove<Port>(ports_[0]);
  insert(ports_[0], Port{"NEW"});
  remove<Port>(ports_[0]);
  Consequences all = consequences();
  ASSERT_EQ(all.nulled.size(), 1U);
  EXPECT_EQ(all.nulled[0].entity, nulled);
  remove<Port>(ports_[1]);
  insert(ports_[1], Port{"NEW2"});
  remove<Port>(ports_[1]);
  all = consequences();
  ASSERT_EQ(all.restricted.size(), 1U);
  EXPECT_EQ(all.restricted[0].entity, held);
}

TEST_F(JudgeTest, ADiamondComesToTheSameInAnyOrder) {
  // A ship that would hold its port back goes with another one: restrict is judged last, whatever went first.
  const Entity ship = make(Ship{ports_[0], {}, {}, ports_[1]});
  const Entity cargo = make(Cargo{ship, 1});
  stand();
  for (const bool forward : {true, false}) {
    destroy(ports_[forward ? 0 : 1]);
    destroy(ports_[forward ? 1 : 0]);
    const Consequences all = consequences();
    EXPECT_THAT(all.ended, ElementsAre(ship));
    EXPECT_THAT(entities_of(all.removed), ElementsAre(cargo));
    EXPECT_THAT(all.nulled, IsEmpty());
    buffer_.revert();
  }
}

TEST_F(JudgeTest, WhatGoesAltogetherIsNamedInNoRow) {
  const Entity ship = make(Ship{{}, ports_[0], ports_[1], ports_[2]});
  stand();
  for (const Entity port : ports_) destroy(port);
  const Consequences all = consequences();
  EXPECT_THAT(all.ended, ElementsAre(ship));
  EXPECT_THAT(all.removed, IsEmpty());
  EXPECT_THAT(all.nulled, IsEmpty());
}

TEST_F(JudgeTest, ACascadeBeyondItsBoundIsRefused) {
  Entity last = make(Tree{});
  const Entity root = last;
  for (int i = 0; i < 100; ++i) last = make(Tree{last});
  stand();
  destroy(root);
  EXPECT_EQ(consequences().ended.size(), 100U);
  buffer_.revert();
  make(Tree{last});
  stand();
  destroy(root);
  const auto refused = judge_.consequences(buffer_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().violations()[0].kind, Violation::Kind::cascade_limit);
  EXPECT_EQ(refused.error().violations()[0].constraint, "tree.parent");
  EXPECT_EQ(refused.error().violations()[0].target, root) << "not what lies on the way";
}

TEST_F(JudgeTest, WhatRestrictsCountsForNoBound) {
  std::vector<Entity> ships;
  for (int i = 0; i < 40; ++i) ships.push_back(make(Ship{ports_[0], {}, {}, {}}));
  stand();
  destroy(ports_[0]);
  buffer_.settle_indexes();
  Judge strict(constraints_, 0);
  const auto found = strict.consequences(buffer_);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ((*found)->restricted.size(), 32U);
  EXPECT_EQ((*found)->size(), 0U);
}

TEST_F(JudgeTest, ALimitIsSaidToBePassedFromWhereItWas) {
  for (int i = 0; i < 3; ++i) make(Tree{i == 0 ? Entity{} : Entity(next_ - 1, 1)});
  stand();
  destroy(ports_[0]);  // which nothing refers to
  const Entity root(next_ - 3, 1);
  destroy(root);
  buffer_.settle_indexes();
  Judge strict(constraints_, 1);
  const auto found = strict.consequences(buffer_);
  ASSERT_FALSE(found);
  ASSERT_EQ(found.error().violations().size(), 1U);
  EXPECT_EQ(found.error().violations()[0].kind, Violation::Kind::cascade_limit);
  EXPECT_EQ(found.error().violations()[0].target, root);
}

TEST_F(JudgeTest, UniqueValuesAreJudgedAtTheEnd) {
  update(ports_[0], Port{codes_[2]});
  EXPECT_THAT(names(violations()), ElementsAre("port.code"));
  update(ports_[2], Port{codes_[0]});
  EXPECT_THAT(violations(), IsEmpty()) << "the values were swapped";
}

TEST_F(JudgeTest, ACompoundRuleIsOfAllItsFieldsAndNamesThem) {
  const Entity first = make(Berth{ports_[0], 1});
  make(Berth{ports_[0], 2});
  make(Berth{ports_[1], 1});
  EXPECT_THAT(violations(), IsEmpty());
  stand();
  const Entity second = make(Berth{ports_[0], 1});
  const auto found = violations();
  ASSERT_THAT(names(found), ElementsAre("berth(port, number)"));
  EXPECT_EQ(found[0].field, "");
  EXPECT_EQ(found[0].entity, second);
  EXPECT_EQ(found[0].target, first);
}

TEST_F(JudgeTest, RequiredAndRangeAreOfTheNetEffect) {
  const Entity berth = make(Berth{{}, 10});
  make(Port{""});
  EXPECT_THAT(names(violations()), UnorderedElementsAre("berth.port", "berth.number", "port.code"));
  update(berth, Berth{ports_[0], 9});
  EXPECT_THAT(names(violations()), ElementsAre("port.code"));
}

TEST_F(JudgeTest, AnAnswerHasSixtyFourViolationsAtMost) {
  for (std::uint32_t i = 0; i < 63; ++i) make(Berth{ports_[0], 100 + i});
  EXPECT_EQ(violations().size(), 63U);
  const Entity last = make(Berth{ports_[0], 200});
  EXPECT_EQ(violations().size(), 64U);
  EXPECT_EQ(violations().back().entity, last);
  const Entity two = make(Berth{{}, 300});
  EXPECT_EQ(violations().size(), 64U);
  update(last, Berth{ports_[0], 1});
  EXPECT_EQ(violations().size(), 64U) << "of two mistakes of one row one fits";
  EXPECT_EQ(violations().back().entity, two);
}

TEST_F(JudgeTest, ADeadlineIsLookedAtWhileRowsAreChecked) {
  make(Berth{{}, 10});
  EXPECT_THAT(names(violations()), UnorderedElementsAre("berth.port", "berth.number"));
  const auto late = judge_.check(buffer_, std::chrono::steady_clock::now() - std::chrono::seconds(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::timeout);
}

TEST_F(JudgeTest, OfALongTextItsStartIsTold) {
  const auto told = [&](const std::string& code) {
    make(Port{code});
    make(Port{code});
    const auto found = violations();
    EXPECT_THAT(names(found), ElementsAre("port.code"));
    buffer_.revert();
    return found.at(0).value;
  };
  EXPECT_EQ(told(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(told(std::string(65, 'x')), std::string(64, 'x'));
  EXPECT_EQ(told(std::string(63, 'x') + "\xC3\xA4"), std::string(63, 'x')) << "whole characters";
  EXPECT_EQ(told(std::string(61, 'x') + "\xF0\x9F\x9A\x82"), std::string(61, 'x'));
  EXPECT_EQ(told(std::string(100, '\x80')), std::string(64, '\x80')) << "what is no UTF-8 is cut anywhere";
}

TEST_F(JudgeTest, ARowThatBreaksARuleIsNamedOnceHoweverOftenItWasWritten) {
  const Entity berth = make(Berth{ports_[0], 10});
  update(berth, Berth{ports_[0], 11});
  update(berth, Berth{ports_[0], 12});
  EXPECT_THAT(names(violations()), ElementsAre("berth.number"));
}

}  // namespace
}  // namespace stoa::integrity
