// Single operations on the write buffer: what they answer, record and take back.
#include "storage/write_buffer.h"

#include "storage/testing/properties.h"
#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::storage {
namespace {

using test::Active;
using test::Health;
using test::Label;
using test::Model;
using test::Name;
using test::Operation;
using test::Picture;
using test::picture_of;
using test::Position;
using test::Random;

class WriteBuffer : public testing::Test {
 protected:
  void SetUp() override { buffer_.begin(Root{}); }

  template <typename T>
  [[nodiscard]] TableId table() const {
    return world_.schema->table_of<T>();
  }
  template <typename T>
  [[nodiscard]] RowImage image(const T& row) const {
    return {table<T>(), reinterpret_cast<const std::byte*>(&row)};
  }
  template <typename T>
  [[nodiscard]] const T* find(Entity entity) const {
    return reinterpret_cast<const T*>(buffer_.find_row(table<T>(), entity));
  }
  [[nodiscard]] std::size_t count(Change::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(buffer_.changes().changes(), kind, &Change::kind));
  }
  /// Accepts what was done, and seals it.
  std::vector<Entity> next_root() {
    std::vector<Entity> ended;
    buffer_.accept(ended);
    sealed_ = buffer_.seal(sealed_.version + 1);
    buffer_.begin(sealed_);
    return ended;
  }
  static Name name(const std::string& name, const std::string& note = {}) {
    Name row;
    std::memset(static_cast<void*>(&row), 0, sizeof row);
    row.name = name;
    row.note = note;
    return row;
  }

  const detail::WorldInfo world_ = test::make_world();
  memory::PagePool pool_;
  storage::WriteBuffer buffer_{world_, pool_};
  Root sealed_;
  std::size_t during_ = 0;
  const Entity one_{0, 1};
  const Entity two_{1, 1};
};

TEST_F(WriteBuffer, RefusesWhatIsNotThere) {
  const Position row{1, 2, 3};
  EXPECT_EQ(buffer_.destroy(one_), Outcome::no_entity);
  EXPECT_EQ(buffer_.insert(one_, std::array{image(row)}), Outcome::no_entity);
  EXPECT_EQ(buffer_.update(table<Position>(), one_, image(row).bytes), Outcome::no_entity);
  ASSERT_EQ(buffer_.create(one_), Outcome::done);
  EXPECT_EQ(buffer_.update(table<Position>(), one_, image(row).bytes), Outcome::no_row);
  EXPECT_EQ(buffer_.remove(table<Position>(), one_), Outcome::no_row);
  EXPECT_EQ(buffer_.remove(table<Label>(), one_), Outcome::no_row);
  EXPECT_EQ(count(Change::Kind::create), 1U);
  EXPECT_EQ(buffer_.changes().changes().size(), 1U);
}

TEST_F(WriteBuffer, BeginsAnIdOnlyOnce) {
  ASSERT_EQ(buffer_.create(one_), Outcome::done);
  EXPECT_EQ(buffer_.create(one_), Outcome::no_entity);
  ASSERT_EQ(buffer_.destroy(one_), Outcome::done);
  EXPECT_EQ(buffer_.create(one_), Outcome::no_entity);
  EXPECT_EQ(buffer_.create({0, 2}), Outcome::done);
  EXPECT_EQ(next_root(), std::vector{one_});
  EXPECT_EQ(buffer_.root().slot_count, 1U);
  EXPECT_EQ(buffer_.root().entity_count, 1U);
}

TEST_F(WriteBuffer, InsertsAllRowsOrNone) {
  const Position position{1, 2, 3};
  const Health health{};
  ASSERT_EQ(buffer_.create(one_, std::array{image(health)}), Outcome::done);
  EXPECT_EQ(buffer_.insert(one_, std::array{image(position), image(health)}), Outcome::row_exists);
  EXPECT_EQ(find<Position>(one_), nullptr);
}

