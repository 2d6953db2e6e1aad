// Deltas as a program sees them: operations, typed visits, and bytes that are as they were or are refused.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace {

using stoa::DeltaOp;
using stoa::Entity;
using Kind = DeltaOp::Kind;

struct Position {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))
struct Gauge {  // padded
  std::uint8_t level;
  std::uint32_t limit;
};
BOOST_DESCRIBE_STRUCT(Gauge, (), (level, limit))
struct Label {
  std::uint16_t size;
  stoa::Text text;
  stoa::Entity of;
};
BOOST_DESCRIBE_STRUCT(Label, (), (size, text, of))
struct Fixed {};
BOOST_DESCRIBE_STRUCT(Fixed, (), ())
struct Secret {
  std::uint64_t number;
};
BOOST_DESCRIBE_STRUCT(Secret, (), (number))

stoa::Schema make_schema() {
  stoa::Schema schema("deltas");
  schema.table<Position>("position");
  schema.table<Gauge>("gauge");
  schema.table<Label>("label").sparse().reference<&Label::of>(stoa::OnDelete::set_null);
  schema.table<Fixed>("fixed");
  schema.table<Secret>("secret").not_replicated();
  return schema;
}

template <typename T>
T as(std::span<const std::byte> data) {
  T out{};
  EXPECT_EQ(data.size(), sizeof out);
  std::memcpy(&out, data.data(), std::min(sizeof out, data.size()));
  return out;
}

std::string text(std::span<const std::byte> data) { return {reinterpret_cast<const char*>(data.data()), data.size()}; }

class DeltaTest : public testing::Test {
 protected:
  DeltaTest() {
    stoa::Transaction tx = database.begin();
    a = tx.create();
    b = tx.create();
    c = tx.create();
    tx.insert(a, Position{1, 2, 3}).insert(a, Gauge{4, 5});
    tx.insert(b, Position{}).insert(b, Label{1, "a label that is too long for a cell", a});
    tx.insert(c, Fixed{}).insert(c, Secret{6});
    EXPECT_TRUE(std::move(tx).commit());
  }
  stoa::TableId table(std::string_view name) { return database.schema().model().find(name)->number; }
  template <typename Function>
  stoa::Delta change(Function&& function) {
    const stoa::Snapshot before = database.snapshot();
    stoa::Transaction tx = database.begin();
    function(tx);
    const auto done = std::move(tx).commit();
    EXPECT_TRUE(done) << done.error().message();
    return stoa::diff(before, database.snapshot());
  }

  stoa::Database database = *stoa::Database::in_memory(make_schema());
  Entity a, b, c;
};

TEST_F(DeltaTest, AnUpdateHasTheBytesThatChangedAndNoOthers) {
  const stoa::Delta delta = change([&](stoa::Transaction& tx) {
    tx.update(a, Position{1, 9, 3});
    tx.update(b, Label{1, "short", a});
    tx.set<&Gauge::limit>(a, 7U);
  });
  EXPECT_EQ(delta.from(), 1U);
  EXPECT_EQ(delta.to(), 2U);
  EXPECT_FALSE(delta.is_full());
  std::vector<DeltaOp> ops(delta.ops().begin(), delta.ops().end());
  ASSERT_EQ(ops.size(), 3U);
  std::ranges::sort(ops, {}, [&](const DeltaOp& op) { return std::pair(op.table != table("position"), op.entity); });
  EXPECT_TRUE(std::ranges::all_of(ops, [](const DeltaOp& op) { return op.kind == Kind::update; }));
  EXPECT_EQ(ops[0].table, table("position"));
  EXPECT_EQ(ops[0].entity, a);
  EXPECT_EQ(ops[0].field_offset, offsetof(Position, y));
  EXPECT_EQ(as<float>(ops[0].data), 9.F);
  EXPECT_EQ(ops[1].field_offset, offsetof(Gauge, limit));
  EXPECT_EQ(as<std::uint32_t>(ops[1].data), 7U);
  EXPECT_EQ(ops[2].entity, b);
  EXPECT_EQ(ops[2].field_offset, offsetof(Label, text));
  EXPECT_EQ(text(ops[2].data), "short");
}

