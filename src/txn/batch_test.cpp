// Batches and answers: what one step commits, what a failure leaves alone, what tickets say, and how it all ends.
#include "txn/copy_bound.h"
#include "txn/testing/test_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

CommitTicket submit_mass(TestDatabase& db, Entity entity, double kg) {
  Transaction transaction = db.begin();
  transaction.upsert(entity, Mass{kg});
  return std::move(transaction).submit();
}

std::vector<std::size_t> batch_sizes(const TestDatabase& db) {
  std::vector<std::size_t> out;
  for (const ScriptedSink::Batch& batch : db.sink.batches) out.push_back(batch.size());
  return out;
}

TEST(Batch, IsAllThatIsQueuedAtAStep) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  std::vector<CommitTicket> tickets;
  for (int i = 1; i <= 5; ++i) tickets.push_back(submit_mass(db, entity, i));
  EXPECT_FALSE(tickets[0].wait_for({}));
  EXPECT_EQ(db.version(), 1U);
  EXPECT_EQ(db.step(), 5U);
  EXPECT_TRUE(tickets[4].wait_for({}));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(version_of(tickets[i].get()), i + 2);
  EXPECT_THAT(batch_sizes(db), ElementsAre(1, 5));
  EXPECT_EQ(db.engine.counts().batches, 2U);
  EXPECT_EQ(db.engine.counts().commits, 6U);
  EXPECT_EQ(db.snapshot().get<Mass>(entity)->kg, 5);
  EXPECT_EQ(db.step(), 0U);
}

TEST(Batch, HoldsSoManyAtMost) {
  for (const auto& [batch_max, sizes] :
       {std::pair(std::size_t{2}, std::vector<std::size_t>{1, 2, 2, 1}),
        std::pair(std::size_t{1}, std::vector<std::size_t>{1, 1, 1, 1, 1, 1}),
        std::pair(std::size_t{0}, std::vector<std::size_t>{1, 1, 1, 1, 1, 1}),
        std::pair(std::numeric_limits<std::size_t>::max(), std::vector<std::size_t>{1, 5})}) {
    Options options = stepped();
    options.batch_transactions_max = batch_max;
    TestDatabase db(options);
    const Entity entity = db.add_positions(1)[0];
    std::vector<CommitTicket> tickets;
    for (int i = 1; i <= 5; ++i) tickets.push_back(submit_mass(db, entity, i));
    EXPECT_EQ(db.step(), 5U);
    EXPECT_EQ(version_of(tickets[4].get()), 6U);
    EXPECT_EQ(batch_sizes(db), sizes) << "batches of " << batch_max;
  }
}

// One update of a row in each chunk, or all in one, queued together.
std::vector<std::size_t> sizes_of_updates(bool of_one_chunk, bool wants_large, std::chrono::milliseconds delay = {}) {
  Options options = stepped();
  options.batch_transactions_max = 1'000'000;
  options.in_flight_transactions_max = 1'000'000;
  options.batch_delay = delay;
  TestDatabase db(options);
  db.sink.wants_large = wants_large;
  constexpr std::size_t copied = 3 * CopyBound::bytes_max;
  const std::vector<Entity> entities = db.add_positions(copied / sizeof(Position));
  const detail::Root& root = db.buffers.write_buffer().root();
  const std::uint32_t archetype = detail::find_alive(root, entities[0])->archetype - 1;
  const std::size_t apart = detail::archetype_at(root, archetype).shape->chunk_rows();
  std::vector<CommitTicket> tickets;
  const std::size_t updates_max = of_one_chunk ? 1000 : entities.size();  // deltas that are kept take memory, too
  for (std::size_t i = 0; i < entities.size() && tickets.size() != updates_max; i += apart) {
    Transaction transaction = db.begin();
    transaction.update(entities[of_one_chunk ? 0 : i], Position{-1, static_cast<double>(i)});
    tickets.push_back(std::move(transaction).submit());
  }
  EXPECT_EQ(db.step(), tickets.size());
  for (std::size_t i = 0; i != tickets.size(); ++i) EXPECT_EQ(version_of(tickets[i].get()), i + 2);
  std::vector<std::size_t> sizes = batch_sizes(db);
  sizes.erase(sizes.begin());  // the rows'
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), tickets.size());
  return sizes;
}

