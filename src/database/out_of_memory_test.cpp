// Memory that runs out at any allocation of the writer, where there is a log: what was answered is what is there, now
// and after a reopening.
#include "base/testing/no_memory.h"
#include "base/testing/temporary_folder.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace stoa {
namespace {

using test::FailingAllocation;

struct Note {
  Text text;
};
BOOST_DESCRIBE_STRUCT(Note, (), (text))

Schema notes() {
  Schema schema("notes");
  schema.table<Note>("note").key<&Note::text>();
  return schema;
}

/// Two batches, the first of which comes to where zeros are written ahead, and the second to the end of a segment.
class LogWithoutMemory {
 public:
  LogWithoutMemory() {
    add('a', 1000);
    db_->step();
  }

  /// Whether an allocation failed.
  bool run_out(std::size_t before, FailingAllocation::How how) {
    std::array tickets{add('b', 500'000), add('c', 700'000), add('d', 100), add('e', 200'000), add('f', 900'000)};
    bool happened = false;
    {
      const FailingAllocation failing(before, how);
      db_->step(3);
      db_->step(2);
      happened = failing.happened();
    }
    std::size_t rows = 1;
    for (std::size_t i = 0; i != tickets.size(); ++i) {
      const auto answer = tickets[i].get();
      failed_[i] = !answer;
      if (answer) ++rows;
      if (!answer) {
        EXPECT_EQ(answer.error().code(), ErrorCode::out_of_memory);
      }
    }
    EXPECT_EQ(db_->snapshot().count<Note>(), rows);
    return happened;
  }
  [[nodiscard]] const std::bitset<5>& failed() const { return failed_; }
  /// It takes writes still, and the folder holds what it does.
  void go_on() {
    CommitTicket last = add('g', 5000);
    db_->step();
    EXPECT_TRUE(last.get());
    const auto hash = db_->snapshot().state_hash();
    db_.reset();
    db_.emplace(Database::open(folder_.path() + "/world", notes(), options()).value());
    EXPECT_EQ(db_->snapshot().state_hash(), hash);
  }

 private:
  static Options options() {
    Options out;
    out.writer = WriterMode::manual;
    out.segment_bytes_max = std::size_t{2} << 20U;
    out.durability = Durability::none();
    return out;
  }
  CommitTicket add(char letter, std::size_t bytes) {
    Transaction transaction = db_->begin();
    const std::string text(bytes, letter);
    transaction.insert(transaction.create(), Note{text});
    return std::move(transaction).submit();
  }
  test::TemporaryFolder folder_;
  std::bitset<5> failed_;
  std::optional<Database> db_{Database::open(folder_.path() + "/world", notes(), options()).value()};
};

class OutOfMemory : public ::testing::TestWithParam<FailingAllocation::How> {};
TEST_P(OutOfMemory, AtAnyAllocationLosesNothingThatWasAnswered) {
  std::size_t before = 0;
  std::bitset<5> failed;
  for (bool happened = true; happened; ++before) {
    LogWithoutMemory database;
    happened = database.run_out(before, GetParam());
    failed |= database.failed();
    database.go_on();
    if (HasFailure()) FAIL() << "after " << before << " allocations";
  }
  EXPECT_TRUE(failed[0] && failed[1] && failed[4]) << failed << ": both batches, or nothing is shown";
}
INSTANTIATE_TEST_SUITE_P(Log, OutOfMemory,
                         ::testing::Values(FailingAllocation::How::once, FailingAllocation::How::from_then_on),
                         [](const auto& name) {
                           return name.param == FailingAllocation::How::once ? "Once" : "FromThenOn";
                         });

}  // namespace
}  // namespace stoa