TEST_F(DeltaTest, RangesThatLieSideBySideAreOneAndATextIsItsOwn) {
  const stoa::Delta delta = change([&](stoa::Transaction& tx) {
    tx.update(a, Position{7, 8, 3});
    tx.update(b, Label{2, "other", {}});
  });
  ASSERT_EQ(delta.ops().size(), 4U);
  const auto of = [&](std::uint32_t offset, Entity entity) {
    return *std::ranges::find_if(delta.ops(),
                                 [&](const DeltaOp& op) { return op.field_offset == offset && op.entity == entity; });
  };
  EXPECT_EQ((as<std::array<float, 2>>(of(0, a).data)), (std::array<float, 2>{7, 8}));
  EXPECT_EQ(as<std::uint16_t>(of(0, b).data), 2U);
  EXPECT_EQ(text(of(offsetof(Label, text), b).data), "other");
  EXPECT_EQ(as<Entity>(of(offsetof(Label, of), b).data), Entity{});
}

TEST_F(DeltaTest, AnInsertHasTheWholeRow) {
  Entity fresh;
  const stoa::Delta delta = change([&](stoa::Transaction& tx) {
    fresh = tx.create();
    tx.insert(fresh, Position{1, 2, 3}).insert(fresh, Gauge{4, 5}).insert(fresh, Fixed{});
    tx.insert(c, Label{6, "seven", c});
  });
  const std::span<const DeltaOp> ops = delta.ops();
  ASSERT_EQ(ops.size(), 5U);
  EXPECT_EQ(ops[0].kind, Kind::create_entity);
  EXPECT_EQ(ops[0].table, stoa::no_table);
  EXPECT_TRUE(std::ranges::all_of(ops.first(4), [&](const DeltaOp& op) { return op.entity == fresh; }));
  const auto in = [&](std::string_view name) {
    return *std::ranges::find_if(ops,
                                 [&](const DeltaOp& op) { return op.kind == Kind::insert && op.table == table(name); });
  };
  EXPECT_EQ(as<Position>(in("position").data).z, 3);
  std::array<std::byte, sizeof(Gauge)> gauge{};
  gauge[0] = std::byte{4};
  gauge[offsetof(Gauge, limit)] = std::byte{5};
  EXPECT_TRUE(std::ranges::equal(in("gauge").data, gauge)) << "as it lies, padding zero";
  EXPECT_TRUE(in("fixed").data.empty()) << "a tag";
  EXPECT_EQ(in("label").entity, c);
  EXPECT_EQ(text(in("label").data.subspan(sizeof(Entity) + 2)), "\x05seven") << "of, size, text: by their numbers";
}

TEST_F(DeltaTest, RemovesAndEndsAreTold) {
  const stoa::Delta delta = change([&](stoa::Transaction& tx) { tx.destroy(a).remove<Secret>(c); });
  const std::span<const DeltaOp> ops = delta.ops();
  ASSERT_EQ(ops.size(), 3U);
  EXPECT_EQ(ops[0].kind, Kind::delete_entity);
  EXPECT_EQ(ops[0].entity, a);
  EXPECT_EQ(ops[1].kind, Kind::remove);
  EXPECT_EQ(ops[1].table, table("secret"));
  EXPECT_EQ(ops[2].kind, Kind::update) << "the reference became null";
}

TEST_F(DeltaTest, BackwardIsTheInverse) {
  const stoa::Snapshot before = database.snapshot();
  (void)change([&](stoa::Transaction& tx) { tx.destroy(a).set<&Position::x>(b, 5.F).insert(tx.create(), Position{}); });
  const stoa::Delta back = stoa::diff(database.snapshot(), before);
  EXPECT_EQ(back.from(), 2U);
  EXPECT_EQ(back.to(), 1U);
  ASSERT_EQ(back.ops().size(), 6U);
  EXPECT_EQ(back.ops()[0].kind, Kind::delete_entity);
  EXPECT_EQ(back.ops()[1].kind, Kind::create_entity);
  EXPECT_EQ(back.ops()[1].entity, a);
  EXPECT_TRUE(stoa::diff(before, before).empty());
}