TEST(Batch, EndsOnceItsTransactionsHaveCopiedMuchAndShareLittle) {
  EXPECT_GE(sizes_of_updates(false, false).size(), 2U);
  EXPECT_EQ(sizes_of_updates(true, false).size(), 1U);
  EXPECT_EQ(sizes_of_updates(false, true).size(), 1U) << "where the sink costs more";
  EXPECT_EQ(sizes_of_updates(false, false, 1ms).size(), 1U) << "where company is wanted";
}

TEST(CopyBound, IsReachedWhereMuchWasCopiedAndAsMuchAsAtFirst) {
  constexpr std::uint64_t page = CopyBound::bytes_max / 64;
  const auto reached_after = [](auto&& copied_by) {
    CopyBound bound;
    std::uint64_t copied = 1234;
    for (std::uint64_t i = 0; i != 1000; ++i) {
      copied += copied_by(i);
      if (bound.is_reached(copied)) return i + 1;
    }
    return std::uint64_t{0};
  };
  constexpr std::uint64_t group = CopyBound::transactions_at_once;
  EXPECT_EQ(reached_after([](std::uint64_t) { return page; }), group + 64);
  EXPECT_EQ(reached_after([](std::uint64_t) { return 64 * page; }), 3 * group) << "no sooner";
  EXPECT_EQ(reached_after([](std::uint64_t i) { return i == 0 ? 1000 * page : page; }), group + 64) << "what all need";
  EXPECT_EQ(reached_after([](std::uint64_t i) { return i < 2 * group ? 100 * page : 0; }), 0U) << "they share";
  EXPECT_EQ(reached_after([](std::uint64_t i) { return i < group ? 100 * page : 0; }), 0U);
  EXPECT_EQ(reached_after([](std::uint64_t) { return 0U; }), 0U);
}

TEST(Batch, IsCutShortByTheStepAndTheRestIsKeptInOrder) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  std::vector<CommitTicket> tickets;
  for (int i = 1; i <= 3; ++i) tickets.push_back(submit_mass(db, entity, i));
  EXPECT_EQ(db.step(2), 2U);
  EXPECT_EQ(db.snapshot().get<Mass>(entity)->kg, 2);
  EXPECT_FALSE(tickets[2].wait_for({}));
  tickets.push_back(submit_mass(db, entity, 4));
  EXPECT_EQ(db.step(), 2U);
  EXPECT_EQ(version_of(tickets[2].get()), 4U);
  EXPECT_EQ(version_of(tickets[3].get()), 5U);
  EXPECT_EQ(db.snapshot().get<Mass>(entity)->kg, 4);
}

TEST(Batch, ShowsATransactionWhatThoseBeforeItDid) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  CommitTicket first = submit_mass(db, entity, 5);
  Transaction second = db.begin();
  second.set<&Mass::kg>(entity, 6).insert(entity, Active{});
  CommitTicket ticket = std::move(second).submit();
  const auto third = db.write([&](Writer& writer) {
    EXPECT_EQ(writer.get<Mass>(entity)->kg, 6);
    writer.destroy(entity);
  });
  EXPECT_EQ(version_of(third), 4U);
  EXPECT_EQ(db.engine.counts().batches, 2U);
  EXPECT_FALSE(db.snapshot().alive(entity));
}

// --- Failures in the middle ---------------------------------------------------------------------------------------

struct BadTransaction {
  const char* name;
  ErrorCode code;
  void (*record)(Transaction& transaction, const std::vector<Entity>& entities);
};

class FailureInABatch : public ::testing::TestWithParam<BadTransaction> {
 protected:
  // Two good transactions, and between them the bad one or nothing.
  static storage::test::Picture run(const BadTransaction* bad, std::vector<ScriptedSink::Batch>& batches) {
    TestDatabase db;
    const std::vector<Entity> entities = db.add_positions(10);
    submit_mass(db, entities[0], 1).get().value();
    Transaction named = db.begin();
    named.insert(entities[9], Name{"taken", 1});
    EXPECT_TRUE(std::move(named).commit());
    CommitTicket first = submit_mass(db, entities[1], 1);
    std::optional<CommitTicket> middle;
    if (bad != nullptr) {
      Transaction transaction = db.begin();
      transaction.insert(transaction.create(), Position{});  // what can be done, before what cannot
      transaction.remove<Mass>(entities[0]).destroy(entities[2]).set<&Position::x>(entities[3], 9);
      bad->record(transaction, entities);
      middle = std::move(transaction).submit();
    }
    CommitTicket last = submit_mass(db, entities[4], 1);
    db.step();
    EXPECT_EQ(version_of(first.get()), 4U);
    EXPECT_EQ(version_of(last.get()), 5U);
    if (bad != nullptr) {
      EXPECT_EQ(code_of(middle->get()), bad->code);
      EXPECT_EQ(db.engine.counts().failures, 1U);
    }
    batches = db.sink.batches;
    return db.picture();
  }
};

