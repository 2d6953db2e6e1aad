// Reads in order: ranges, referrers and cursors, through snapshots and in a write function, against sorted lists; and
// what has no order. The same on a world that is opened again, with other indexes than before.
#include <stoa/stoa.h>

#include "random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <limits>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using stoa::Entity;

enum class Mood : std::int16_t { angry = -5, calm = 0, happy = 7 };
BOOST_DESCRIBE_ENUM(Mood, angry, calm, happy)

struct Animal {
  std::int32_t weight;
  double speed;
  Mood mood;
  stoa::Text name;
  Entity mother;
  std::uint16_t number;
};
BOOST_DESCRIBE_STRUCT(Animal, (), (weight, speed, mood, name, mother, number))
struct Tag {
  stoa::Bytes raw;
  std::uint8_t plain;
};
BOOST_DESCRIBE_STRUCT(Tag, (), (raw, plain))

template <bool Indexed>
stoa::Schema make_schema() {
  stoa::Schema out("index_test");
  auto animal = out.table<Animal>("animal");
  animal.foreign_key<&Animal::mother>("animal", stoa::OnDelete::set_null).unique<&Animal::number>();
  auto tag = out.table<Tag>("tag");
  tag.sparse();
  if constexpr (Indexed) {
    animal.index<&Animal::weight>().index<&Animal::speed>().index<&Animal::mood>().index<&Animal::name>();
    tag.index<&Tag::raw>();
  }
  return out;
}

using Entities = std::vector<Entity>;

template <typename Range>
Entities list(const Range& range) {
  Entities out;
  for (Entity entity : range) out.push_back(entity);
  return out;
}

/// What a snapshot has, sorted by one field: the truth for a range of it.
template <auto Member, typename Wanted>
Entities sorted(const stoa::Snapshot& snapshot, Wanted wanted) {
  using Value = stoa::detail::type_of_member<Member>;
  std::vector<std::pair<Value, Entity>> found;
  snapshot.each<Animal>([&](Entity entity, const Animal& animal) {
    if (wanted(animal.*Member)) found.emplace_back(animal.*Member, entity);
  });
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return a.first < b.first || (!(b.first < a.first) && a.second < b.second);
  });
  Entities out;
  for (const auto& each : found) out.push_back(each.second);
  return out;
}

class Ordered : public testing::Test {
 protected:
  Ordered() : seed_(stoa::test::given_seed(23)), random_(seed_) {}

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  Animal animal() {
    constexpr std::array moods{Mood::angry, Mood::calm, Mood::happy};
    // Some names share their first bytes, and some are longer than a cell.
    name_ = below(2) == 0 ? std::to_string(below(60)) : "a long name in common, " + std::to_string(below(60));
    if (below(10) == 0) name_.clear();
    return {.weight = static_cast<std::int32_t>(below(200)) - 100,
            .speed = (static_cast<double>(below(200)) - 100) / 8,
            .mood = moods[below(3)],
            .name = name_,
            .mother = animals_.empty() || below(4) == 0 ? Entity{}
                                                        : animals_[below(static_cast<std::uint32_t>(animals_.size()))],
            .number = next_number_++};
  }

