// Memory that runs out at any allocation of the writer, where there is a log: what was answered is what is there, now
// and after a reopening.
#include "base/testing/no_memory.h"
#include "base/testing/seed.h"
#include "base/testing/temporary_folder.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stoa {
namespace {

using test::FailingAllocation;

struct Port {
  Text code;
};
BOOST_DESCRIBE_STRUCT(Port, (), (code))
struct Ship {
  std::uint32_t size;
  Text name;
  Entity port;
};
BOOST_DESCRIBE_STRUCT(Ship, (), (size, name, port))
struct Flag {
  std::uint32_t stripes, stars;
  Entity port;
};
BOOST_DESCRIBE_STRUCT(Flag, (), (stripes, stars, port))

Schema harbour() {
  Schema schema("harbour");
  schema.table<Port>("port").key<&Port::code>();
  schema.table<Ship>("ship").index<&Ship::size>().index<&Ship::name>().foreign_key<&Ship::port>("port",
                                                                                                OnDelete::cascade);
  schema.table<Flag>("flag").sparse().index<&Flag::stripes>().index<&Flag::stars>().foreign_key<&Flag::port>(
      "port", OnDelete::set_null);
  return schema;
}

/// A folder that was just opened, so that no list has room from before, and a port whose end takes ships along.
class OpenedWithoutMemory {
 public:
  OpenedWithoutMemory() {
    const auto done = db_->write([this](Writer& w) {
      port_ = w.create();
      w.insert(port_, Port{"a code that is too long for a cell"});
      for (std::uint32_t i = 0; i != 20; ++i) {
        ships_.push_back(w.create());
        w.insert(ships_.back(), Ship{i, "a name that is too long for a cell", port_});
        flags_.push_back(w.create());
        w.insert(flags_.back(), Flag{i, i, port_});
      }
    });
    EXPECT_TRUE(done);
    reopen();
  }
  /// Destroys the port, by a transaction or in a function that looks at indexes first. Whether an allocation failed.
  bool run_out(bool by_function, std::size_t before, FailingAllocation::How how) {
    const auto hash = db_->snapshot().state_hash();
    Transaction tx = db_->begin();
    tx.set<&Ship::size>(ships_[3], 9U).set<&Ship::name>(ships_[3], "another name, too long for a cell");
    tx.set<&Flag::stripes>(flags_[3], 9U).destroy(port_);
    std::optional<CommitTicket> ticket;
    if (!by_function) ticket = std::move(tx).submit();
    std::expected<Commit, Error> done = Commit{};
    bool happened = false;
    if (by_function) {
      std::optional<FailingAllocation> failing;
      done = db_->write([&](Writer& w) {
        failing.emplace(before, how);
        w.set<&Ship::size>(ships_[3], 9U);
        (void)w.range<&Ship::size>(0U, 9U);
        w.set<&Flag::stars>(flags_[3], 9U).destroy(port_);
      });
      happened = failing->happened();
    } else {
      const FailingAllocation failing(before, how);
      db_->step();
      happened = failing.happened();
    }
    if (ticket) done = ticket->get();
    if (!done) {
      EXPECT_EQ(db_->snapshot().state_hash(), hash);
    }
    EXPECT_TRUE(db_->snapshot().wrong_indexes().empty());
    const auto next = db_->write([&](Writer& w) { w.insert(w.create(), Ship{77, "one that comes after", {}}); });
    EXPECT_TRUE(next) << next.error().message();
    EXPECT_TRUE(db_->snapshot().wrong_indexes().empty());
    return happened;
  }

 private:
  static Options options() {
    Options out;
    out.writer = WriterMode::manual;
    out.durability = Durability::none();
    return out;
  }
  void reopen() {
    db_.reset();
    db_.emplace(Database::open(folder_.path() + "/world", harbour(), options()).value());
  }

