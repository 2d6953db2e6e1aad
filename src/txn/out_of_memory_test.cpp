// Once the sink has a transaction's delta it stands: nothing after that may fail for want of memory.
#include "base/testing/no_memory.h"
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdio>
#include <map>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

TEST(OutOfMemory, FailsNoTransactionThatTheSinkHas) {
  TestDatabase db(stepped(), false);
  const std::vector<Entity> entities = db.add_positions(100);
  Transaction transaction = db.begin();
  for (Entity entity : entities) transaction.destroy(entity);
  CommitTicket ticket = std::move(transaction).submit();
  db.sink.open.reserve(1);
  db.sink.batches.reserve(2);
  db.sink.on_add = [](Version) -> ScriptedSink::Answer {
    stoa::test::no_memory = true;
    return {};
  };
  db.sink.on_commit = []() -> ScriptedSink::Answer {
    stoa::test::no_memory = false;
    return {};
  };
  db.step();
  stoa::test::no_memory = false;
  ASSERT_TRUE(ticket.get()) << ticket.get().error().message();
  EXPECT_EQ(version_of(ticket.get()), 2U);
  EXPECT_EQ(db.sink.batches.back().front().version, 2U);
  EXPECT_EQ(db.snapshot().count<>(), 0U);
}

// What ran out in the middle of an operation may be half done, so no catch in the function can save the transaction.
TEST(OutOfMemory, FailsAWriteFunctionThatCatchesIt) {
  TestDatabase db(stepped(), false);
  const std::vector<Entity> entities = db.add_positions(2000);
  const storage::test::Picture before = db.picture();
  bool caught = false;
  const auto answer = db.write([&](Writer& writer) {
    const stoa::test::NoMemory no_memory;
    try {
      for (int round = 9; round < 100; ++round) {
        for (Entity entity : entities) writer.set<&Position::y>(entity, static_cast<float>(round));
      }
    } catch (const std::bad_alloc&) {
      caught = true;
    }
  });
  EXPECT_TRUE(caught) << "the test tests nothing";
  EXPECT_EQ(code_of(answer), ErrorCode::out_of_memory);
  EXPECT_TRUE(db.unpublished_picture() == before);
}

