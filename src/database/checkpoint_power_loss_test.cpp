// A world that commits, makes checkpoints, trims its log and is opened again loses power at every call of the file
// system, and what was not synced is lost in any part: it comes back at a version between what was acknowledged and
// what was submitted, with that version's content.
#include "base/testing/seed.h"
#include "database/checkpoint_fixture.h"

#include <map>
#include <optional>

namespace stoa::detail {
namespace {

class CheckpointPowerLossTest : public CheckpointTest {
 protected:
  /// From the `call`-th call on nothing works any more.
  void stop_at(std::uint64_t call) {
    calls_ = 0;
    files_->set_fault_hook([this, call](FileOperation, const std::string& path) -> std::optional<Error> {
      if (++calls_ < call) return std::nullopt;
      return Error(ErrorCode::io, Place{.source = path}, "stopped");
    });
  }

  /// One life: opened, checked, worked with, closed; as far as it comes. False where it was cut short.
  bool live(const Options& with) {
    const auto core = open(*files_, with);
    if (!core) {
      EXPECT_EQ(core.error().code(), ErrorCode::io) << core.error().message();
      return false;
    }
    expect_right(**core);
    if (::testing::Test::HasFailure()) return true;
    acknowledged_ = submitted_ = (*core)->version();  // an owner has synced what it found
    const bool is_sync = with.durability.kind() == Durability::Kind::sync;
    for (int i = 0; i != 3; ++i) {
      for (int k = 0; k != 3; ++k) {
        Numbers numbers = states_[submitted_];
        const auto done = commit(**core, next_number_++, numbers);
        states_[++submitted_] = numbers;
        if (!done) return false;
        if (is_sync) acknowledged_ = submitted_;
      }
      const auto made = (*core)->checkpoint();
      if (!made) return false;
      EXPECT_EQ(*made, submitted_);
      acknowledged_ = submitted_;
    }
    if (!(*core)->close()) return false;
    acknowledged_ = submitted_;
    return true;
  }

  void expect_right(DatabaseCore& core) {
    EXPECT_GE(core.version(), acknowledged_);
    EXPECT_LE(core.version(), submitted_);
    EXPECT_EQ(numbers_in(core), states_[core.version()]) << "version " << core.version();
    EXPECT_EQ(core.recovery().passed_by, "") << "a crash damages no checkpoint";
    from_checkpoint_ += core.recovery().checkpoint != 0 ? 1 : 0;
    behind_checkpoint_ += core.recovery().transactions != 0 ? 1 : 0;
  }

  void run(const Options& with) {
    for (std::uint64_t first = 1;; ++first) {
      bool was_cut = false;
      for (int round = 0; round != 6 && !HasFailure(); ++round) {
        files_.emplace();
        states_ = {{0, {}}};
        acknowledged_ = submitted_ = 0;
        for (int life = 0; life != 3 && !HasFailure(); ++life) {
          SCOPED_TRACE("call " + std::to_string(first) + ", round " + std::to_string(round) + ", life " +
                       std::to_string(life));
          stop_at(life == 0 ? first : 1 + random_.next() % 150);
          const bool cut = !live(with);
          if (life == 0) was_cut = cut;
          cut_ += cut ? 1 : 0;
          files_->set_fault_hook({});
          files_->crash(round == 0 ? Unsynced::kept : round == 1 ? Unsynced::lost : Unsynced::shuffled, random_);
        }
        const auto core = open(*files_, with);
        ASSERT_TRUE(core) << "call " << first << ", round " << round << ": " << core.error().message();
        expect_right(**core);
      }
      if (HasFailure() || !was_cut) break;
      ++calls_tried_;
    }
    EXPECT_GT(calls_tried_, 80);
    EXPECT_GT(cut_, 100);
    EXPECT_GT(from_checkpoint_, 100);
    EXPECT_GT(behind_checkpoint_, 100);
  }

  std::optional<MemoryFileSystem> files_;
  SeededRandom random_{test::test_seed()};
  std::uint64_t calls_ = 0;
  std::uint32_t next_number_ = 1;
  std::map<Version, Numbers> states_;  // of what was submitted last under each version
  Version acknowledged_ = 0;
  Version submitted_ = 0;
  int cut_ = 0;
  int calls_tried_ = 0;
  int from_checkpoint_ = 0;
  int behind_checkpoint_ = 0;
};

TEST_F(CheckpointPowerLossTest, AtEveryCallLosesNothingAcknowledged) { run(options()); }

TEST_F(CheckpointPowerLossTest, AtEveryCallLosesNothingThatACheckpointPromised) {
  Options with = options();
  with.durability = Durability::none();
  run(with);
}

}  // namespace
}  // namespace stoa::detail
