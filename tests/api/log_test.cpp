// The log as a program reads it: typed or by name, on from where it was, and from any version.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace {

using stoa::DeltaChange;
using stoa::Entity;
using stoa::LogReader;
using Kind = stoa::DeltaOp::Kind;

struct Ship {
  stoa::Text name;
  std::uint32_t speed;
};
BOOST_DESCRIBE_STRUCT(Ship, (), (name, speed))
struct Course {
  float degrees;
};
BOOST_DESCRIBE_STRUCT(Course, (), (degrees))
struct Afloat {};
BOOST_DESCRIBE_STRUCT(Afloat, (), ())
struct Sighted {
  std::uint32_t times;
};
BOOST_DESCRIBE_STRUCT(Sighted, (), (times))

stoa::Schema make_schema() {
  stoa::Schema schema("log_test");
  schema.table<Ship>("ship");
  schema.table<Course>("course").sparse();
  schema.table<Afloat>("afloat");
  schema.table<Sighted>("sighted").not_logged();
  return schema;
}

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "stoa-log-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    db_.emplace(stoa::Database::open(folder_, make_schema()).value());
  }
  void TearDown() override {
    db_.reset();
    std::filesystem::remove_all(folder_);
  }

  void commit(const std::function<void(stoa::Transaction&)>& fill) {
    stoa::Transaction transaction = db_->begin();
    fill(transaction);
    ASSERT_TRUE(std::move(transaction).commit());
  }

  std::filesystem::path folder_;
  std::optional<stoa::Database> db_;
};

TEST_F(LogTest, TellsByTypeAndByNameWhatEachTransactionChanged) {
  auto reader = LogReader::open(folder_, make_schema()).value();
  EXPECT_FALSE(reader.next().value()) << "nothing was committed yet";
  Entity ship;
  commit([&](auto& transaction) {
    ship = transaction.create();
    transaction.insert(ship, Ship{"Ida", 7});
    transaction.insert(ship, Afloat{});
    transaction.insert(ship, Course{1.5F});
    transaction.tag(42);
  });
  const auto before = std::chrono::system_clock::now();
  const auto first = reader.next().value();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->version, 1U);
  EXPECT_EQ(first->delta.from(), 0U);
  EXPECT_EQ(first->delta.to(), 1U);
  EXPECT_EQ(first->delta.tag(), 42U);
  EXPECT_LE(first->time, before);
  EXPECT_GT(first->time, before - std::chrono::minutes(10));
  EXPECT_GT(first->bytes, 10U);
  std::string name;
  first->delta.each<Ship>([&](Entity, const Ship& row) { name = row.name.str(); }, [](Entity, const auto&) {},
                          [](Entity) {});
  EXPECT_EQ(name, "Ida");
  std::vector<std::string> told;
  first->delta.each([&](const DeltaChange& change) {
    EXPECT_EQ(change.entity, ship);
    told.push_back(change.table == nullptr ? "create" : change.table->name);
    EXPECT_EQ(change.kind, change.table == nullptr ? Kind::create_entity : Kind::insert);
    EXPECT_EQ(change.row.has_value(), change.table != nullptr);
    EXPECT_EQ(change.fields.size(), change.table == nullptr ? 0U : change.table->fields.size());
    if (told.back() == "ship") {
      EXPECT_EQ(change.row->field("name")->value(), stoa::Value("Ida"));
      EXPECT_EQ(change.row->field("speed")->as<std::uint32_t>(), 7U);
    }
    return true;
  });
  EXPECT_EQ(told, (std::vector<std::string>{"create", "afloat", "course", "ship"}));
  EXPECT_EQ(first->delta.count(), told.size());

  commit([&](auto& transaction) { transaction.template set<&Ship::speed>(ship, 9U); });
  commit([&](auto& transaction) { transaction.template remove<Course>(ship); });
  commit([&](auto& transaction) { transaction.destroy(ship); });
  const std::vector<Kind> kinds{Kind::update, Kind::remove, Kind::delete_entity};
  for (const Kind kind : kinds) {
    const auto next = reader.next().value();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->delta.count(), 1U);
    next->delta.each([&](const DeltaChange& change) {
      EXPECT_EQ(change.kind, kind);
      if (kind == Kind::update) {
        EXPECT_EQ(change.fields.size(), 1U);
        EXPECT_EQ(change.fields[0]->name, "speed");
        EXPECT_EQ(change.row->field(*change.fields[0]).value(), stoa::Value(9U));
      }
      return true;
    });
  }
  EXPECT_FALSE(reader.next().value());
}

