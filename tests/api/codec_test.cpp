// C++ types that are no plain structs, as rows: through a Codec of the user's.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

enum class Rarity : std::uint8_t { common, rare = 7 };
BOOST_DESCRIBE_ENUM(Rarity, common, rare)

struct Item {
  std::string name;
  std::uint32_t count = 0;
  Rarity rarity = Rarity::common;
  bool operator==(const Item&) const = default;
};
BOOST_DESCRIBE_STRUCT(Item, (), (name, count, rarity))

struct Tower;
struct Floors {
  std::vector<Tower> above;
};
struct Tower {
  Floors floors;
};

struct Inventory {
  std::vector<Item> items;
  std::map<std::string, double> prices;
  std::optional<stoa::Entity> owner;
  bool operator==(const Inventory&) const = default;
};

struct Health {
  std::uint32_t points;
};
BOOST_DESCRIBE_STRUCT(Health, (), (points))

}  // namespace

template <>
struct stoa::Codec<Inventory> {
  static void encode(const Inventory& inventory, Encoder& encoder) {
    encoder.write(inventory.items).write(static_cast<std::uint32_t>(inventory.prices.size()));
    for (const auto& [name, price] : inventory.prices) encoder.write(name).write(price);
    encoder.write(inventory.owner);
  }
  static std::expected<Inventory, Error> decode(Decoder& decoder) {
    Inventory out;
    auto items = decoder.read<std::vector<Item>>();
    if (!items) return std::unexpected(items.error());
    out.items = std::move(*items);
    const auto prices = decoder.read<std::uint32_t>();
    if (!prices) return std::unexpected(prices.error());
    for (std::uint32_t i = 0; i < *prices; ++i) {
      auto name = decoder.read<std::string>();
      if (!name) return std::unexpected(name.error());
      const auto price = decoder.read<double>();
      if (!price) return std::unexpected(price.error());
      out.prices.emplace(std::move(*name), *price);
    }
    auto owner = decoder.read<std::optional<Entity>>();
    if (!owner) return std::unexpected(owner.error());
    out.owner = *owner;
    return out;
  }
};

template <>
struct stoa::Codec<Tower> {
  static void encode(const Tower& tower, Encoder& encoder) {
    encoder.write(!tower.floors.above.empty());
    for (const Tower& above : tower.floors.above) encoder.write(above);
  }
  static std::expected<Tower, Error> decode(Decoder& decoder) {
    Tower out;
    const auto more = decoder.read<bool>();
    if (!more) return std::unexpected(more.error());
    if (!*more) return out;
    auto above = decoder.read<Tower>();
    if (!above) return std::unexpected(above.error());
    out.floors.above.push_back(std::move(*above));
    return out;
  }
};

namespace {

stoa::Schema schema() {
  stoa::Schema out("codec_test");
  out.table<Inventory>("inventory");
  out.table<Health>("health");
  return out;
}

Inventory some() {
  return {{{"sword", 1, Rarity::rare}, {"", 40, Rarity::common}}, {{"sword", 12.5}}, stoa::Entity(3, 4)};
}

TEST(Codec, ARowComesBackAsItWas) {
  stoa::Database database = *stoa::Database::in_memory(schema());
  stoa::Transaction tx = database.begin();
  const stoa::Entity full = tx.create();
  const stoa::Entity empty = tx.create();
  const stoa::Entity none = tx.create();
  tx.insert(full, some()).insert(full, Health{3}).insert(empty, Inventory{});
  ASSERT_TRUE(std::move(tx).commit());
  const stoa::Snapshot before = database.snapshot();
  EXPECT_EQ(before.decode<Inventory>(full).value(), some());
  EXPECT_EQ(before.decode<Inventory>(empty).value(), Inventory{});
  const auto missing = before.decode<Inventory>(none);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), stoa::ErrorCode::not_found);
  EXPECT_TRUE(before.has<Inventory>(full));
  EXPECT_EQ(before.count<Inventory>(), 2U);
  std::size_t with_health = 0;
  for (auto [entity, health] : before.view<Health>(stoa::with<Inventory>)) with_health += entity == full ? 1 : 0;
  EXPECT_EQ(with_health, 1U);

  auto done = database.write([&](stoa::Writer& writer) -> std::expected<void, stoa::Error> {
    auto inventory = writer.decode<Inventory>(full);
    if (!inventory) return std::unexpected(inventory.error());
    inventory->items.push_back({"a shield with a longer name", 2, Rarity::common});
    writer.update(full, *inventory).remove<Inventory>(empty).upsert(none, some());
    EXPECT_EQ(writer.decode<Inventory>(full)->items.size(), 3U);
    return {};
  });
  ASSERT_TRUE(done) << done.error().message();
  const stoa::Snapshot after = database.snapshot();
  EXPECT_EQ(after.decode<Inventory>(full)->items.size(), 3U);
  EXPECT_FALSE(after.has<Inventory>(empty));
  EXPECT_EQ(after.decode<Inventory>(none).value(), some());
  EXPECT_EQ(before.decode<Inventory>(full).value(), some()) << "a snapshot changed";
}

