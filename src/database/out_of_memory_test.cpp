// Memory that runs out at any allocation of the writer, where there is a log: what was answered is what is there, now
// and after a reopening.
#include "base/testing/no_memory.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
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

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "stoa-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
    for (CommitTicket& ticket : tickets) {
      const auto answer = ticket.get();
      if (answer) ++rows;
      if (!answer) {
        EXPECT_EQ(answer.error().code(), ErrorCode::out_of_memory);
      }
    }
    EXPECT_EQ(db_->snapshot().count<Note>(), rows);
    return happened;
  }
  /// It takes writes still, and the folder holds what it does.
  void go_on() {
    CommitTicket last = add('g', 5000);
    db_->step();
    EXPECT_TRUE(last.get());
    const auto hash = db_->snapshot().state_hash();
    db_.reset();
    db_.emplace(Database::open(folder_.path() / "world", notes(), options()).value());
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
  TemporaryFolder folder_;
  std::optional<Database> db_{Database::open(folder_.path() / "world", notes(), options()).value()};
};

class OutOfMemory : public ::testing::TestWithParam<FailingAllocation::How> {};
TEST_P(OutOfMemory, AtAnyAllocationLosesNothingThatWasAnswered) {
  std::size_t before = 0;
  for (bool happened = true; happened; ++before) {
    LogWithoutMemory database;
    happened = database.run_out(before, GetParam());
    database.go_on();
    if (HasFailure()) FAIL() << "after " << before << " allocations";
  }
  EXPECT_GE(before, 20U);
}
INSTANTIATE_TEST_SUITE_P(Log, OutOfMemory,
                         ::testing::Values(FailingAllocation::How::once, FailingAllocation::How::from_then_on),
                         [](const auto& name) {
                           return name.param == FailingAllocation::How::once ? "Once" : "FromThenOn";
                         });

}  // namespace
}  // namespace stoa