  test::TemporaryFolder folder_;
  Entity port_;
  std::vector<Entity> ships_, flags_;
  std::optional<Database> db_{Database::open(folder_.path() + "/world", harbour(), options()).value()};
};

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
  explicit LogWithoutMemory(std::size_t segment_bytes = std::size_t{2} << 20U) : segment_bytes_(segment_bytes) {
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
  /// The same of a checkpoint, by which a segment goes; once in a life for each `before`.
  bool run_out_in_checkpoint(std::size_t before, FailingAllocation::How how) {
    CommitTicket ticket = add(static_cast<char>('h' + before % 10), 3000 + before);
    db_->step();
    EXPECT_TRUE(ticket.get());
    bool happened = false;
    std::expected<Version, Error> made;
    {
      const FailingAllocation failing(before, how);
      made = db_->checkpoint();
      happened = failing.happened();
    }
    EXPECT_TRUE(made || happened);
    if (!made) {
      EXPECT_EQ(made.error().code(), ErrorCode::out_of_memory) << made.error().message();
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/world")) {
      EXPECT_NE(entry.path().extension(), ".tmp");
    }
    EXPECT_TRUE(db_->checkpoint());  // it does what the first left undone
    const auto names = std::filesystem::directory_iterator(folder_.path() + "/world");
    EXPECT_LE(std::distance(begin(names), end(names)), 8);
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
  [[nodiscard]] Options options() const {
    Options out;
    out.writer = WriterMode::manual;
    out.segment_bytes_max = segment_bytes_;
    out.durability = Durability::none();
    return out;
  }
  CommitTicket add(char letter, std::size_t bytes) {
    Transaction transaction = db_->begin();
    const std::string text(bytes, letter);
    transaction.insert(transaction.create(), Note{text});
    return std::move(transaction).submit();
  }
  const std::size_t segment_bytes_;
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
TEST_P(OutOfMemory, RightAfterOpeningTakesACascadeBackAndGoesOn) {
  for (const bool by_function : {false, true}) {
    std::size_t before = 0;
    for (bool happened = true; happened; ++before) {
      OpenedWithoutMemory database;
      happened = database.run_out(by_function, before, GetParam());
      if (HasFailure()) FAIL() << "after " << before << " allocations, function: " << by_function;
    }
    EXPECT_GT(before, 5U);
  }
}
// Each is a dozen syncs: every seventh allocation, each run other ones.
TEST_P(OutOfMemory, InACheckpointLeavesTheDatabaseAsItWas) {
  LogWithoutMemory database(4096);
  std::size_t before = test::test_seed() % 7;
  for (bool happened = true; happened; before += 7) {
    happened = database.run_out_in_checkpoint(before, GetParam());
    if (HasFailure()) FAIL() << "after " << before << " allocations";
  }
  EXPECT_GT(before, 20U);
  database.go_on();
}
INSTANTIATE_TEST_SUITE_P(Log, OutOfMemory,
                         ::testing::Values(FailingAllocation::How::once, FailingAllocation::How::from_then_on),
                         [](const auto& name) {
                           return name.param == FailingAllocation::How::once ? "Once" : "FromThenOn";
                         });

// What it could not take, or be, leaves no trace in the folder either.
TEST(OutOfMemory, AReplicaIsWhatItAnswered) {
  for (const auto how : {FailingAllocation::How::once, FailingAllocation::How::from_then_on}) {
    for (const bool promotes : {false, true}) {
      bool happened = true;
      for (std::size_t before = 0; happened && !testing::Test::HasFailure(); ++before) {
        SCOPED_TRACE(std::to_string(before) + (promotes ? " promotes" : "") + std::to_string(static_cast<int>(how)));
        const test::TemporaryFolder folder;
        Options options;
        options.writer = WriterMode::manual;
        options.segment_bytes_max = 4096;
        Database primary = Database::in_memory(notes(), options).value();
        ASSERT_TRUE(primary.write([](Writer& w) { w.insert(w.create(), Note{"one"}); }));
        const Delta delta = Delta::full(primary.snapshot());
        ASSERT_TRUE(primary.write([](Writer& w) { w.insert(w.create(), Note{"two"}); }));
        std::optional<Database> db(Database::open(folder.path() + "/world", notes(), options).value());
        bool follows = false;
        if (promotes) {
          ASSERT_TRUE(db->apply(delta));
          follows = true;
        }
        ErrorCode code{};
        {
          const FailingAllocation failing(before, how);
          try {
            std::optional<Error> refused;
            if (promotes) {
              if (const auto done = db->promote(); !done) refused = done.error();
            } else {
              if (const auto done = db->apply(delta); !done) refused = done.error();
            }
            if (refused) {
              code = refused->code();
            } else {
              follows = !promotes;
            }
          } catch (const std::bad_alloc&) {
            code = ErrorCode::out_of_memory;
          }
          happened = failing.happened();
        }
        const Version version = db->version();
        db.reset();
        db.emplace(Database::open(folder.path() + "/world", notes(), options).value());
        if (code == ErrorCode{} || code == ErrorCode::out_of_memory) {
          EXPECT_EQ(db->version(), version);
          const auto done = db->write([](Writer& w) { w.insert(w.create(), Note{"three"}); });
          EXPECT_EQ(done.has_value(), !follows) << (done ? "" : done.error().message());
        } else {
          ADD_FAILURE() << to_string(code);
        }
      }
    }
  }
}

}  // namespace
}  // namespace stoa