  /// Random transactions; some fail, by a number that is taken.
  void live(stoa::Database& database, int transactions) {
    for (; transactions != 0; --transactions) {
      const bool fails = !animals_.empty() && below(5) == 0;
      Entities after = animals_;
      stoa::Transaction tx = database.begin();
      for (std::uint32_t left = below(30); left != 0; --left) {
        if (after.size() < 40 || below(3) == 0) {
          const Entity entity = tx.create();
          tx.insert(entity, animal());
          after.push_back(entity);
        } else {
          const std::uint32_t at = below(static_cast<std::uint32_t>(after.size()));
          if (below(2) == 0) {
            Animal changed = animal();
            if (std::ranges::find(after, changed.mother) == after.end()) changed.mother = {};
            tx.update(after[at], changed);
          } else {
            tx.destroy(after[at]);
            after.erase(after.begin() + at);
          }
        }
      }
      if (fails && after.size() > 1) {
        tx.set<&Animal::number>(after[0], std::uint16_t{65'000});
        tx.set<&Animal::number>(after[1], std::uint16_t{65'000});
      }
      const auto done = std::move(tx).commit();
      if (done) animals_ = std::move(after);
      (done ? committed_ : refused_) += 1;
    }
  }

  /// Every order of the snapshot, over random bounds, forth and back.
  void compare(const stoa::Snapshot& snapshot) {
    EXPECT_TRUE(snapshot.wrong_indexes().empty());
    for (int i = 0; i != 20; ++i) {
      compare_range<&Animal::weight>(snapshot, static_cast<std::int32_t>(below(220)) - 110,
                                     static_cast<std::int32_t>(below(220)) - 110);
      compare_range<&Animal::speed>(snapshot, (static_cast<double>(below(220)) - 110) / 8,
                                    (static_cast<double>(below(220)) - 110) / 8);
      compare_range<&Animal::number>(snapshot, static_cast<std::uint16_t>(below(next_number_ + 1U)),
                                     static_cast<std::uint16_t>(below(next_number_ + 1U)));
      const std::string low = below(2) == 0 ? std::to_string(below(70)) : "a long name in common, 3";
      const std::string high = below(2) == 0 ? std::to_string(below(70)) : "a long name in common, 44";
      compare_range<&Animal::name>(snapshot, stoa::Text(low), stoa::Text(high));
      if (!animals_.empty()) {
        const Entity mother = animals_[below(static_cast<std::uint32_t>(animals_.size()))];
        EXPECT_EQ(list(snapshot.referrers<&Animal::mother>(mother)),
                  sorted<&Animal::mother>(snapshot, [&](const Entity& each) { return each == mother; }));
      }
    }
    compare_range<&Animal::mood>(snapshot, Mood::angry, Mood::calm);
    compare_range<&Animal::mood>(snapshot, Mood::calm, Mood::happy);
    EXPECT_EQ(list(snapshot.range<&Animal::mother>(Entity(0, 1), Entity(0xFFFF'FFFE, 0xFFFF'FFFF))),
              sorted<&Animal::mother>(snapshot, [](const Entity& each) { return static_cast<bool>(each); }));
  }

  template <auto Member, typename Value>
  void compare_range(const stoa::Snapshot& snapshot, const Value& low, const Value& high) {
    SCOPED_TRACE(stoa::field_name<Member>());
    const Entities expected =
        sorted<Member>(snapshot, [&](const Value& each) { return !(each < low) && !(high < each); });
    const auto range = snapshot.range<Member>(low, high);
    EXPECT_EQ(list(range), expected);
    EXPECT_EQ(range.empty(), expected.empty());
    Entities back = list(std::views::reverse(range));
    std::ranges::reverse(back);
    EXPECT_EQ(back, expected);
    // A cursor from the lower bound goes on past the upper one, and back past the lower one.
    const Entities all = sorted<Member>(snapshot, [](const Value&) { return true; });
    const auto before = sorted<Member>(snapshot, [&](const Value& each) { return each < low; }).size();
    auto cursor = snapshot.cursor<Member>(low);
    for (std::size_t at = before; at != all.size(); ++at, cursor.next()) {
      ASSERT_TRUE(cursor.valid());
      ASSERT_EQ(cursor.entity(), all[at]);
    }
    EXPECT_FALSE(cursor.valid());
    cursor.last();
    for (std::size_t at = all.size(); at != 0; --at, cursor.prev()) ASSERT_EQ(cursor.entity(), all[at - 1]);
    EXPECT_FALSE(cursor.valid());
    cursor.first();
    EXPECT_TRUE(all.empty() ? !cursor.valid() : cursor.entity() == all[0]);
    // From each of them on, and from an entity between it and the next one.
    for (std::size_t at = 0; at != expected.size(); ++at) {
      const Value& value = snapshot.get<Animal>(expected[at])->*Member;
      EXPECT_EQ(snapshot.cursor<Member>(value, expected[at]).entity(), expected[at]);
      auto behind = snapshot.cursor<Member>(value, Entity(expected[at].index(), expected[at].generation() + 1));
      EXPECT_EQ(behind.valid(), before + at + 1 != all.size());
      if (behind.valid()) {
        EXPECT_EQ(behind.entity(), all[before + at + 1]);
      }
      behind.prev();
      EXPECT_EQ(behind.entity(), expected[at]) << "from the end, too";
    }
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  Entities animals_;
  std::string name_;
  std::uint16_t next_number_ = 0;
  int committed_ = 0;
  int refused_ = 0;
};

TEST_F(Ordered, ReadsAreAsASortSaysInEverySnapshotHeld) {
  auto database = *stoa::Database::in_memory(make_schema<true>());
  std::vector<stoa::Snapshot> held;
  for (int i = 0; i != 12; ++i) {
    live(database, 8);
    held.push_back(database.snapshot());
    compare(held.back());
    if (HasFailure()) return;
  }
  for (const stoa::Snapshot& snapshot : held) compare(snapshot);
  EXPECT_GT(committed_, 40);
  EXPECT_GT(refused_, 8);
}

TEST_F(Ordered, AWriteFunctionSeesItsOwnWrites) {
  auto database = *stoa::Database::in_memory(make_schema<true>());
  live(database, 20);
  const auto done = database.write([&](stoa::Writer& w) -> std::expected<void, stoa::Error> {
    const Entity heavy = w.create();
    EXPECT_TRUE(w.range<&Animal::weight>(1'000, 2'000).empty());
    w.insert(heavy,
             Animal{.weight = 1'500, .speed = 1, .mood = Mood::calm, .name = "Heavy", .mother = {}, .number = 9'999});
    EXPECT_EQ(list(w.range<&Animal::weight>(1'000, 2'000)), Entities{heavy});
    EXPECT_EQ(w.find<&Animal::number>(std::uint16_t{9'999}), heavy);
    const Entity young = w.create();
    w.insert(young,
             Animal{.weight = 1, .speed = 1, .mood = Mood::calm, .name = "Young", .mother = heavy, .number = 9'998});
    EXPECT_EQ(list(w.referrers<&Animal::mother>(heavy)), Entities{young});
    w.set<&Animal::name>(heavy, "Heavier");
    EXPECT_EQ(list(w.range<&Animal::name>("Heavier", "Heavy")), Entities{heavy});
    w.destroy(young);
    EXPECT_TRUE(w.referrers<&Animal::mother>(heavy).empty());
    return {};
  });
  ASSERT_TRUE(done) << done.error().message();
  compare(database.snapshot());
}

TEST_F(Ordered, WhatAFunctionThatFailsDidIsInNoIndex) {
  auto database = *stoa::Database::in_memory(make_schema<true>());
  live(database, 20);
  const auto before = list(database.snapshot().cursor<&Animal::weight>().valid()
                               ? database.snapshot().range<&Animal::weight>(-1'000, 1'000)
                               : stoa::IndexRange{});
  for (const bool looks : {false, true}) {
    const auto done = database.write([&](stoa::Writer& w) -> std::expected<void, stoa::Error> {
      for (Entity entity : animals_) w.set<&Animal::weight>(entity, 77);
      if (looks) {
        EXPECT_EQ(list(w.range<&Animal::weight>(77, 77)).size(), animals_.size());
      }
      for (Entity entity : animals_) w.set<&Animal::name>(entity, "all of one name, and not a short one");
      return std::unexpected(stoa::Error::invalid("no"));
    });
    EXPECT_FALSE(done);
    EXPECT_EQ(list(database.snapshot().range<&Animal::weight>(-1'000, 1'000)), before);
    compare(database.snapshot());
  }
}

TEST_F(Ordered, FloatsHaveOneZeroAndNoPlaceForNaN) {
  auto database = *stoa::Database::in_memory(make_schema<true>());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  Entities made;
  for (const double speed : {-inf, -1.0, -0.0, 0.0, 1.0, inf, nan, -nan}) {
    stoa::Transaction tx = database.begin();
    made.push_back(tx.create());
    tx.insert(
        made.back(),
        Animal{.weight = 0, .speed = speed, .mood = Mood::calm, .name = "", .mother = {}, .number = next_number_++});
    ASSERT_TRUE(std::move(tx).commit());
  }
  const auto snapshot = database.snapshot();
  EXPECT_EQ(list(snapshot.range<&Animal::speed>(0.0, 1.0)), (Entities{made[2], made[3], made[4]}));
  EXPECT_EQ(list(snapshot.range<&Animal::speed>(-1.0, -0.0)), (Entities{made[1], made[2], made[3]}));
  EXPECT_EQ(list(snapshot.range<&Animal::speed>(-inf, inf)), Entities(made.begin(), made.begin() + 6));
  EXPECT_TRUE(snapshot.range<&Animal::speed>(nan, nan).empty());
  EXPECT_TRUE(snapshot.range<&Animal::speed>(0.0, nan).empty());
  EXPECT_TRUE(snapshot.range<&Animal::speed>(1.0, 0.0).empty());
  EXPECT_EQ(snapshot.cursor<&Animal::speed>(0.5).entity(), made[4]);
  EXPECT_EQ(snapshot.cursor<&Animal::speed>(0.0).entity(), made[2]);
  EXPECT_EQ(snapshot.cursor<&Animal::speed>(0.0, made[0]).entity(), made[3]) << "to go on from a row, its own zero";
}

TEST_F(Ordered, TablesKnownByNameHaveTheSameReads) {
  auto database = *stoa::Database::in_memory(make_schema<true>());
  live(database, 20);
  const auto snapshot = database.snapshot();
  EXPECT_EQ(list(*snapshot.range("animal", "weight", -20, 20)), list(snapshot.range<&Animal::weight>(-20, 20)));
  EXPECT_EQ(list(*snapshot.range("animal", "mood", "angry", "calm")),
            list(snapshot.range<&Animal::mood>(Mood::angry, Mood::calm)));
  EXPECT_EQ(list(*snapshot.range("animal", "name", "1", "3")), list(snapshot.range<&Animal::name>("1", "3")));
  EXPECT_EQ(list(*snapshot.referrers("animal", "mother", animals_[0])),
            list(snapshot.referrers<&Animal::mother>(animals_[0])));
  EXPECT_EQ(snapshot.cursor("animal", "speed")->entity(), snapshot.cursor<&Animal::speed>().entity());
  EXPECT_EQ(snapshot.cursor("animal", "weight", 0)->entity(), snapshot.cursor<&Animal::weight>(0).entity());
  EXPECT_EQ(snapshot.cursor("animal", "mood", "angry", animals_[9])->entity(),
            snapshot.cursor<&Animal::mood>(Mood::angry, animals_[9]).entity());
  EXPECT_EQ(*std::ranges::find(snapshot.range<&Animal::weight>(-100, 100), animals_[0]), animals_[0]);

  using stoa::ErrorCode;
  EXPECT_EQ(snapshot.range("plant", "weight", 1, 2).error().code(), ErrorCode::not_found);
  EXPECT_EQ(snapshot.range("animal", "height", 1, 2).error().code(), ErrorCode::not_found);
  EXPECT_EQ(snapshot.range("animal", "weight", "one", 2).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(snapshot.range("tag", "plain", 1, 2).error().message(),
            "tag.plain has no ordered index: the schema does not ask for one");
  EXPECT_EQ(snapshot.cursor("tag", "plain").error().code(), ErrorCode::invalid_argument);
}

TEST_F(Ordered, WhatHasNoOrderThrows) {
  auto database = *stoa::Database::in_memory(make_schema<false>());
  const auto snapshot = database.snapshot();
  EXPECT_THROW((void)snapshot.range<&Animal::weight>(1, 2), std::logic_error);
  EXPECT_THROW((void)snapshot.cursor<&Animal::name>(), std::logic_error);
  EXPECT_TRUE(snapshot.range<&Animal::number>(1, 2).empty());
  EXPECT_TRUE(snapshot.referrers<&Animal::mother>(Entity(1, 1)).empty());
}

// What indexes are told counts as part of a transaction: it is memory that a function takes.
TEST_F(Ordered, WhatIndexesAreToldBoundsAFunctionToo) {
  stoa::Options options;
  options.transaction_bytes_max = std::size_t{1} << 20U;
  for (const bool indexed : {false, true}) {
    auto database = *stoa::Database::in_memory(indexed ? make_schema<true>() : make_schema<false>(), options);
    const auto done = database.write([&](stoa::Writer& w) {
      const Entity entity = w.create();
      w.insert(entity, Animal{.weight = 0, .speed = 0, .mood = Mood::calm, .name = "", .mother = {}, .number = 1});
      for (std::int32_t i = 1; i != 17'000; ++i) w.set<&Animal::weight>(entity, i);
    });
    EXPECT_EQ(done.has_value(), !indexed);
    if (!done) {
      EXPECT_EQ(done.error().code(), stoa::ErrorCode::too_large);
    }
  }
}

TEST_F(Ordered, AFolderMayBeOpenedWithOtherIndexes) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("stoa_index_test_" + std::to_string(seed_) + "_" + std::to_string(std::random_device{}()));
  std::array<std::uint64_t, 2> hash{};
  for (const bool indexed : {false, true, true, false, true}) {
    SCOPED_TRACE(indexed);
    const auto schema = indexed ? make_schema<true>() : make_schema<false>();
    auto database = stoa::Database::open(folder, schema);
    ASSERT_TRUE(database) << database.error().message();
    EXPECT_EQ(database->snapshot().state_hash(), hash == decltype(hash){} ? database->snapshot().state_hash() : hash);
    if (indexed) compare(database->snapshot());
    live(*database, 20);
    if (indexed) compare(database->snapshot());
    hash = database->snapshot().state_hash();
    ASSERT_TRUE(database->close());
    auto look = stoa::Database::open_read_only(folder);
    ASSERT_TRUE(look) << look.error().message();
    EXPECT_EQ(look->snapshot().range("animal", "weight", 1, 2).has_value(), indexed) << "as it was opened last";
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
