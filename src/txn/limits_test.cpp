// Deadlines, and what may be in flight, with a writer that the test steps.
#include "txn/apply_operations.h"
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using namespace std::chrono_literals;

// --- Deadlines ----------------------------------------------------------------------------------------------------

class Deadline : public ::testing::Test {
 protected:
  CommitTicket submit(std::chrono::nanoseconds from_now) {
    Transaction transaction = db_.begin();
    transaction.set<&Position::y>(entity_, 9).insert(transaction.create(), Active{}).deadline(from_now);
    return std::move(transaction).submit();
  }

  TestDatabase db_;
  const Entity entity_ = db_.add_positions(1)[0];
};

TEST_F(Deadline, PassesInTheQueue) {
  const storage::test::Picture before = db_.picture();
  CommitTicket late = submit(1ms);
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(code_of(late.get()), ErrorCode::timeout);
  EXPECT_EQ(code_of(submit(0ns).get()), ErrorCode::timeout);
  EXPECT_EQ(code_of(submit(std::chrono::nanoseconds::min()).get()), ErrorCode::timeout);
  EXPECT_TRUE(db_.picture() == before);
  EXPECT_TRUE(db_.unpublished_picture() == before);
}

TEST_F(Deadline, DoesNotMatterToWhoIsInTime) {
  EXPECT_EQ(version_of(submit(1h).get()), 2U);
  EXPECT_EQ(version_of(submit(std::chrono::nanoseconds::max()).get()), 3U) << "too far away to be told";
}

TEST_F(Deadline, IsOfOneTransaction) {
  EXPECT_EQ(code_of(submit(-1ns).get()), ErrorCode::timeout);
  Transaction next = db_.begin();  // reuses the memory of the one before
  next.set<&Position::y>(entity_, 9);
  EXPECT_EQ(version_of(std::move(next).commit()), 2U);
}

TEST_F(Deadline, IsLookedAtBetweenOperations) {
  constexpr std::size_t before_first_look = 64;
  storage::WriteBuffer& buffer = db_.buffers.write_buffer();
  const TableId table = buffer.world().schema->table_of<Position>();
  const FieldModel& x = *buffer.world().model(table).find("x");
  const auto passed = std::chrono::steady_clock::now() - 1s;
  OpBuffer ops;
  double value = 0;
  const auto push = [&] {
    value += 10;
    ops.push({.kind = WriteOp::Kind::set_field, .table = table, .field = x.number, .entity = entity_},
             reinterpret_cast<const std::byte*>(&value), sizeof value, {}, 0);
  };
  while (ops.count() < before_first_look - 1) push();
  EXPECT_TRUE(apply_operations(ops, buffer, passed)) << "not worth a look at the clock";
  push();
  push();
  EXPECT_EQ(code_of(apply_operations(ops, buffer, passed)), ErrorCode::timeout);
  const auto* row = reinterpret_cast<const Position*>(buffer.find_row(table, entity_));
  EXPECT_EQ(row->x, 10.0 * before_first_look) << "it stops where it looked";
  buffer.revert();
}

// --- In flight ----------------------------------------------------------------------------------------------------

CommitTicket submit_name(TestDatabase& db, std::size_t bytes) {
  static int number = 0;
  const std::string name = std::to_string(++number) + std::string(bytes, '.');
  Transaction transaction = db.begin();
  transaction.insert(transaction.create(), Name{name, 0});
  return std::move(transaction).submit();
}

TEST(InFlight, IsAtMostSoManyTransactions) {
  Options options = stepped();
  options.in_flight_transactions_max = 3;
  TestDatabase db(options);
  std::vector<CommitTicket> tickets;
  for (int i = 0; i < 3; ++i) tickets.push_back(submit_name(db, 0));
  EXPECT_EQ(db.engine.counts().in_flight.count, 3U);
  EXPECT_FALSE(tickets[0].wait_for({}));
  tickets.push_back(submit_name(db, 0));  // who is the writer makes room, instead of waiting for himself
  EXPECT_TRUE(tickets[0].wait_for({}));
  EXPECT_FALSE(tickets[1].wait_for({}));
  EXPECT_EQ(db.engine.counts().in_flight.count, 3U);
  EXPECT_EQ(db.step(), 3U);
  EXPECT_EQ(version_of(tickets[3].get()), 4U);
  EXPECT_EQ(db.engine.counts().in_flight.count, 0U);
  EXPECT_EQ(db.engine.counts().in_flight.bytes, 0U);
}

TEST(InFlight, IsAtMostSoManyBytes) {
  Options options = stepped();
  options.in_flight_bytes_max = 10'000;
  TestDatabase db(options);
  std::vector<CommitTicket> tickets;
  for (int i = 0; i < 2; ++i) tickets.push_back(submit_name(db, 4'000));
  EXPECT_GT(db.engine.counts().in_flight.bytes, 8'000U);
  EXPECT_EQ(db.version(), 0U);
  tickets.push_back(submit_name(db, 4'000));
  EXPECT_EQ(db.version(), 1U);
  tickets.push_back(submit_name(db, 50'000));  // more than the bound: enters when it is alone
  EXPECT_EQ(db.version(), 3U);
  EXPECT_EQ(db.engine.counts().in_flight.count, 1U);
  EXPECT_GT(db.engine.counts().in_flight.bytes, 50'000U);
  EXPECT_EQ(version_of(tickets[3].get()), 4U);
  EXPECT_EQ(db.engine.counts().in_flight.bytes, 0U);
}

TEST(InFlight, CountsWhatFailsAndNotWhatIsDropped) {
  Options options = stepped();
  options.in_flight_transactions_max = 2;
  TestDatabase db(options);
  for (int i = 0; i < 5; ++i) {
    Transaction dropped = db.begin();
    (void)dropped.create();
  }
  EXPECT_EQ(db.engine.counts().in_flight.count, 0U);
  Transaction impossible = db.begin();
  impossible.destroy(Entity(1000, 1));
  CommitTicket ticket = std::move(impossible).submit();
  EXPECT_EQ(db.engine.counts().in_flight.count, 1U);
  db.step();
  EXPECT_EQ(code_of(ticket.get()), ErrorCode::not_found);
  EXPECT_EQ(db.engine.counts().in_flight.count, 0U);
  EXPECT_EQ(db.engine.counts().failures, 1U) << "the dropped ones were never asked for";
}

TEST(InFlight, LetsOneInWhateverTheBounds) {
  Options options = stepped();
  options.in_flight_transactions_max = 0;
  options.in_flight_bytes_max = 0;
  TestDatabase db(options);
  CommitTicket first = submit_name(db, 100);
  CommitTicket second = submit_name(db, 100);
  EXPECT_EQ(version_of(first.get()), 1U);
  EXPECT_EQ(version_of(second.get()), 2U);
}

}  // namespace
}  // namespace stoa::txn::test
