// Several restores in one batch, asked for by as many threads.
#include "txn/testing/test_database.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

// A batch in which pages are let go, taken back, let go again and taken back from what this very batch retired.
TEST(RestorerConcurrent, SeveralInABatch) {
  TestDatabase db;
  (void)db.add_positions(3000);
  const auto restore = [&](const Snapshot& kept) {
    EXPECT_TRUE(db.engine.restore(detail::SnapshotAccess::root(kept)));
  };
  const Snapshot first = db.snapshot();
  ASSERT_TRUE(db.write([](Writer& writer) { writer.each<Position>([](Entity, Position& p) { p.y += 1; }); }));
  const Snapshot second = db.snapshot();
  std::vector<std::jthread> callers;
  const auto queue = [&](std::function<void()> call) {
    const std::uint64_t before = db.engine.counts().in_flight.count;
    callers.emplace_back(std::move(call));
    while (db.engine.counts().in_flight.count == before) std::this_thread::yield();
  };
  const auto shift = [&] {
    EXPECT_TRUE(db.write([](Writer& writer) { writer.each<Position>([](Entity, Position& p) { p.y += 3; }); }));
  };
  queue([&] { restore(first); });
  queue(shift);
  queue([&] { restore(second); });
  queue([&] { restore(first); });
  queue(shift);
  queue([&] { restore(second); });
  EXPECT_EQ(db.step(), 6U);
  callers.clear();
  EXPECT_EQ(db.snapshot().state_hash(), second.state_hash());
  db.expect_the_sink_tells_the_world();
}

}  // namespace
}  // namespace stoa::txn::test