TEST_F(WriteBuffer, MovesAnEntityOnceForSeveralRows) {
  ASSERT_EQ(buffer_.create(one_), Outcome::done);
  const Position position{1, 2, 3};
  const Health health{};
  const Active active;
  ASSERT_EQ(buffer_.insert(one_, std::array{image(position), image(health), image(active)}), Outcome::done);
  EXPECT_EQ(count(Change::Kind::move), 1U);
  EXPECT_EQ(count(Change::Kind::insert), 3U);
  EXPECT_EQ(find<Position>(one_)->z, 3);
  EXPECT_NE(find<Active>(one_), nullptr);
}

TEST_F(WriteBuffer, RecordsNothingForAnEqualRow) {
  const std::string text(50, 'n');
  const std::string same = text;
  ASSERT_EQ(buffer_.create(one_, std::array{image(name(text, text))}), Outcome::done);
  next_root();
  const std::size_t used = pool_.bytes_in_use();
  EXPECT_EQ(buffer_.update(table<Name>(), one_, image(name(same, same)).bytes), Outcome::done);
  EXPECT_TRUE(buffer_.changes().empty());
  EXPECT_EQ(pool_.bytes_in_use(), used) << "no page is copied either";
}

TEST_F(WriteBuffer, KeepsTheBlobOfATextThatStays) {
  const std::string text(50, 'n');
  ASSERT_EQ(buffer_.create(one_, std::array{image(name(text, "short"))}), Outcome::done);
  next_root();
  const char* blob = find<Name>(one_)->name.view().data();
  EXPECT_NE(blob, text.data()) << "texts are copied";
  const std::string same = text;
  ASSERT_EQ(buffer_.update(table<Name>(), one_, image(name(same, "other")).bytes), Outcome::done);
  EXPECT_EQ(find<Name>(one_)->name.view().data(), blob);
  EXPECT_EQ(find<Name>(one_)->note, "other");
}

TEST_F(WriteBuffer, LeavesASealedRootAsItIs) {
  const std::string text(50, 'n');
  ASSERT_EQ(buffer_.create(one_, std::array{image(name(text))}), Outcome::done);
  ASSERT_EQ(buffer_.create(two_, std::array{image(name("two"))}), Outcome::done);
  next_root();
  const Root sealed = sealed_;
  const Picture before = picture_of(sealed);
  ASSERT_EQ(buffer_.destroy(one_), Outcome::done);
  ASSERT_EQ(buffer_.update(table<Name>(), two_, image(name("changed")).bytes), Outcome::done);
  ASSERT_EQ(buffer_.create({2, 1}, std::array{image(name("new"))}), Outcome::done);
  next_root();
  EXPECT_TRUE(picture_of(sealed) == before);
  EXPECT_EQ(reinterpret_cast<const Name*>(find_row(sealed, table<Name>(), one_))->name.view(), text);
}

TEST_F(WriteBuffer, GivesBackTheSlotsOfEntitiesThatItTakesBack) {
  ASSERT_EQ(buffer_.create(one_), Outcome::done);
  next_root();
  const Picture before = picture_of(buffer_.root());
  const auto create_and_take_back = [this](std::uint32_t (*index)(std::uint32_t)) {
    for (std::uint32_t i = 1; i != 26; ++i) ASSERT_EQ(buffer_.create(Entity{index(i), 1}), Outcome::done);
    during_ = pool_.bytes_in_use();
    buffer_.revert();
  };
  // The copies of what a transaction touches stay, and the room for rows. Those are made here.
  create_and_take_back([](std::uint32_t i) { return i; });
  const std::size_t used = pool_.bytes_in_use();
  create_and_take_back([](std::uint32_t i) { return (1U << i) + 1; });
  EXPECT_GT(during_, used + 20 * sizeof(detail::EntitySlot));
  EXPECT_TRUE(picture_of(buffer_.root()) == before);
  EXPECT_EQ(pool_.bytes_in_use(), used);
}