TEST_F(DeltaTest, AVisitorGetsTypedRows) {
  std::vector<std::pair<Entity, std::string>> labels;
  stoa::Delta::full(database.snapshot())
      .each<Label>([&](Entity entity, const Label& row) { labels.emplace_back(entity, row.text.str()); },
                   [](Entity, const stoa::RowUpdate<Label>&) { FAIL(); }, [](Entity) { FAIL(); });
  EXPECT_EQ(labels, (std::vector<std::pair<Entity, std::string>>{{b, "a label that is too long for a cell"}}));

  const stoa::Delta delta = change([&](stoa::Transaction& tx) {
    tx.set<&Position::y>(a, 8.F).destroy(b);
    tx.remove<Fixed>(c).insert(c, Position{3, 2, 1});
  });
  int calls = 0;
  delta.each<Position>(
      [&](Entity entity, const Position& row) {
        EXPECT_EQ(entity, c);
        EXPECT_EQ(row.x, 3);
        ++calls;
      },
      [&](Entity entity, const stoa::RowUpdate<Position>& update) {
        EXPECT_EQ(entity, a);
        EXPECT_TRUE(update.has<&Position::y>() && !update.has<&Position::x>() && !update.has<&Position::z>());
        EXPECT_EQ(update.get<&Position::y>(), 8);
        Position row{1, 2, 3};
        update.apply_to(row);
        EXPECT_TRUE(row.x == 1 && row.y == 8 && row.z == 3);
        ++calls;
      },
      [&](Entity entity) {
        EXPECT_EQ(entity, b);
        ++calls;
      });
  EXPECT_EQ(calls, 3);
  int tags = 0;
  delta.each<Fixed>([](Entity, const Fixed&) { FAIL(); }, [](Entity, const stoa::RowUpdate<Fixed>&) { FAIL(); },
                    [&](Entity entity) { tags += entity == b || entity == c ? 1 : 0; });
  EXPECT_EQ(tags, 2);
}

TEST_F(DeltaTest, ComesBackFromItsBytes) {
  const stoa::Delta delta = change([&](stoa::Transaction& tx) {
    tx.destroy(b).insert(a, Label{1, "another label that is long", a}).remove<Fixed>(c);
    tx.insert(tx.create(), Gauge{1, 2}).insert(a, Secret{42});
  });
  const std::vector<std::byte> bytes = delta.encode();
  EXPECT_EQ(delta.byte_size(), bytes.size());
  const auto decoded = stoa::Delta::decode(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(decoded->from(), delta.from());
  EXPECT_EQ(decoded->to(), delta.to());
  EXPECT_EQ(decoded->encode(), bytes);
  std::vector<DeltaOp> expected;
  std::ranges::copy_if(delta.ops(), std::back_inserter(expected),
                       [&](const DeltaOp& op) { return op.table != table("secret"); });
  ASSERT_EQ(decoded->ops().size(), expected.size());
  for (std::size_t i = 0; i != expected.size(); ++i) {
    const DeltaOp& op = decoded->ops()[i];
    EXPECT_TRUE(op.kind == expected[i].kind && op.table == expected[i].table && op.entity == expected[i].entity &&
                op.field_offset == expected[i].field_offset && std::ranges::equal(op.data, expected[i].data))
        << "operation " << i;
  }
  EXPECT_THROW(decoded->each<Gauge>([](auto&&...) {}, [](auto&&...) {}, [](auto&&...) {}), std::logic_error);
  const auto typed = stoa::Delta::decode(bytes, database.schema());
  ASSERT_TRUE(typed);
  int gauges = 0;
  typed->each<Gauge>([&](Entity, const Gauge& row) { gauges += static_cast<int>(row.limit); }, [](auto&&...) {},
                     [](auto&&...) {});
  EXPECT_EQ(gauges, 2);
  auto other = *stoa::Database::in_memory([] {
    stoa::Schema schema("other");
    schema.table<Gauge>("gauge");
    return schema;
  }());
  EXPECT_EQ(stoa::Delta::decode(bytes, other.schema()).error().code(), stoa::ErrorCode::schema_mismatch);
}

TEST_F(DeltaTest, EveryTruncationAndEveryFlippedBitIsRefused) {
  std::vector<std::byte> bytes = stoa::Delta::full(database.snapshot()).encode();
  ASSERT_TRUE(stoa::Delta::decode(bytes));
  for (std::size_t size = 0; size != bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const auto decoded = stoa::Delta::decode(cut);
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code(), stoa::ErrorCode::corrupt);
  }
  for (std::size_t bit = 0; bit != bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    ASSERT_FALSE(stoa::Delta::decode(bytes)) << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  bytes.push_back({});
  EXPECT_FALSE(stoa::Delta::decode(bytes)) << "something behind it";
}

TEST_F(DeltaTest, OfTwoDatabasesThereIsNone) {
  auto other = *stoa::Database::in_memory(make_schema());
  EXPECT_THROW((void)stoa::diff(database.snapshot(), other.snapshot()), std::logic_error);
}

}  // namespace
