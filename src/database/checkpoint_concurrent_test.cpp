// Checkpoints beside the writer, beside one another, and beside readers of the same folder.
#include "database/checkpoint_fixture.h"

#include <atomic>
#include <thread>

namespace stoa::detail {
namespace {

class CheckpointConcurrentTest : public CheckpointTest {
 protected:
  static Options with_writer() {
    Options out = options();
    out.writer = WriterMode::thread;
    out.durability = Durability::none();
    return out;
  }
};

TEST_F(CheckpointConcurrentTest, SeveralAtOnceAndTheWriterGoOn) {
  {
    const Core core = open(files_, with_writer()).value();
    std::atomic<bool> stop{false};
    std::thread checkpoints[2];
    for (std::thread& each : checkpoints) {
      each = std::thread([&] {
        Version last = 0;
        while (!stop.load(std::memory_order_relaxed)) {  // relaxed: it says nothing of other memory
          const auto made = core->checkpoint();
          ASSERT_TRUE(made) << made.error().message();
          EXPECT_GE(*made, last);
          EXPECT_GE(core->durable_version(), *made);
          last = *made;
        }
      });
    }
    commit_many(*core, 300);
    stop.store(true, std::memory_order_relaxed);
    for (std::thread& each : checkpoints) each.join();
    EXPECT_EQ(core->checkpoint().value(), 300U);
    files_.crash(Unsynced::lost, random_);
    (void)core->close();  // ends the writer; the log is lost
  }
  EXPECT_LE(checkpoints().size(), 2U);
  const Core core = open().value();
  EXPECT_EQ(core->version(), 300U);
  EXPECT_EQ(numbers_in(*core), numbers_);
}

// What a reader was about to read goes at any moment, between any two of its calls.
TEST_F(CheckpointConcurrentTest, AReaderTakesNothingThatTheOwnerRemovedForDamage) {
  const Core core = open(files_, with_writer()).value();
  commit_many(*core, 1);
  std::atomic<bool> stop{false};
  std::thread owner([&] {
    while (!stop.load(std::memory_order_relaxed)) {  // relaxed: it says nothing of other memory
      commit_many(*core, 6);
      ASSERT_TRUE(core->checkpoint());
    }
  });
  for (int i = 0; i != 200; ++i) {
    const Version before = core->version();
    const auto reader = open_read_only();
    if (!reader) {
      EXPECT_EQ(reader.error().code(), ErrorCode::busy) << reader.error().message();
      continue;
    }
    EXPECT_GE((*reader)->version(), before);
    EXPECT_EQ((*reader)->recovery().passed_by, "");
    EXPECT_TRUE(numbers_in(**reader).contains(static_cast<std::uint32_t>((*reader)->version())));
  }
  stop.store(true, std::memory_order_relaxed);
  owner.join();
  EXPECT_TRUE(core->close());
}

}  // namespace
}  // namespace stoa::detail