TEST_F(WriteBuffer, TakesBackAReplacedColumnThoughRowsCameAfter) {
  for (std::uint32_t i = 0; i != detail::chunk_rows_first; ++i) {
    ASSERT_EQ(buffer_.create({i, 1}, std::array{image(Position{double(i), 0, 0})}), Outcome::done);
  }
  next_root();
  const Picture before = picture_of(buffer_.root());
  const std::uint32_t archetype = find_alive(buffer_.root(), one_)->archetype - 1;
  std::memset(buffer_.replace_column(archetype, 0, table<Position>()), 0, sizeof(Position));
  ASSERT_EQ(buffer_.create({1000, 1}, std::array{image(Position{9, 9, 9})}), Outcome::done);
  ASSERT_EQ(buffer_.destroy(one_), Outcome::done);
  buffer_.revert();
  EXPECT_TRUE(picture_of(buffer_.root()) == before);
  ASSERT_EQ(buffer_.create({1000, 1}, std::array{image(Position{9, 9, 9})}), Outcome::done);
  EXPECT_EQ(find<Position>({1000, 1})->x, 9);
}

// In stretches of their slots' pages, in any order, over indices that are left out.
TEST_F(WriteBuffer, EntitiesThatBeginTogetherAreTakenBackTogether) {
  ASSERT_EQ(buffer_.create({2, 1}), Outcome::done);
  next_root();
  const Picture before = picture_of(buffer_.root());
  const std::vector<Entity> entities{{255, 1}, {256, 3},  {257, 1}, {258, 1}, {9, 1},
                                     {10, 2},  {1000, 1}, {8, 4},   {999, 1}};
  std::vector<Position> rows;
  for (const Entity entity : entities) rows.push_back({static_cast<float>(entity.index()), 0, 0});
  const RowImage image{table<Position>(), reinterpret_cast<const std::byte*>(rows.data())};
  for (int again = 0; again != 2; ++again) {
    ASSERT_EQ(buffer_.create(entities, {&image, 1}), Outcome::done);
    EXPECT_EQ(buffer_.root().slot_count, 1001U);
    EXPECT_EQ(buffer_.root().entity_count, 1 + entities.size());
    for (const Entity entity : entities) {
      const auto* row = find<Position>(entity);
      ASSERT_NE(row, nullptr);
      EXPECT_EQ(row->x, static_cast<float>(entity.index()));
    }
    for (const auto wrong : {Entity(257, 2), Entity(9, 1), Entity(10, 1)}) {
      EXPECT_EQ(buffer_.create(std::vector<Entity>{{20, 1}, {21, 1}, wrong}), Outcome::no_entity) << wrong.index();
    }
    if (detail::chunk_row_bits_max > 1) {  // else some are in a chunk before
      EXPECT_FALSE(buffer_.alive({20, 1})) << "one that was not to begin keeps those before it from it";
    }
    buffer_.revert();
    EXPECT_EQ(buffer_.root().slot_count, 3U);
    EXPECT_EQ(picture_of(buffer_.root()), before);
  }
}

TEST_F(WriteBuffer, WhatIsNeverTakenBackIsNotRecorded) {
  const std::string text(100, 'n');
  const Name note = name("a", text);
  const RowImage rows = image(note);
  ASSERT_EQ(buffer_.create({1, 1}, {&rows, 1}), Outcome::done);
  next_root();
  buffer_.changes().suspend();
  ASSERT_EQ(buffer_.create(std::vector<Entity>{{2, 1}, {3, 1}}), Outcome::done);
  ASSERT_EQ(buffer_.insert({2, 1}, {&rows, 1}), Outcome::done);
  EXPECT_TRUE(buffer_.changes().empty());
  ASSERT_EQ(buffer_.destroy({1, 1}), Outcome::done);
  buffer_.changes().resume();
  EXPECT_EQ(next_root(), (std::vector<Entity>{{1, 1}})) << "accept() looks for those that ended";
  ASSERT_EQ(buffer_.destroy({2, 1}), Outcome::done);
  buffer_.revert();
  EXPECT_TRUE(buffer_.alive({2, 1}));
  EXPECT_TRUE(buffer_.alive({3, 1}));
  EXPECT_FALSE(buffer_.alive({1, 1}));
  ASSERT_NE(find<Name>({2, 1}), nullptr);
  EXPECT_EQ(find<Name>({2, 1})->note, note.note);
}

}  // namespace
}  // namespace stoa::storage
