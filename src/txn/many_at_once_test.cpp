// Entities and rows by the many: the same world as one by one, in the same order, however it ends.
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using namespace std::chrono_literals;
using storage::test::Picture;

/// What each of many gets. The texts are too long for their cells.
struct Rows {
  explicit Rows(std::size_t count) : texts(count) {
    for (std::size_t i = 0; i != count; ++i) {
      texts[i] = "a name that is too long for a cell, number " + std::to_string(i);
      positions.push_back({static_cast<double>(i), 1});
      names.push_back({texts[i], 1});
    }
  }
  std::vector<std::string> texts;
  std::vector<Position> positions;
  std::vector<Name> names;
  std::vector<Active> active = std::vector<Active>(texts.size());
  std::vector<Selected> selected = std::vector<Selected>(texts.size());
};

/// The entities as they lie, with what they have.
std::vector<std::tuple<Entity, double, std::string>> in_order(TestDatabase& db) {
  std::vector<std::tuple<Entity, double, std::string>> out;
  db.snapshot().each<Position, Name, Active, Selected>(
      [&](Entity entity, const Position& position, const Name& name, const Active&, const Selected&) {
        out.emplace_back(entity, position.x, name.name.view());
      });
  return out;
}

class ManyAtOnce : public testing::TestWithParam<std::size_t> {
 protected:
  template <typename Target>
  std::vector<Entity> create_many(Target& target) {
    const std::vector<Entity> entities = target.create(rows_.texts.size());
    target.insert(entities, rows_.positions).insert(entities, rows_.selected);
    target.insert(entities, rows_.names).insert(entities, rows_.active);
    return entities;
  }
  template <typename Target>
  void create_one_by_one(Target& target) {
    for (std::size_t i = 0; i != rows_.texts.size(); ++i) {
      const Entity entity = target.create();
      target.insert(entity, rows_.positions[i]).insert(entity, rows_.selected[i]);
      target.insert(entity, rows_.names[i]).insert(entity, rows_.active[i]);
    }
  }

  Rows rows_{GetParam()};
};

TEST_P(ManyAtOnce, IsTheSameWorldAsOneByOne) {
  TestDatabase many;
  TestDatabase single;
  Transaction tx = many.begin();
  create_many(tx);
  ASSERT_TRUE(std::move(tx).commit());
  Transaction other = single.begin();
  create_one_by_one(other);
  ASSERT_TRUE(std::move(other).commit());
  EXPECT_EQ(in_order(many), in_order(single));
  EXPECT_EQ(many.snapshot().state_hash(), single.snapshot().state_hash());
  EXPECT_EQ((many.snapshot().count<Position, Name, Active, Selected>()), GetParam());
  many.expect_the_sink_tells_the_world();
}

TEST_P(ManyAtOnce, IsTheSameForAWriteFunction) {
  TestDatabase many;
  TestDatabase single;
  ASSERT_TRUE(many.write([&](Writer& writer) { create_many(writer); }));
  ASSERT_TRUE(single.write([&](Writer& writer) { create_one_by_one(writer); }));
  EXPECT_EQ(many.snapshot().state_hash(), single.snapshot().state_hash());
}

TEST_P(ManyAtOnce, LeavesNothingWhereTheLastRowIsRefused) {
  if (GetParam() == 0) return;
  TestDatabase db;
  Transaction first = db.begin();
  first.insert(first.create(), Name{rows_.texts.back(), 0});
  ASSERT_TRUE(std::move(first).commit());
  const Picture before = db.picture();
  Transaction tx = db.begin();
  const std::vector<Entity> burnt = create_many(tx);
  EXPECT_EQ(code_of(std::move(tx).commit()), ErrorCode::constraint_violation);
  EXPECT_TRUE(db.unpublished_picture() == before);
  Transaction next = db.begin();
  for (Entity entity : next.create(2 * GetParam())) {
    EXPECT_EQ(std::count(burnt.begin(), burnt.end(), entity), 0) << "an id that failed is given out again";
  }
}

TEST_P(ManyAtOnce, NamesTheEntityThatHasARowAlready) {
  if (GetParam() == 0) return;
  TestDatabase db;
  const std::vector<Entity> entities = db.add_positions(GetParam());
  Transaction tx = db.begin();
  tx.remove<Position>(entities[0]).insert(entities, rows_.positions);
  const auto answer = std::move(tx).commit();
  if (GetParam() == 1) {
    EXPECT_TRUE(answer) << "it had lost it";
    return;
  }
  ASSERT_EQ(code_of(answer), ErrorCode::already_exists);
  const std::string second = "entity " + std::to_string(entities[1].index()) + ":";
  EXPECT_NE(answer.error().message().find(second), std::string::npos) << answer.error().message();
}

INSTANTIATE_TEST_SUITE_P(Counts, ManyAtOnce,
                         testing::Values(0, 1, 2, detail::chunk_rows_first + 1,
                                         (1U << detail::chunk_row_bits_max) * 2 + 1));

TEST(ManyAtOnceLimits, IsStoppedByADeadlineInTheMiddle) {
  TestDatabase db;
  const Picture before = db.picture();
  constexpr std::size_t count = 100'000;
  const std::vector<Position> rows(count);
  Transaction tx = db.begin();
  tx.insert(tx.create(count), rows).deadline(200us);  // it takes some milliseconds
  EXPECT_EQ(code_of(std::move(tx).commit()), ErrorCode::timeout);
  EXPECT_TRUE(db.unpublished_picture() == before);
}

TEST(ManyAtOnceLimits, HasNoIndexBeyond32Bits) {
  TestDatabase db;
  storage::WriteBuffer& buffer = db.buffers.write_buffer();
  const Entity last(storage::EntityAllocator::index_max, 1);
  ASSERT_EQ(buffer.create(last), storage::Outcome::done);
  std::vector<Entity> ended;
  buffer.accept(ended);
  db.buffers.resume_entities();  // as if a log had told of it
  // What lies free below it comes as the writer offers it, some thousands for a commit. Fresh ones there are none.
  Transaction tx = db.begin();
  const std::vector<Entity> entities = tx.create(100'000);
  EXPECT_TRUE(entities.front());
  EXPECT_FALSE(entities.back());
  const auto answer = std::move(tx).commit();
  ASSERT_EQ(code_of(answer), ErrorCode::too_large);
  EXPECT_EQ(answer.error().message(), "all 2^32 entity indices are in use");
  Transaction next = db.begin();
  EXPECT_TRUE(next.create()) << "those that failed are offered again";
  EXPECT_TRUE(std::move(next).commit());
}

TEST(ManyAtOnceLimits, RefusesRowsThatAreFewerThanTheEntities) {
  TestDatabase db;
  Transaction tx = db.begin();
  const std::vector<Entity> entities = tx.create(3);
  EXPECT_THROW(tx.insert(entities, std::vector<Position>(2)), std::logic_error);
}

// Rows of one entity are inserted together; the error still names the one that is in the way.
TEST(ManyAtOnce, NamesTheTableWhoseRowIsThere) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  Transaction transaction = db.begin();
  transaction.insert(entity, Velocity{1, 2}).insert(entity, Position{3, 4}).insert(entity, Mass{5});
  const auto answer = std::move(transaction).commit();
  ASSERT_EQ(code_of(answer), ErrorCode::already_exists);
  EXPECT_NE(answer.error().message().find("insert position: entity 0:1"), std::string::npos)
      << answer.error().message();
}

}  // namespace
}  // namespace stoa::txn::test
