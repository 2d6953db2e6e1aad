// Entities that begin, or end, together leave the world that they would leave one by one.
#include "txn/alike_entities.h"

#include "base/testing/seed.h"
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace stoa::txn::test {
namespace {

enum class Kind : std::uint8_t { position, velocity, mass, name, active, selected };
constexpr std::size_t kind_count = 6;

struct Step {
  std::size_t entity;  // of those that the script begins
  bool begins;
  std::vector<Kind> rows;
};

class AlikeEntitiesTest : public ::testing::Test {
 protected:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  // Most entities are like the one before; now and then an earlier one gets a row.
  std::vector<Step> script(std::size_t seldom) {
    std::vector<Step> out;
    std::vector<std::vector<Kind>> has;
    std::vector<Kind> kinds;
    for (std::size_t steps = below(300); steps != 0; --steps) {
      if (out.empty() || below(seldom) == 0) kinds = some_kinds();
      out.push_back({has.size(), true, kinds});
      has.push_back(kinds);
      const std::size_t earlier = below(has.size());
      const auto kind = static_cast<Kind>(below(kind_count));
      if (below(seldom) != 0 || std::ranges::count(has[earlier], kind) != 0) continue;
      out.push_back({earlier, false, {kind}});
      has[earlier].push_back(kind);
    }
    return out;
  }

  static void insert(Transaction& tx, Entity entity, std::size_t number, Kind kind) {
    const auto value = static_cast<double>(number);
    switch (kind) {
      case Kind::position: tx.insert(entity, Position{value, -value}); break;
      case Kind::velocity: tx.insert(entity, Velocity{value + 0.5, 1}); break;
      case Kind::mass: tx.insert(entity, Mass{value}); break;
      case Kind::name: {
        const std::string name = "entity " + std::to_string(number) + std::string(number % 30, '.');
        tx.insert(entity, Name{name, static_cast<std::int64_t>(number)});
        break;
      }
      case Kind::active: tx.insert(entity, Active{}); break;
      case Kind::selected: tx.insert(entity, Selected{}); break;
    }
  }

  static void write(Transaction& tx, const Step& step, std::vector<Entity>& entities) {
    if (step.begins) entities.push_back(tx.create());
    for (const Kind kind : step.rows) insert(tx, entities[step.entity], step.entity, kind);
  }

  // About a third, or all, in any order.
  std::vector<Entity> some_of(const std::vector<Entity>& entities) {
    const bool all = below(4) == 0;
    std::vector<Entity> out;
    std::ranges::copy_if(entities, std::back_inserter(out), [&](Entity) { return all || below(3) == 0; });
    std::ranges::shuffle(out, random_);
    return out;
  }

  // All entities, archetype by archetype, as they lie there.
  static std::vector<Entity> in_order(TestDatabase& db) {
    std::vector<Entity> out;
    const detail::Root& root = db.buffers.write_buffer().root();
    std::uint32_t number = 0;
    for (const detail::ChunkStore* store; (store = next_archetype(root, number)) != nullptr; ++number) {
      for (std::uint32_t row = 0; row != store->rows; ++row) out.push_back(store->entity(row));
    }
    return out;
  }

 private:
  std::vector<Kind> some_kinds() {
    std::vector<Kind> out;
    for (std::size_t kind = 0; kind != kind_count; ++kind) {
      if (below(3) == 0) out.push_back(static_cast<Kind>(kind));
    }
    std::ranges::shuffle(out, random_);
    return out;
  }

  std::mt19937_64 random_{stoa::test::test_seed()};
};

TEST_F(AlikeEntitiesTest, GiveTheSameWorldAsOneByOne) {
  for (int round = 0; round != 60; ++round) {
    TestDatabase together;
    TestDatabase one_by_one;
    const std::vector<Step> steps = script(round % 2 == 0 ? 10 : 300);
    std::vector<Entity> its;
    Transaction all = together.begin();
    for (const Step& step : steps) write(all, step, its);
    CommitTicket done = std::move(all).submit();
    together.step();
    ASSERT_TRUE(done.get());
    std::vector<Entity> others;
    for (const Step& step : steps) {
      Transaction one = one_by_one.begin();
      write(one, step, others);
      CommitTicket ticket = std::move(one).submit();
      one_by_one.step();
      ASSERT_TRUE(ticket.get());
    }
    ASSERT_EQ(its, others);
    ASSERT_EQ(together.snapshot().state_hash(), one_by_one.snapshot().state_hash());
    together.expect_the_sink_tells_the_world();
  }
}

TEST_F(AlikeEntitiesTest, EndTogetherAsOneByOne) {
  for (int round = 0; round != 60; ++round) {
    const std::vector<Step> steps = script(round % 2 == 0 ? 10 : 300);
    TestDatabase together;
    TestDatabase one_by_one;
    std::vector<Entity> its;
    for (TestDatabase* db : {&together, &one_by_one}) {
      its.clear();
      Transaction begin = db->begin();
      for (const Step& step : steps) write(begin, step, its);
      ASSERT_TRUE(std::move(begin).commit());
    }
    const storage::test::Picture before = together.picture();
    const std::vector<Entity> ending = some_of(its);
    const auto loses_a_row = std::ranges::find_if(its, [&](Entity entity) {
      return std::ranges::count(ending, entity) == 0 && together.snapshot().has<Selected>(entity);
    });
    Transaction all = together.begin();
    if (loses_a_row != its.end()) all.remove<Selected>(*loses_a_row);
    for (const Entity entity : ending) all.destroy(entity);
    if (!ending.empty()) {
      Transaction twice = together.begin();
      for (const Entity entity : ending) twice.destroy(entity);
      twice.destroy(ending[below(ending.size())]);
      EXPECT_EQ(code_of(std::move(twice).commit()), ErrorCode::not_found);
      ASSERT_TRUE(together.unpublished_picture() == before) << "taken back in the order of the rows";
    }
    ASSERT_TRUE(std::move(all).commit());
    if (loses_a_row != its.end()) {
      Transaction one = one_by_one.begin();
      one.remove<Selected>(*loses_a_row);
      ASSERT_TRUE(std::move(one).commit());
    }
    for (const Entity entity : ending) {
      Transaction one = one_by_one.begin();
      one.destroy(entity);
      ASSERT_TRUE(std::move(one).commit());
    }
    EXPECT_EQ(together.snapshot().state_hash(), one_by_one.snapshot().state_hash());
    ASSERT_EQ(in_order(together), in_order(one_by_one));
    together.expect_the_sink_tells_the_world();
  }
}

TEST_F(AlikeEntitiesTest, AreSoManyAtOnceAsTheirRowsHaveRoom) {
  TestDatabase db;
  const detail::WorldInfo& world = db.buffers.world();
  const TableId table = world.schema->model().find("position")->number;
  OpBuffer ops;
  const Position row{1, 2};
  for (std::uint32_t i = 0; i != 200; ++i) {
    ops.push({.kind = WriteOp::Kind::create, .entity = {i, 1}});
    ops.push({.kind = WriteOp::Kind::insert, .table = table, .entity = {i, 1}},
             reinterpret_cast<const std::byte*>(&row), sizeof row, {}, 0);
  }
  OpBuffer::Reader reader(ops);
  std::vector<std::size_t> counts;
  while (const WriteOp* op = reader.next()) {
    ASSERT_EQ(op->kind, WriteOp::Kind::create);
    EntityRun run;
    run.gather(reader, OpBuffer::entities(*op));
    ASSERT_EQ(run.rows().size(), 1U);
    counts.push_back(AlikeEntities(world, *op, run, reader).entities().size());
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{64, 64, 64, 8}));
}

}  // namespace
}  // namespace stoa::txn::test
