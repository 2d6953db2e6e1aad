// The difference of two roots: applied to the one it gives the other, and it names what differs and nothing else. The
// roots are of random histories, with pages shared in every way that these leave behind.
#include "delta/root_diff.h"

#include "delta/replay.h"
#include "memory/page_pool.h"
#include "storage/testing/session.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace stoa::delta {
namespace {

using storage::test::Model;
using storage::test::Random;
using storage::test::Session;

// What a difference says: of rows that change not which of their fields.
using Said = std::set<std::tuple<RunCode, TableId, Entity>>;

Said said_by(const std::vector<std::byte>& body, const schema::TableBytes& bytes) {
  Said out;
  RunReader reader(body, bytes);
  while (const delta::Run* run = reader.next()) {
    EntityCursor entities(*run);
    for (std::uint64_t left = run->count; left != 0; --left) {
      const Entity entity = entities.next();
      if (run->code == RunCode::floors) continue;
      const bool begins = run->code == RunCode::create || run->code == RunCode::revive;
      if (begins) out.emplace(RunCode::create, no_table, entity);
      if (run->code == RunCode::destroy) out.emplace(RunCode::destroy, no_table, entity);
      for (TableId table : run->tables) out.emplace(begins ? RunCode::insert : run->code, table, entity);
    }
  }
  EXPECT_EQ(reader.wrong(), nullptr);
  return out;
}

Said difference_of(const Model& before, const Model& after) {
  Said out;
  for (const auto& [entity, rows] : before.entities()) {
    const auto now = after.entities().find(entity);
    if (now == after.entities().end()) {
      out.emplace(RunCode::destroy, no_table, entity);
      continue;
    }
    for (const auto& [table, row] : rows) {
      if (!now->second.contains(table)) out.emplace(RunCode::remove, table, entity);
    }
  }
  for (const auto& [entity, rows] : after.entities()) {
    const auto was = before.entities().find(entity);
    if (was == before.entities().end()) out.emplace(RunCode::create, no_table, entity);
    for (const auto& [table, row] : rows) {
      const bool had = was != before.entities().end() && was->second.contains(table);
      if (!had) out.emplace(RunCode::insert, table, entity);
      if (had && !(was->second.at(table) == row)) out.emplace(RunCode::update, table, entity);
    }
  }
  return out;
}

class RootDiffTest : public ::testing::Test {
 protected:
  std::vector<std::byte> diff(const detail::Root& from, const detail::Root& to) {
    std::vector<std::byte> out;
    runs_.clear();
    diff_roots(from, to, runs_);
    const std::size_t logged = runs_.finish(out);
    EXPECT_EQ(logged, out.size()) << "all tables are logged";
    return out;
  }
  /// A world of its own that is as `root` is.
  struct Replica {
    explicit Replica(const detail::WorldInfo& world) : buffer(world, pool) { buffer.begin(detail::Root{}); }
    memory::PagePool pool;
    storage::WriteBuffer buffer;
  };
  void apply(const std::vector<std::byte>& body, Replica& replica, const Model& expected, const detail::Root& to) {
    const auto applied = replay_.apply(body, replica.buffer);
    ASSERT_TRUE(applied) << applied.error().message();
    std::vector<Entity> ended;
    replica.buffer.accept(ended);
    ASSERT_EQ(difference(replica.buffer.root(), expected), "");
    for (std::uint32_t index = 0; index != to.slot_count; ++index) {
      ASSERT_GE(generation_floor(replica.buffer.root(), index), generation_floor(to, index)) << "of index " << index;
    }
  }
  void advance() {
    for (std::uint64_t left = random_.between(1, 3); left != 0; --left) session_.transaction(random_.chance(15));
    if (random_.chance(4)) session_.destroy_all();
    session_.commit();
  }

  Random random_{storage::test::test_seed()};
  Session session_{random_};
  const detail::WorldInfo& world_ = session_.manager().world();
  RunWriter runs_{world_};
  Replay replay_{world_};
};

TEST_F(RootDiffTest, LeadsFromAnyRootToAnyOtherAndSaysNoMore) {
  for (int round = 0; round != 60 && !HasFailure(); ++round) {
    advance();
    session_.hold();
    if (session_.held_count() > 6) session_.release(random_.below(session_.held_count() - 1));
    for (int pair = 0; pair != 3 && !HasFailure(); ++pair) {
      const std::size_t from = random_.below(session_.held_count());
      const std::size_t to = random_.below(session_.held_count());
      Replica replica(world_);
      apply(diff(detail::Root{}, session_.held_root(from)), replica, session_.held_model(from),
            session_.held_root(from));
      const std::vector<std::byte> body = diff(session_.held_root(from), session_.held_root(to));
      EXPECT_EQ(said_by(body, *world_.bytes), difference_of(session_.held_model(from), session_.held_model(to)));
      EXPECT_TRUE(from != to || body.empty());
      apply(body, replica, session_.held_model(to), session_.held_root(to));
    }
  }
}

TEST_F(RootDiffTest, OneAfterTheOtherKeepsAReplica) {
  Replica replica(world_);
  session_.commit();
  session_.hold();
  for (int round = 0; round != 200 && !HasFailure(); ++round) {
    advance();
    session_.hold();
    apply(diff(session_.held_root(0), session_.held_root(1)), replica, session_.held_model(1), session_.held_root(1));
    session_.release(0);
  }
  EXPECT_GT(session_.reused_count(), 0U);
}

// As no database gets by itself, which gives no index out again while somebody may restore the one who had it; but a
// replica takes such a delta, and what is told of it then must be right as well.
TEST_F(RootDiffTest, TellsOfAnEntityThatIsBelowTheFloorOfItsIndex) {
  Replica origin(world_);
  const Entity entity(3, 1);
  origin.buffer.raise_floors({3, 2}, 1);
  ASSERT_EQ(origin.buffer.revive({&entity, 1}, {}), storage::Outcome::done);
  Replica copy(world_);
  const auto applied = replay_.apply(diff(detail::Root{}, origin.buffer.root()), copy.buffer);
  ASSERT_TRUE(applied) << applied.error().message();
  EXPECT_TRUE(copy.buffer.alive(entity));
  EXPECT_EQ(generation_floor(copy.buffer.root(), 3), 2U);
}

TEST_F(RootDiffTest, GoesBackFromEntitiesThatBeganInAPageThatBothHave) {
  const Entity first(0, 1);
  const Entity second(1, 1);
  Replica origin(world_);
  ASSERT_EQ(origin.buffer.create(first), storage::Outcome::done);
  std::vector<Entity> ended;
  origin.buffer.accept(ended);
  const detail::Root older = origin.buffer.seal(1);
  origin.buffer.begin(older);
  ASSERT_EQ(origin.buffer.create(second), storage::Outcome::done);
  ASSERT_EQ(find_page(older.slots, 0), find_page(origin.buffer.root().slots, 0)) << "the page is not copied";
  EXPECT_EQ(find_slot(older, second.index()), nullptr);

  Replica copy(world_);
  ASSERT_TRUE(replay_.apply(diff(detail::Root{}, origin.buffer.root()), copy.buffer));
  ASSERT_TRUE(copy.buffer.alive(second));
  ASSERT_TRUE(replay_.apply(diff(origin.buffer.root(), older), copy.buffer));
  EXPECT_TRUE(copy.buffer.alive(first));
  EXPECT_FALSE(copy.buffer.alive(second));
}

}  // namespace
}  // namespace stoa::delta