INSTANTIATE_TEST_SUITE_P(
    Batch, FailureInABatch,
    ::testing::Values(BadTransaction{"NoRow", ErrorCode::not_found, [](auto& tx, auto& e) { tx.update(e[5], Mass{}); }},
                      BadTransaction{"NoEntity", ErrorCode::not_found, [](auto& tx, auto& e) { tx.destroy(e[2]); }},
                      BadTransaction{"RowExists", ErrorCode::already_exists,
                                     [](auto& tx, auto& e) { tx.insert(e[5], Position{}); }},
                      BadTransaction{"UniqueTaken", ErrorCode::constraint_violation,
                                     [](auto& tx, auto& e) {
                                       tx.insert(e[5], Name{"taken", 2});
                                     }},
                      BadTransaction{"ReferenceToNothing", ErrorCode::constraint_violation,
                                     [](auto& tx, auto& e) { tx.insert(e[5], Wheel{e[2]}); }},
                      BadTransaction{"UnknownTable", ErrorCode::not_found,
                                     [](auto& tx, auto& e) { tx.insert("nonsense", e[5], {}); }},
                      BadTransaction{"DeadlinePassed", ErrorCode::timeout,
                                     [](auto& tx, auto&) { tx.deadline(std::chrono::nanoseconds(-1)); }}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_P(FailureInABatch, LeavesTheOthersAloneAndNoHoleInTheVersions) {
  std::vector<ScriptedSink::Batch> with;
  std::vector<ScriptedSink::Batch> without;
  EXPECT_TRUE(run(&GetParam(), with) == run(nullptr, without));
  EXPECT_TRUE(with == without);
}

// --- Ids of what never happened -----------------------------------------------------------------------------------

// Ways to get ids that no commit begins.
struct Waste {
  const char* name;
  std::vector<Entity> (*waste)(TestDatabase& db);
};

constexpr std::size_t wasted = 100;

class WastedIds : public ::testing::TestWithParam<Waste> {};
INSTANTIATE_TEST_SUITE_P(Batch, WastedIds,
                         ::testing::Values(Waste{"Dropped", [](TestDatabase& db) { return db.begin().create(wasted); }},
                                           Waste{"Failed",
                                                 [](TestDatabase& db) {
                                                   Transaction transaction = db.begin();
                                                   auto out = transaction.create(wasted);
                                                   transaction.destroy(Entity(100'000, 1));
                                                   EXPECT_EQ(code_of(std::move(transaction).commit()),
                                                             ErrorCode::not_found);
                                                   return out;
                                                 }},
                                           Waste{"WithoutEffect",
                                                 [](TestDatabase& db) {
                                                   Transaction transaction = db.begin();
                                                   auto out = transaction.create(wasted);
                                                   for (Entity entity : out) transaction.destroy(entity);
                                                   EXPECT_EQ(version_of(std::move(transaction).commit()), db.version());
                                                   return out;
                                                 }},
                                           Waste{"FailedFunction",
                                                 [](TestDatabase& db) {
                                                   std::vector<Entity> out;
                                                   const auto answer =
                                                       db.write([&](Writer& writer) -> std::expected<void, Error> {
                                                         out = writer.create(wasted);
                                                         return std::unexpected(Error::invalid("no"));
                                                       });
                                                   EXPECT_EQ(code_of(answer), ErrorCode::invalid_argument);
                                                   return out;
                                                 }}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(WastedIds, AreNeverGivenOutAgainAndTheirIndicesAre) {
  TestDatabase db;
  std::set<Entity> given;
  std::uint32_t index_max = 0;
  for (int round = 0; round < 5; ++round) {
    for (Entity entity : GetParam().waste(db)) {
      EXPECT_TRUE(given.insert(entity).second);
      index_max = std::max(index_max, entity.index());
    }
    EXPECT_TRUE(given.insert(db.add_positions(1)[0]).second);  // indices come back with what is published
  }
  EXPECT_EQ(given.size(), 5 * (wasted + 1));
  EXPECT_LT(index_max, 2 * wasted);
}

// --- Tickets ------------------------------------------------------------------------------------------------------

TEST(Ticket, MayBeDroppedBeforeAndAfterTheAnswer) {
  TestDatabase db;  // looks in the end whether all transactions came home
  const Entity entity = db.add_positions(1)[0];
  { const CommitTicket early = submit_mass(db, entity, 1); }
  {
    const CommitTicket late = submit_mass(db, entity, 2);
    EXPECT_EQ(db.step(), 2U);
  }
  EXPECT_EQ(db.version(), 3U);
  EXPECT_EQ(db.snapshot().get<Mass>(entity)->kg, 2);
}

TEST(Ticket, StepsTheWriterOfItsOwnThread) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  CommitTicket first = submit_mass(db, entity, 1);
  CommitTicket second = submit_mass(db, entity, 2);
  EXPECT_EQ(version_of(second.get()), 3U);
  EXPECT_TRUE(first.wait_for({}));
  EXPECT_EQ(version_of(first.get()), 2U);
  EXPECT_EQ(version_of(first.get()), 2U) << "asked again";
}

TEST(Ticket, ThrowsWhenItWasMovedFrom) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  Transaction transaction = db.begin();
  CommitTicket ticket = std::move(transaction).submit();
  EXPECT_THROW(transaction.destroy(entity), std::logic_error);  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_THROW((void)std::move(transaction).submit(), std::logic_error);
  CommitTicket other = std::move(ticket);
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  EXPECT_THROW((void)ticket.get(), std::logic_error);
  EXPECT_THROW((void)ticket.wait_for(1s), std::logic_error);
  EXPECT_THROW(ticket.then([](const auto&) {}), std::logic_error);
  EXPECT_THROW((void)ticket.operator co_await().await_ready(), std::logic_error);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(version_of(other.get()), 1U);
}

// --- The end ------------------------------------------------------------------------------------------------------

TEST(Close, CommitsWhatIsQueuedAndAnswersClosedFromThenOn) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  std::vector<CommitTicket> queued;
  for (int i = 1; i <= 3; ++i) queued.push_back(submit_mass(db, entity, i));
  Transaction begun = db.begin();
  begun.insert(entity, Active{});
  Transaction never_submitted = db.begin();
  never_submitted.insert(never_submitted.create(), Active{});
  ASSERT_TRUE(db.engine.close());

  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(queued[i].wait_for({}));
    EXPECT_EQ(version_of(queued[i].get()), i + 2);
  }
  EXPECT_EQ(db.sink.flush_calls, 1U);
  EXPECT_EQ(code_of(std::move(begun).commit()), ErrorCode::closed);
  EXPECT_EQ(code_of(db.write([](Writer&) { FAIL() << "called"; })), ErrorCode::closed);
  EXPECT_EQ(code_of(db.engine.flush()), ErrorCode::closed);
  EXPECT_EQ(db.step(), 0U);
  EXPECT_EQ(db.version(), 4U);
  EXPECT_EQ(db.snapshot().get<Mass>(entity)->kg, 3);
  EXPECT_TRUE(db.engine.close()) << "again";
  EXPECT_EQ(db.sink.flush_calls, 1U);
}

TEST(Close, ReportsAFlushThatFails) {
  TestDatabase db;
  const Entity entity = db.add_positions(1)[0];
  CommitTicket queued = submit_mass(db, entity, 1);
  db.sink.on_flush = [] { return std::unexpected(Error(ErrorCode::io, "the disk is gone")); };
  EXPECT_EQ(code_of(db.engine.close()), ErrorCode::io);
  EXPECT_EQ(version_of(queued.get()), 2U) << "it was visible";
  EXPECT_EQ(code_of(db.engine.close()), ErrorCode::io) << "again";
}

}  // namespace
}  // namespace stoa::txn::test
