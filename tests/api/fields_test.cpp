// Fields read as C++ types, and texts at their bounds.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace {

enum class Mood : std::uint8_t { calm, angry };
BOOST_DESCRIBE_ENUM(Mood, calm, angry)
struct Spot {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Spot, (), (x, y, z))
struct Pair {
  std::uint64_t first, second;
};
BOOST_DESCRIBE_STRUCT(Pair, (), (first, second))
struct Thing {
  Mood mood;
  Spot spot;
  Pair pair;
  std::array<Mood, 2> moods;
};
BOOST_DESCRIBE_STRUCT(Thing, (), (mood, spot, pair, moods))

// Of the same sizes, and other types.
namespace other {
enum class Mood : std::uint8_t { calm, angry };  // the same by another name: it does
BOOST_DESCRIBE_ENUM(Mood, calm, angry)
enum class Fewer : std::uint8_t { calm };
BOOST_DESCRIBE_ENUM(Fewer, calm)
enum class Signed : std::int8_t { calm, angry };
BOOST_DESCRIBE_ENUM(Signed, calm, angry)
struct Ids {
  std::uint32_t x, y;
  bool z;
};
BOOST_DESCRIBE_STRUCT(Ids, (), (x, y, z))
struct Turned {
  float y, x, z;
};
BOOST_DESCRIBE_STRUCT(Turned, (), (y, x, z))
struct Texts {
  stoa::Text text;
};
BOOST_DESCRIBE_STRUCT(Texts, (), (text))
}  // namespace other

TEST(Fields, AreReadAsTheTypesThatTheyHaveAndNoOthers) {
  stoa::Schema schema("fields");
  schema.table<Thing>("thing");
  auto db = stoa::Database::in_memory(schema).value();
  auto tx = db.begin();
  const stoa::Entity entity = tx.create();
  tx.insert(entity, Thing{Mood::angry, {1, 2, 3}, {4, 5}, {Mood::calm, Mood::angry}});
  ASSERT_TRUE(std::move(tx).commit());
  const stoa::Snapshot snapshot = db.snapshot();
  const stoa::RowView row = snapshot.row("thing", entity).value();
  const auto refused = [&row]<typename T>(const char* field, T*) {
    const auto value = row.field(field)->try_as<T>();
    return !value && value.error().code() == stoa::ErrorCode::invalid_argument;
  };
  EXPECT_EQ(row.field("mood")->as<Mood>(), Mood::angry);
  EXPECT_EQ(row.field("mood")->as<other::Mood>(), other::Mood::angry);
  EXPECT_EQ(row.field("spot")->as<Spot>().z, 3);
  EXPECT_EQ(row.field("pair")->as<Pair>().second, 5U);
  EXPECT_EQ((row.field("moods")->as<std::array<Mood, 2>>()[1]), Mood::angry);
  EXPECT_TRUE(refused("mood", static_cast<other::Fewer*>(nullptr)));
  EXPECT_TRUE(refused("mood", static_cast<other::Signed*>(nullptr)));
  EXPECT_TRUE(refused("moods", static_cast<std::array<other::Fewer, 2>*>(nullptr)));
  EXPECT_TRUE(refused("spot", static_cast<other::Ids*>(nullptr)));
  EXPECT_TRUE(refused("spot", static_cast<other::Turned*>(nullptr)));
  EXPECT_TRUE(refused("pair", static_cast<other::Texts*>(nullptr))) << "a pointer out of numbers";
}

struct Document {
  std::array<stoa::Text, 35> first;
  std::array<stoa::Text, 35> second;
};
BOOST_DESCRIBE_STRUCT(Document, (), (first, second))

// The texts are one string, which the transactions borrow; only what the world holds takes memory.
TEST(Texts, OfARowHaveAGibibyteTogetherHoweverTheyAreWritten) {
  stoa::Schema schema("documents");
  schema.table<Document>("document");
  auto db = stoa::Database::in_memory(schema).value();
  const std::string longest(std::size_t{16} << 20U, 'x');
  std::array<stoa::Text, 35> half;
  half.fill(longest);
  stoa::Entity entity;
  {
    auto tx = db.begin();
    entity = tx.create();
    tx.insert(entity, Document{});
    ASSERT_TRUE(std::move(tx).commit());
  }
  const auto write = [&](stoa::Writer& writer) { writer.set<&Document::first>(entity, half); };
  ASSERT_TRUE(db.write(write));
  const auto refused = db.write([&](stoa::Writer& writer) { writer.set<&Document::second>(entity, half); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), stoa::ErrorCode::too_large);
  half.fill({});
  EXPECT_TRUE(db.write(write)) << "less is not more";
}

TEST(Texts, HashByTheirSizeAndTheirEndsWhereTheyAreLong) {
  const std::hash<stoa::Text> hash;
  const std::string text(std::size_t{1} << 20U, 'x');
  for (const std::size_t at : {std::size_t{0}, std::size_t{511}, text.size() - 512, text.size() - 1}) {
    std::string changed = text;
    changed[at] = 'y';
    EXPECT_NE(hash(stoa::Text(text)), hash(stoa::Text(changed))) << at;
  }
  const std::string_view view = text;
  EXPECT_NE(hash(stoa::Text(view)), hash(stoa::Text(view.substr(1))));
  std::unordered_map<stoa::Bytes, int> by_bytes;
  by_bytes[stoa::Bytes(std::as_bytes(std::span(text)))] = 1;
  const std::string same = text;
  EXPECT_EQ(by_bytes.at(stoa::Bytes(std::as_bytes(std::span(same)))), 1);
}

}  // namespace
