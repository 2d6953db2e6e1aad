// What the indexes of a schema are, and by which value a row stands in one.
#include "storage/index_value.h"

#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace stoa::storage {
namespace {

using detail::IndexInfo;

struct Numbers {
  std::int8_t small;
  std::uint16_t plain;
  std::int64_t wide;
  float single;
  double twice;
  Entity reference;
  Text text;
};
BOOST_DESCRIBE_STRUCT(Numbers, (), (small, plain, wide, single, twice, reference, text))

class IndexValue : public testing::Test {
 protected:
  static detail::WorldInfo make_world() {
    Schema schema("numbers");
    schema.table<Numbers>("numbers")
        .unique<&Numbers::small>()
        .unique<&Numbers::plain>()
        .unique<&Numbers::wide>()
        .unique<&Numbers::single>()
        .unique<&Numbers::twice>()
        .reference<&Numbers::reference>()
        .unique<&Numbers::text>()
        .unique<&Numbers::reference, &Numbers::text>();
    auto compiled = schema.compile();
    return test::make_world(compiled.value());
  }

  [[nodiscard]] const IndexInfo& index_of(std::string_view field) const {
    const FieldId number = world_.schema->model().tables[0].find(field)->number;
    return *std::ranges::find_if(world_.indexes,
                                 [&](const IndexInfo& index) { return index.fields == std::vector{number}; });
  }
  [[nodiscard]] const IndexInfo& compound() const {
    return *std::ranges::find_if(world_.indexes, [](const IndexInfo& index) { return index.fields.size() == 2; });
  }
  static Numbers zero() {
    Numbers row;
    std::memset(static_cast<void*>(&row), 0, sizeof row);
    return row;
  }
  [[nodiscard]] std::optional<std::uint64_t> value(const IndexInfo& index, const Numbers& row) const {
    const auto key = index_key(world_, index, {}, reinterpret_cast<const std::byte*>(&row));
    return key ? std::optional(key->value) : std::nullopt;
  }
  [[nodiscard]] bool same(const IndexInfo& index, const Numbers& a, const Numbers& b) const {
    return same_in_index(world_, index, reinterpret_cast<const std::byte*>(&a), reinterpret_cast<const std::byte*>(&b));
  }

  template <auto Member, typename T>
  void expect_ascending(std::string_view field, const std::vector<T>& values) {
    std::optional<std::uint64_t> before;
    for (T each : values) {
      Numbers row = zero();
      row.*Member = each;
      const auto now = value(index_of(field), row);
      ASSERT_TRUE(now.has_value());
      if (before) {
        EXPECT_LT(*before, *now) << field << " " << +each;
      }
      before = now;
    }
  }

  const detail::WorldInfo world_ = make_world();
};

TEST_F(IndexValue, IsAscendingAsTheNumbersAre) {
  expect_ascending<&Numbers::small>("small", std::vector<std::int8_t>{-128, -1, 0, 1, 127});
  expect_ascending<&Numbers::plain>("plain", std::vector<std::uint16_t>{0, 1, 0x7FFF, 0x8000, 0xFFFF});
  expect_ascending<&Numbers::wide>("wide", std::vector<std::int64_t>{INT64_MIN, -5, 0, 5, INT64_MAX});
  expect_ascending<&Numbers::single>("single",
                                     std::vector<float>{-1e30F, -1.5F, -1e-30F, -0.0F, 0, 1e-30F, 1.5F, 1e30F});
  expect_ascending<&Numbers::twice>("twice", std::vector<double>{-1e300, -1.5, 0, 1e-300, 1.5, 1e300});
}

TEST_F(IndexValue, IsNoneWhereAReferenceIsNull) {
  Numbers row = zero();
  row.text = "a";
  EXPECT_EQ(value(index_of("reference"), row), std::nullopt);
  EXPECT_EQ(value(compound(), row), std::nullopt);
  row.reference = Entity(0, 1);
  EXPECT_EQ(value(index_of("reference"), row), detail::entity_rank(row.reference));
  EXPECT_TRUE(value(compound(), row).has_value());
}

TEST_F(IndexValue, TakesTextsByContent) {
  const std::string one(40, 'x');
  const std::string other = one;
  Numbers a = zero();
  Numbers b = zero();
  a.text = one;
  b.text = other;
  EXPECT_EQ(value(index_of("text"), a), value(index_of("text"), b));
  EXPECT_TRUE(same(index_of("text"), a, b));
  b.text = "y";
  EXPECT_NE(value(index_of("text"), a), value(index_of("text"), b));
  EXPECT_FALSE(same(index_of("text"), a, b));
}

TEST_F(IndexValue, OfSeveralFieldsNeedsThemAllToAgree) {
  Numbers a = zero();
  a.reference = Entity(1, 1);
  a.text = "gate";
  Numbers b = a;
  EXPECT_TRUE(same(compound(), a, b));
  b.wide = 3;
  EXPECT_EQ(value(compound(), a), value(compound(), b)) << "other fields have no say";
  b.reference = Entity(2, 1);
  EXPECT_NE(value(compound(), a), value(compound(), b));
  EXPECT_FALSE(same(compound(), a, b));
}

TEST(DeriveIndexes, GivesOneToEachReferenceKeyUniqueRuleAndOrder) {
  const auto schema = test::make_schema();
  std::vector<std::string> found;
  for (const IndexInfo& index : derive_indexes(schema->model())) {
    std::string name = schema->model().table(index.table).name;
    for (FieldId field : index.fields) name += "." + schema->model().table(index.table).field(field).name;
    constexpr std::array kinds{" unique", " reference", " ordered"};
    constexpr std::array forms{" number", " hash", " text"};
    found.push_back(name + kinds[static_cast<std::size_t>(index.kind)] + forms[static_cast<std::size_t>(index.form)]);
  }
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{"docked.port reference number", "docked.port.gate unique hash",
                                             "follows.leader reference number", "label.number unique number",
                                             "label.text ordered text", "name.name unique hash",
                                             "name.note ordered text", "name.rank ordered number"}));
}

}  // namespace
}  // namespace stoa::storage