TEST_F(LogTest, GivesADeltaThatOutlivesTheReader) {
  commit([](auto& transaction) { transaction.insert(transaction.create(), Ship{"a name beyond any cell", 1}); });
  std::optional<stoa::LoggedTransaction> kept;
  {
    auto reader = LogReader::open(folder_).value();
    EXPECT_NE(reader.schema().model().find("ship"), nullptr);
    kept = reader.next().value();
  }
  std::string name;
  kept->delta.each([&](const DeltaChange& change) {
    if (change.row) name = std::get<std::string>(change.row->field("name")->value().variant());
    return true;
  });
  EXPECT_EQ(name, "a name beyond any cell");
}

TEST_F(LogTest, EndsATellingWhereTheFunctionSaysSo) {
  std::vector<Entity> entities;
  commit([&](auto& transaction) {
    for (int i = 0; i < 5; ++i) transaction.insert(entities.emplace_back(transaction.create()), Course{0});
  });
  commit([&](auto& transaction) {
    transaction.destroy(entities[0]);
    transaction.template remove<Course>(entities[1]);
    transaction.insert(entities[2], Ship{"Ida", 1});
    transaction.insert(entities[2], Afloat{});
    transaction.template set<&Course::degrees>(entities[3], 9.F);
    transaction.insert(transaction.create(), Afloat{});
  });
  const auto transaction = LogReader::open(folder_, 2).value().next().value();
  EXPECT_EQ(transaction->delta.count(), 7U);
  for (int wanted = 1; wanted <= 8; ++wanted) {
    int told = 0;
    transaction->delta.each([&](const DeltaChange&) { return ++told != wanted; });
    EXPECT_EQ(told, std::min(wanted, 7));
  }
}

TEST_F(LogTest, HasNothingOfWhatIsNotLogged) {
  commit([](auto& transaction) { transaction.insert(transaction.create(), Afloat{}); });
  Entity entity;
  db_->snapshot().each<Afloat>([&](Entity it, const Afloat&) { entity = it; });
  commit([&](auto& transaction) { transaction.insert(entity, Sighted{1}); });
  auto reader = LogReader::open(folder_, 2).value();
  const auto transaction = reader.next().value();
  ASSERT_TRUE(transaction);
  EXPECT_EQ(transaction->version, 2U);
  EXPECT_TRUE(transaction->delta.empty());
  EXPECT_EQ(transaction->bytes, 0U);
}

TEST_F(LogTest, MakesAReplicaThatIsTheSame) {
  for (std::uint32_t i = 0; i < 50; ++i) {
    commit([&](auto& transaction) { transaction.insert(transaction.create(), Ship{"ship", i}); });
  }
  auto replica = stoa::Database::in_memory(make_schema()).value();
  auto reader = LogReader::open(folder_).value();
  while (const auto transaction = reader.next().value()) {
    const auto applied = replica.apply(transaction->delta);
    ASSERT_TRUE(applied) << applied.error().message();
  }
  EXPECT_EQ(replica.version(), db_->version());
  EXPECT_EQ(replica.snapshot().state_hash(), db_->snapshot().state_hash());
}

TEST_F(LogTest, OfNoDatabaseIsAnError) {
  EXPECT_EQ(LogReader::open(folder_ / "nowhere").error().code(), stoa::ErrorCode::not_found);
  EXPECT_EQ(LogReader::open("/").error().code(), stoa::ErrorCode::not_a_database);
  stoa::Schema other("other");
  other.table<Afloat>("afloat");
  EXPECT_EQ(LogReader::open(folder_, other).error().code(), stoa::ErrorCode::schema_mismatch);
  auto reader = LogReader::open(folder_).value();
  const LogReader taken = std::move(reader);
  EXPECT_THROW((void)reader.next(), std::logic_error);  // NOLINT(bugprone-use-after-move): that is what is tested
}

}  // namespace