TEST(Codec, AnUpdateToTheSameValueIsNone) {
  stoa::Database database = *stoa::Database::in_memory(schema());
  stoa::Transaction first = database.begin();
  const stoa::Entity entity = first.create();
  first.insert(entity, some());
  const auto inserted = std::move(first).commit();
  ASSERT_TRUE(inserted);
  stoa::Transaction second = database.begin();
  second.update(entity, some());
  EXPECT_EQ(std::move(second).commit()->version, inserted->version);
}

TEST(Codec, WhatCannotBeDecodedIsAnError) {
  stoa::Database database = *stoa::Database::in_memory(schema());
  stoa::Transaction tx = database.begin();
  const stoa::Entity entity = tx.create();
  tx.insert(entity, some());
  ASSERT_TRUE(std::move(tx).commit());
  const std::string whole =
      std::get<std::string>(database.snapshot().row("inventory", entity)->field("value")->value().variant());
  const auto decode_of = [&](const std::string& bytes) {
    stoa::Transaction change = database.begin();
    change.set("inventory", entity, "value", stoa::Value(bytes));
    EXPECT_TRUE(std::move(change).commit());
    return database.snapshot().decode<Inventory>(entity);
  };
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = decode_of(whole.substr(0, size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code(), stoa::ErrorCode::corrupt);
  }
  const auto longer = decode_of(whole + "xyz");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().message(), "3 bytes are left over after the value");
  EXPECT_EQ(decode_of(whole).value(), some());
}

template <typename T>
T there_and_back(const T& value) {
  stoa::Encoder encoder;
  encoder.write(value);
  stoa::Decoder decoder(encoder.bytes());
  auto out = decoder.read<T>();
  EXPECT_TRUE(out);
  EXPECT_EQ(decoder.remaining(), 0U);
  return out.value();
}

TEST(Codec, NumbersAreLittleEndianAndBitExact) {
  stoa::Encoder encoder;
  encoder.write(std::uint32_t{0x01020304}).write(true).write(std::int16_t{-2});
  const std::array expected{std::byte{4}, std::byte{3},    std::byte{2},   std::byte{1},
                            std::byte{1}, std::byte{0xFE}, std::byte{0xFF}};
  ASSERT_EQ(encoder.bytes().size(), expected.size());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), encoder.bytes().begin()));

  EXPECT_TRUE(std::signbit(there_and_back(-0.0)));
  const auto nan = std::bit_cast<double>(std::uint64_t{0x7FF8'0000'DEAD'BEEF});
  EXPECT_EQ(std::bit_cast<std::uint64_t>(there_and_back(nan)), std::bit_cast<std::uint64_t>(nan));
  EXPECT_EQ(there_and_back(std::numeric_limits<std::int64_t>::min()), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(there_and_back(std::array<std::int8_t, 3>{1, -1, 0}), (std::array<std::int8_t, 3>{1, -1, 0}));
  EXPECT_EQ(there_and_back(std::vector<bool>{true, false, true}), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(there_and_back(std::vector<std::vector<std::string>>{{"a", ""}, {}}),
            (std::vector<std::vector<std::string>>{{"a", ""}, {}}));
}

TEST(Codec, ValuesThatATypeDoesNotHaveAreRefused) {
  const std::array bytes{std::byte{2}};
  const auto boolean = stoa::Decoder(bytes).read<bool>();
  ASSERT_FALSE(boolean);
  EXPECT_EQ(boolean.error().message(), "byte 0: no value that the bool has");
  EXPECT_FALSE(stoa::Decoder(bytes).read<Rarity>());
  const std::array rare{std::byte{7}};
  EXPECT_EQ(stoa::Decoder(rare).read<Rarity>().value(), Rarity::rare);
  // A size that no input can have must not be believed.
  const std::array huge{std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}, std::byte{1}};
  EXPECT_FALSE(stoa::Decoder(huge).read<std::vector<std::uint64_t>>());
  const std::vector<std::byte> deep(std::size_t{1} << 20U, std::byte{1});
  const auto tower = stoa::Decoder(deep).read<Tower>();
  ASSERT_FALSE(tower);
  EXPECT_EQ(tower.error().message(), "byte 199: values within values, more than 200 deep");
  stoa::Decoder after(huge);
  EXPECT_FALSE(after.read_bytes());
  EXPECT_EQ(after.position(), 0U) << "a read that fails reads nothing";
}

TEST(Codec, AValueBeyondTheBoundIsRefused) {
  stoa::Database database = *stoa::Database::in_memory(schema());
  stoa::Transaction tx = database.begin();
  Inventory large;
  large.items.push_back({std::string((std::size_t{16} << 20U) + 1, 'x'), 1, Rarity::common});
  tx.insert(tx.create(), large);
  const auto done = std::move(tx).commit();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), stoa::ErrorCode::too_large) << done.error().message();
}

}  // namespace
