// Random transactions on the whole database, against plain maps. STOA_TEST_SEED replays a run and STOA_TEST_ROUNDS
// makes it longer.
#include "session.h"

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

namespace stoa::test {
namespace {

void run(std::uint64_t seed, std::uint64_t rounds, const SessionOptions& how) {
  seed = test_seed(seed);
  std::cout << "STOA_TEST_SEED=" << seed << "\n";
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  Session session(seed, how);
  session.run(test_rounds(rounds));
}

Options options(WriterMode writer, Durability durability = Durability::none()) {
  Options out;
  out.writer = writer;
  out.durability = durability;
  out.segment_bytes_max = 16 * 1024;  // so that a run writes several
  return out;
}

TEST(Model, AWorldInMemoryThatIsSteppedIsThePlainMaps) { run(1, 1000, {options(WriterMode::manual), false}); }

TEST(Model, SnapshotsStayAsTheyAreOverThousandsOfCommits) {
  SessionOptions seldom_compared{options(WriterMode::manual), false};
  seldom_compared.compare_every = 20;
  run(10, 3000, seldom_compared);
}

TEST(Model, AWorldInMemoryWithSmallBatchesIsThePlainMaps) {
  SessionOptions small{options(WriterMode::manual), false};
  small.options.batch_transactions_max = 2;
  small.options.in_flight_transactions_max = 3;
  run(2, 800, small);
}

TEST(Model, AWorldInMemoryWithAWriterThreadIsThePlainMaps) { run(3, 800, {options(WriterMode::thread), false}); }

TEST(Model, AFolderThatIsNeverSyncedHoldsAfterClosing) { run(4, 800, {options(WriterMode::manual), true}); }

TEST(Model, AFolderThatIsSyncedNowAndThenHoldsAfterClosing) {
  run(5, 800, {options(WriterMode::thread, Durability::async(std::chrono::milliseconds(5))), true});
}

TEST(Model, AFolderThatIsSyncedAlwaysHoldsAfterClosing) {
  run(6, 500, {options(WriterMode::manual, Durability::sync()), true});
}

TEST(Model, AFolderThatIsSyncedByAWriterThreadHoldsAfterClosing) {
  run(7, 500, {options(WriterMode::thread, Durability::sync()), true});
}

// Archetypes of several chunks, texts and numbers whose indexes have several levels, paged arrays with nodes.
SessionOptions large(SessionOptions how) {
  how.population = 1500;
  how.settled = true;
  how.compare_every = 8;
  return how;
}

TEST(Model, ALargeWorldInMemoryIsThePlainMaps) { run(8, 40, large({options(WriterMode::manual), false})); }

TEST(Model, ALargeWorldInAFolderHoldsAfterClosing) { run(9, 40, large({options(WriterMode::manual), true})); }

}  // namespace
}  // namespace stoa::test