// Rows that were begun and not filled must not be seen: their texts would be anybody's.
TEST(OutOfMemory, ShowsAWriteFunctionNothingThatIsHalfDone) {
  TestDatabase db(stepped(), false,
                  memory::PoolOptions{.slab_bytes_first = std::size_t{1} << 20U,
                                      .spare_bytes = std::size_t{16} << 20U,
                                      .bytes_max = std::size_t{1} << 20U});
  const std::vector<Entity> entities = db.add_positions(10);
  const storage::test::Picture before = db.picture();
  const std::string text(10'000, 'x');
  std::vector<Name> names(300, Name{text, 1});
  std::vector<std::string> texts;
  for (std::size_t i = 0; i != names.size(); ++i) texts.push_back(std::to_string(i) + text);
  for (std::size_t i = 0; i != names.size(); ++i) names[i].name = texts[i];
  bool reached = false;
  const auto answer = db.write([&](Writer& writer) {
    const std::vector<Entity> many = writer.create(names.size());
    writer.insert(many, std::span<const Name>(names));
    EXPECT_THROW((void)writer.alive(many[0]), std::bad_alloc) << "here the rows are made";
    EXPECT_THROW((void)writer.get<Name>(many.back()), std::bad_alloc);
    EXPECT_THROW(writer.each<const Name>([](Entity, const Name&) { ADD_FAILURE() << "seen"; }), std::bad_alloc);
    writer.set<&Position::y>(entities[0], 5);
    EXPECT_FALSE(writer.create());
    reached = true;
  });
  EXPECT_TRUE(reached);
  EXPECT_EQ(code_of(answer), ErrorCode::out_of_memory);
  EXPECT_TRUE(db.unpublished_picture() == before);
}

/// A pool that ends, and three transactions of one batch, the second of which needs more: it first empties chunks that
/// snapshots see, so that taking it back needs pages.
class PoolThatEnds : public ::testing::TestWithParam<std::size_t> {
 protected:
  CommitTicket submit(Entity entity, bool giant) {
    Transaction transaction = db_.begin();
    transaction.set<&Position::y>(entity, 9);
    if (giant) {
      for (Entity each : entities_) transaction.destroy(each);
      const std::string text(1000, 'x');
      for (std::size_t i = 0; i != pool_bytes / text.size(); ++i) {
        transaction.insert(transaction.create(), Name{text, 0});
      }
    }
    return std::move(transaction).submit();
  }

  static constexpr std::size_t pool_bytes = std::size_t{1} << 20U;
  static Options without_history() {
    Options options = stepped();
    options.history_bytes_max = 0;  // with tiny pages the pool has no room for one beside the rows
    return options;
  }
  TestDatabase db_{
      without_history(), false,
      memory::PoolOptions{.slab_bytes_first = pool_bytes, .spare_bytes = GetParam(), .bytes_max = pool_bytes}};
  const std::vector<Entity> entities_ = db_.add_positions(5000);
  const storage::test::Picture before_ = db_.picture();
  CommitTicket first_ = submit(entities_[0], false);
  CommitTicket giant_ = submit(entities_[0], true);
  CommitTicket last_ = submit(entities_[1], false);
};

using PoolThatEndsAndHasSomethingSpare = PoolThatEnds;
TEST_P(PoolThatEndsAndHasSomethingSpare, FailsTheTransactionAndNothingElse) {
  db_.step();
  EXPECT_EQ(code_of(giant_.get()), ErrorCode::out_of_memory);
  EXPECT_EQ(version_of(first_.get()), 2U);
  EXPECT_EQ(version_of(last_.get()), 3U);
  const Snapshot now = db_.snapshot();
  EXPECT_EQ(now.count<Position>(), entities_.size());
  EXPECT_EQ(now.get<Position>(entities_[0])->y, 9);
  EXPECT_EQ(now.get<Position>(entities_[1])->y, 9);
}
INSTANTIATE_TEST_SUITE_P(Pool, PoolThatEndsAndHasSomethingSpare, ::testing::Values(std::size_t{16} << 20U));

// Without it the batch is lost, and with it the writer; what was committed before stays as it is, for readers.
using PoolThatEndsForGood = PoolThatEnds;
TEST_P(PoolThatEndsForGood, EndsAllWritesAndNoReads) {
  db_.step();
  EXPECT_EQ(code_of(first_.get()), ErrorCode::unknown_outcome);
  EXPECT_EQ(code_of(giant_.get()), ErrorCode::out_of_memory);
  EXPECT_EQ(code_of(last_.get()), ErrorCode::read_only);
  EXPECT_TRUE(db_.picture() == before_);
  EXPECT_EQ(db_.version(), 1U);
}
INSTANTIATE_TEST_SUITE_P(Pool, PoolThatEndsForGood, ::testing::Values(std::size_t{0}));

// --- At every allocation ------------------------------------------------------------------------------------------

/// What a world holds and in which order, whatever its texts' addresses and its archetypes' numbers.
struct Contents {
  std::array<std::uint64_t, 2> state_hash{};
  std::map<std::vector<TableId>, std::vector<Entity>> rows;  ///< by the archetype's tables
  friend bool operator==(const Contents&, const Contents&) = default;
};

/// Three transactions of one batch, of every kind of operation: two lists, and a function.
class ThreeTransactions {
 public:
  using Done = std::bitset<3>;

  explicit ThreeTransactions(const memory::PoolOptions& pool = {}) : db_(stepped(), true, pool) {
    Transaction transaction = db_.begin();
    entities_ = transaction.create(40);
    for (Entity entity : entities_) transaction.insert(entity, Position{1, 0}).insert(entity, Velocity{1, 1});
    for (int i = 0; i != 3; ++i) transaction.insert(entities_[at(i)], Name{long_text(i), i});
    for (Entity wheel : {entities_[10], entities_[11]}) transaction.insert(wheel, Wheel{entities_[0]});
    if (!std::move(transaction).commit()) throw std::bad_alloc();
  }

  /// What each came to. Those that are to fail do as the rules say, with all their work done.
  Done run(Done to_fail = {}) {
    std::array<std::optional<CommitTicket>, 2> tickets{submit_first(to_fail[0]), submit_second(to_fail[1])};
    std::optional<std::expected<Commit, Error>> answer;
    try {
      answer = write_third(to_fail[2]);
    } catch (const std::bad_alloc&) {
      answer = std::unexpected(Error::out_of_memory());
    }
    return finish(tickets, *answer);
  }
  /// As run(), where the writer has no memory after some allocations.
  Done run_out(std::size_t before, stoa::test::FailingAllocation::How how, bool& happened) {
    std::array<std::optional<CommitTicket>, 2> tickets{submit_first(false), submit_second(false)};
    std::expected<Commit, Error> answer = std::unexpected(Error::out_of_memory());
    {
      const stoa::test::FailingAllocation failing(before, how);
      try {
        answer = write_third(false);
      } catch (const std::bad_alloc&) {
        // It was not even queued.
      }
      happened = failing.happened();
    }
    return finish(tickets, answer);
  }

  Contents contents() {
    const Snapshot snapshot = db_.snapshot();
    const detail::Root& root = detail::SnapshotAccess::root(snapshot);
    Contents out{.state_hash = snapshot.state_hash(), .rows = {}};
    std::uint32_t number = 0;
    for (const detail::ChunkStore* store; (store = detail::next_archetype(root, number)) != nullptr; ++number) {
      auto& rows = out.rows[{store->shape->tables.begin(), store->shape->tables.end()}];
      for (std::uint32_t row = 0; row != store->rows; ++row) rows.push_back(store->entity(row));
    }
    std::erase_if(out.rows, [](const auto& archetype) { return archetype.second.empty(); });
    return out;
  }
  /// What comes later finds a sound world, and the log tells it all.
  void expect_to_go_on() {
    Transaction transaction = db_.begin();
    for (Entity entity : transaction.create(30)) transaction.insert(entity, Position{1, 2}).insert(entity, Mass{3});
    EXPECT_TRUE(std::move(transaction).commit());
    db_.expect_the_sink_tells_the_world();
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static std::string long_text(int i) { return std::string(100, static_cast<char>('a' + i)); }

  CommitTicket submit_first(bool fails) {
    Transaction transaction = db_.begin();
    transaction.set<&Position::x>(entities_[5], 50).set<&Name::name>(entities_[2], Text(long_text(20)));
    return submit(std::move(transaction), fails);
  }
  CommitTicket submit_second(bool fails) {
    Transaction transaction = db_.begin();
    for (Entity entity : transaction.create(40)) transaction.insert(entity, Mass{1}).insert(entity, Selected{});
    transaction.insert(transaction.create(), Name{long_text(9), 9});
    transaction.destroy(entities_[0]).remove<Velocity>(entities_[3]).insert(entities_[4], Active{});
    transaction.insert(entities_[5], Name{long_text(10), 10}).set<&Name::name>(entities_[1], Text(long_text(11)));
    return submit(std::move(transaction), fails);
  }
  CommitTicket submit(Transaction transaction, bool fails) {
    if (fails) transaction.insert(entities_[7], Position{});
    return std::move(transaction).submit();
  }
  std::expected<Commit, Error> write_third(bool fails) {
    return db_.write([&](Writer& writer) {
      writer.each<Position, Velocity>([&](Entity entity, Position& position, const Velocity& velocity) {
        position.x += velocity.dx;
        if (entity.index() % 3 == 0) writer.insert(writer.create(), Mass{2}).insert(entity, Active{});
      });
      writer.destroy(entities_[6]).set<&Name::rank>(entities_[2], 30).insert(entities_[8], Selected{});
      if (fails) writer.insert(entities_[7], Position{});
    });
  }
  Done finish(std::array<std::optional<CommitTicket>, 2>& tickets, const std::expected<Commit, Error>& answer) {
    db_.step();
    Done out;
    for (std::size_t i = 0; i != 2; ++i) out[i] = is_done(tickets[i]->get());
    out[2] = is_done(answer);
    return out;
  }
  static bool is_done(const std::expected<Commit, Error>& answer) {
    if (answer) return true;
    const ErrorCode code = answer.error().code();
    EXPECT_TRUE(code == ErrorCode::out_of_memory || code == ErrorCode::already_exists) << answer.error().message();
    return false;
  }

  TestDatabase db_;
  std::vector<Entity> entities_;
};

/// The world where some of them were done.
class Expected {
 public:
  const Contents& operator()(ThreeTransactions::Done done) {
    auto& known = known_[done.to_ulong()];
    if (!known) {
      ThreeTransactions world;
      EXPECT_EQ(world.run(~done), done);
      known = world.contents();
    }
    return *known;
  }

 private:
  std::map<unsigned long, std::optional<Contents>> known_;
};

class AtEveryAllocation : public ::testing::TestWithParam<stoa::test::FailingAllocation::How> {};
TEST_P(AtEveryAllocation, OfTheHeapEachTransactionIsDoneOrNotAndTheRestGoesOn) {
  Expected expected;
  std::map<unsigned long, int> seen;
  for (std::size_t before = 0;; ++before) {
    ThreeTransactions world;
    bool happened = false;
    const auto done = world.run_out(before, GetParam(), happened);
    EXPECT_TRUE(world.contents() == expected(done)) << "after " << before << " allocations, done: " << done;
    world.expect_to_go_on();
    if (HasFailure()) FAIL() << "after " << before << " allocations";
    ++seen[done.to_ulong()];
    if (!happened) break;
  }
  EXPECT_GE(seen.size(), 4U) << "each of them failed, and none";
  for (const auto& [done, times] : seen) std::printf("done %lu: %d times\n", done, times);
}
INSTANTIATE_TEST_SUITE_P(OutOfMemory, AtEveryAllocation,
                         ::testing::Values(stoa::test::FailingAllocation::How::once,
                                           stoa::test::FailingAllocation::How::from_then_on),
                         [](const auto& name) {
                           return name.param == stoa::test::FailingAllocation::How::once ? "Once" : "FromThenOn";
                         });

TEST(OutOfMemory, AtEveryPageEachTransactionIsDoneOrNotAndTheRestGoesOn) {
  Expected expected;
  std::map<unsigned long, int> seen;
  for (std::size_t bytes = std::size_t{4} << 10U;; bytes += 64) {
    std::optional<ThreeTransactions> world;
    try {
      world.emplace(
          memory::PoolOptions{.slab_bytes_first = bytes, .spare_bytes = std::size_t{1} << 20U, .bytes_max = bytes});
    } catch (const std::bad_alloc&) {
      continue;  // not even the world before
    }
    const auto done = world->run();
    EXPECT_TRUE(world->contents() == expected(done)) << "with " << bytes << " bytes, done: " << done;
    if (HasFailure()) FAIL() << "with " << bytes << " bytes";
    ++seen[done.to_ulong()];
    if (done.all()) break;
  }
  EXPECT_GE(seen.size(), 3U);
  for (const auto& [done, times] : seen) std::printf("done %lu: %d times\n", done, times);
}

}  // namespace
}  // namespace stoa::txn::test
