// What checkpoints leave in a folder, what opening makes of it, and what is refused.
#include "database/checkpoint_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <utility>

namespace stoa::detail {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(CheckpointTest, IsWhereOpeningBegins) {
  {
    const Core core = open().value();
    commit_many(*core, 10);
    EXPECT_EQ(core->checkpoint().value(), 10U);
    commit_many(*core, 5);
    ASSERT_TRUE(core->close());
  }
  EXPECT_THAT(checkpoints(), ElementsAre(10U));
  EXPECT_EQ(segments().front(), 1U) << "all of the log stands in for a single checkpoint";
  const Core core = open().value();
  EXPECT_EQ(core->recovery().checkpoint, 10U);
  EXPECT_EQ(core->recovery().transactions, 5U);
  EXPECT_EQ(core->recovery().passed_by, "");
  EXPECT_EQ(core->version(), 15U);
  EXPECT_EQ(numbers_in(*core), numbers_);
  EXPECT_EQ(open_read_only().value()->recovery().checkpoint, 10U);
}

// While it is loaded nothing of it is kept for taking it back; of what comes after, everything is.
TEST_F(CheckpointTest, WhatFailsAfterItWasLoadedIsTakenBack) {
  {
    const Core core = open().value();
    commit_many(*core, 10);
    ASSERT_TRUE(core->checkpoint());
    ASSERT_TRUE(core->close());
  }
  const Core core = open().value();
  const auto before = core->snapshot().state_hash();
  Transaction transaction = core->engine().begin();
  const Entity entity = transaction.create();
  transaction.destroy(core->snapshot().find("a", "x", *numbers_.begin()).value());
  transaction.insert("a", entity, {{"x", *numbers_.rbegin()}, {"note", std::string("twice")}});
  EXPECT_FALSE(std::move(transaction).commit());
  EXPECT_EQ(core->snapshot().state_hash(), before);
  EXPECT_EQ(numbers_in(*core), numbers_);
  commit_many(*core, 3);
  EXPECT_EQ(numbers_in(*core), numbers_);
}

TEST_F(CheckpointTest, TheNewestTwoStayAndTheLogSinceTheOlderOne) {
  const Core core = open().value();
  for (int i = 0; i != 4; ++i) {
    commit_many(*core, 10);
    ASSERT_TRUE(core->checkpoint());
  }
  EXPECT_THAT(checkpoints(), ElementsAre(30U, 40U));
  const auto base_of = [&](std::uint64_t number) {
    const auto file = files_.open_read_only(join_path(world, wal::segment_name(number))).value();
    return wal::read_segment_start(*file, number).value().header.base_version;
  };
  const auto numbers = segments();
  ASSERT_GT(numbers.front(), 1U);
  EXPECT_LE(base_of(numbers[0]), 30U);
  EXPECT_GT(base_of(numbers[1]), 30U) << "one that is not needed any more";
}

TEST_F(CheckpointTest, ADamagedOneIsPassedByWhereTheLogMakesUpForIt) {
  {
    const Core core = open().value();
    for (int i = 0; i != 3; ++i) {
      commit_many(*core, 10);
      ASSERT_TRUE(core->checkpoint());
    }
    commit_many(*core, 2);
    ASSERT_TRUE(core->close());
  }
  damage(path_of(30), 300);
  for (int i = 0; i != 2; ++i) {  // also beside an owner that found the same
    const Core core = i == 0 ? open().value() : open_read_only().value();
    EXPECT_EQ(core->recovery().checkpoint, 20U);
    EXPECT_EQ(core->recovery().transactions, 12U);
    EXPECT_THAT(core->recovery().passed_by, HasSubstr(path_of(30) + " at byte 128"));
    EXPECT_EQ(core->version(), 32U);
    EXPECT_EQ(numbers_in(*core), numbers_);
  }
  // The next one trims by the one that is good, and takes the damaged one away.
  const Core core = open().value();
  commit_many(*core, 1);
  ASSERT_TRUE(core->checkpoint());
  EXPECT_THAT(checkpoints(), ElementsAre(20U, 33U));
  ASSERT_TRUE(core->close());
  damage(path_of(33), 300);
  const Core again = open().value();
  EXPECT_EQ(again->version(), 33U);
  EXPECT_EQ(numbers_in(*again), numbers_);
}

TEST_F(CheckpointTest, ADamagedOneOfTheSameVersionIsReplaced) {
  {
    const Core core = open().value();
    commit_many(*core, 3);
    ASSERT_TRUE(core->checkpoint());
    ASSERT_TRUE(core->close());
  }
  const auto good = files_.contents(path_of(3));
  damage(path_of(3), 300);
  const Core core = open().value();
  EXPECT_EQ(core->recovery().checkpoint, 0U) << "the log from its beginning stands in for it";
  EXPECT_NE(core->recovery().passed_by, "");
  EXPECT_EQ(core->checkpoint().value(), 3U);
  EXPECT_EQ(files_.contents(path_of(3)).size(), good.size());
  ASSERT_TRUE(core->close());
  EXPECT_EQ(open().value()->recovery().checkpoint, 3U);
}

TEST_F(CheckpointTest, DamageThatNothingMakesUpForIsRefusedWithItsPlace) {
  {
    const Core core = open().value();
    for (int i = 0; i != 3; ++i) {
      commit_many(*core, 10);
      ASSERT_TRUE(core->checkpoint());
    }
    ASSERT_TRUE(core->close());
  }
  ASSERT_GT(segments().front(), 1U);
  damage(path_of(20), 300);
  ASSERT_EQ(open().value()->recovery().checkpoint, 30U) << "the older one is not needed";
  damage(path_of(30), 300);
  for (const auto& refused : {open(), open_read_only()}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
    ASSERT_NE(refused.error().place(), nullptr);
    EXPECT_EQ(refused.error().place()->source, path_of(30));
    EXPECT_EQ(refused.error().place()->offset, 128U);
    EXPECT_THAT(refused.error().message(), HasSubstr("without it: "));
    EXPECT_THAT(refused.error().message(), HasSubstr("segment before this one is missing"));
  }
}

// What the checkpoint proves to have been durable is not in the log: what came after it may be gone as well.
TEST_F(CheckpointTest, ALogThatEndsBeforeACheckpointIsRefused) {
  {
    const Core core = open().value();
    commit_many(*core, 30);
    ASSERT_TRUE(core->checkpoint());
    ASSERT_TRUE(core->close());
  }
  for (int i = 0; i != 2; ++i) {  // the one that was begun for the checkpoint, too: it has nothing
    ASSERT_TRUE(files_.remove(join_path(world, wal::segment_name(segments().back()))));
  }
  const std::string last = join_path(world, wal::segment_name(segments().back()));
  for (const bool damaged : {false, true}) {
    SCOPED_TRACE(damaged);
    if (damaged) damage(path_of(30), 300);
    const auto refused = open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
    ASSERT_NE(refused.error().place(), nullptr);
    EXPECT_EQ(refused.error().place()->source, damaged ? path_of(30) : last);
    EXPECT_GT(refused.error().place()->offset, 0U);
    EXPECT_THAT(refused.error().message(), HasSubstr(last));
    EXPECT_THAT(refused.error().message(), HasSubstr("the log is good up to version"));
  }
}

TEST_F(CheckpointTest, AGapInTheLogIsRefusedAndOneBeforeTheCheckpointIsNot) {
  {
    const Core core = open().value();
    commit_many(*core, 10);
    ASSERT_TRUE(core->checkpoint());
    commit_many(*core, 30);
    ASSERT_TRUE(core->close());
  }
  const auto numbers = segments();
  ASSERT_TRUE(files_.remove(join_path(world, wal::segment_name(1))));
  EXPECT_EQ(open().value()->version(), 40U) << "nobody needs its versions";
  ASSERT_TRUE(files_.remove(join_path(world, wal::segment_name(numbers[numbers.size() - 2]))));
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
  EXPECT_EQ(refused.error().place()->source, join_path(world, wal::segment_name(numbers.back())));
}

TEST_F(CheckpointTest, WithoutAnyLogIsRefused) {
  {
    const Core core = open().value();
    commit_many(*core, 1);
    ASSERT_TRUE(core->checkpoint());
    ASSERT_TRUE(core->close());
  }
  for (const std::uint64_t number : segments()) {
    ASSERT_TRUE(files_.remove(join_path(world, wal::segment_name(number))));
  }
  for (const auto& refused : {open(), open_read_only()}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
    EXPECT_EQ(refused.error().place()->source, path_of(1));
  }
}

TEST_F(CheckpointTest, OfAnotherDatabaseIsNotTaken) {
  {
    const Core core = open().value();
    commit_many(*core, 3);
    ASSERT_TRUE(core->close());
  }
  MemoryFileSystem others;
  {
    const Core core = open(others).value();
    Numbers numbers;
    for (std::uint32_t number = 100; number != 103; ++number) ASSERT_TRUE(commit(*core, number, numbers));
    ASSERT_TRUE(core->checkpoint());
  }
  files_.set_contents(path_of(3), others.contents(path_of(3)));
  const Core core = open().value();
  EXPECT_THAT(core->recovery().passed_by, HasSubstr("another database's"));
  EXPECT_EQ(numbers_in(*core), numbers_);
}

TEST_F(CheckpointTest, OfTheSameVersionIsWrittenOnce) {
  const Core core = open().value();
  commit_many(*core, 3);
  EXPECT_EQ(core->checkpoint().value(), 3U);
  int changes = 0;
  files_.set_fault_hook([&](FileOperation, const std::string&) -> std::optional<Error> {
    ++changes;
    return std::nullopt;
  });
  EXPECT_EQ(core->checkpoint().value(), 3U);
  EXPECT_EQ(changes, 0);
}

TEST_F(CheckpointTest, OfNothingLeavesNothing) {
  const Core core = open().value();
  const Names before = names();
  EXPECT_EQ(core->checkpoint().value(), 0U);
  EXPECT_EQ(names(), before);
}

TEST_F(CheckpointTest, NeedsAFolderToWriteTo) {
  EXPECT_EQ(DatabaseCore::in_memory(schema(), options()).value()->checkpoint().error().code(), ErrorCode::read_only);
  const Core core = open().value();
  commit_many(*core, 1);
  EXPECT_EQ(open_read_only().value()->checkpoint().error().code(), ErrorCode::read_only);
  ASSERT_TRUE(core->close());
  EXPECT_EQ(core->checkpoint().error().code(), ErrorCode::closed);
  EXPECT_THAT(checkpoints(), IsEmpty());
}

TEST_F(CheckpointTest, OfAFailedLogIsRefused) {
  const Core core = open().value();
  commit_many(*core, 1);
  files_.set_fault_hook([](FileOperation operation, const std::string& path) -> std::optional<Error> {
    if (operation != FileOperation::sync) return std::nullopt;
    return Error(ErrorCode::io, Place{.source = path}, "broken");
  });
  ASSERT_FALSE(commit(*core, 2, numbers_));
  files_.set_fault_hook({});
  EXPECT_EQ(core->checkpoint().error().code(), ErrorCode::read_only);
  EXPECT_THAT(checkpoints(), IsEmpty());
}

// Each call of the file system that a checkpoint makes fails in turn: the database goes on, nothing unfinished stays,
// and the next one succeeds. Only where the log's next segment gets its name the writing ends, as it does when a commit
// begins one; what was committed is there when the folder is opened again.
TEST_F(CheckpointTest, ThatFailsLeavesTheDatabaseAsItWas) {
  int failures = 0;
  int ends = 0;
  for (int failing = 1;; ++failing) {
    SCOPED_TRACE(failing);
    MemoryFileSystem files;
    Numbers numbers;
    const Core core = open(files).value();
    const auto commit_some = [&] {
      for (int i = 0; i != 10; ++i) {
        ASSERT_TRUE(commit(*core, static_cast<std::uint32_t>(core->version()) + 1, numbers));
      }
    };
    for (int i = 0; i != 2; ++i) {
      commit_some();
      ASSERT_TRUE(core->checkpoint());
    }
    commit_some();
    int calls = 0;
    bool names_segment = false;
    bool ends_writing = false;
    files.set_fault_hook([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
      const bool names = operation == FileOperation::rename && path.contains("wal-");
      const bool keeps_name = std::exchange(names_segment, names) && operation == FileOperation::sync_directory;
      if (++calls != failing) return std::nullopt;
      ends_writing = names || keeps_name || operation == FileOperation::truncate;
      return Error(ErrorCode::io, Place{.source = path}, "broken");
    });
    const auto failed = core->checkpoint();
    files.set_fault_hook({});
    if (calls < failing) break;
    // The first removal is of a file that is not there as a rule, and the last of the unfinished one.
    if (!failed) {
      EXPECT_EQ(failed.error().code(), ErrorCode::io);
      ++failures;
    }
    if (ends_writing) {
      ++ends;
      EXPECT_FALSE(failed);
      EXPECT_EQ(core->checkpoint().error().code(), ErrorCode::read_only);
      EXPECT_FALSE(core->close());
      files.crash(Unsynced::lost, random_);
      EXPECT_EQ(numbers_in(*open(files).value()), numbers);
      continue;
    }
    EXPECT_EQ(core->checkpoint().value(), 30U);
    EXPECT_EQ(checkpoint::list_checkpoints(files, world)->size(), 2U) << "a second try removes what the first left";
    const auto left = files.list(world).value();
    EXPECT_TRUE(std::ranges::none_of(left, checkpoint::is_unfinished_checkpoint_name));
    commit_some();
    EXPECT_EQ(core->checkpoint().value(), 40U);
    EXPECT_LE(checkpoint::list_checkpoints(files, world)->size(), 2U);
    ASSERT_TRUE(core->close());
    files.crash(Unsynced::lost, random_);
    const Core again = open(files).value();
    EXPECT_EQ(again->recovery().checkpoint, 40U);
    EXPECT_EQ(numbers_in(*again), numbers);
  }
  EXPECT_GT(failures, 10);
  EXPECT_EQ(ends, 3) << "truncate, rename, sync of the folder";
}

TEST_F(CheckpointTest, ThatFindsTheDiskFullGivesTheRoomBack) {
  const Core core = open().value();
  commit_many(*core, 8);
  std::uint64_t used = 0;
  for (const std::string& name : names()) used += files_.contents(join_path(world, name)).size();
  files_.set_capacity(used + 1000);
  const Names before = names();
  const auto full = core->checkpoint();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::disk_full) << full.error().message();
  EXPECT_EQ(names(), before);
  files_.set_capacity(used + 100'000);
  EXPECT_TRUE(core->checkpoint());
}

TEST_F(CheckpointTest, WhatACrashLeftOfOneIsRemovedByTheNextOwner) {
  files_.set_fault_hook({});
  {
    const Core core = open().value();
    commit_many(*core, 1);
    ASSERT_TRUE(core->close());
  }
  const Names before = names();
  files_.set_contents(join_path(world, checkpoint::unfinished_checkpoint_name(1)), {std::byte{1}});
  ASSERT_TRUE(open_read_only());
  EXPECT_NE(names(), before) << "a reader removes nothing";
  ASSERT_TRUE((*open())->close());
  EXPECT_EQ(names(), before);
}

TEST_F(CheckpointTest, NoIdThatWasCommittedComesBackAfterTheLogIsGone) {
  std::set<std::uint64_t> given_out;
  const auto add = [&](DatabaseCore& core) {
    const Snapshot before = core.snapshot();
    commit_many(core, 1);
    std::vector<Entity> added;
    EXPECT_TRUE(core.snapshot().each("a", [&](Entity entity, const RowView&) {
      if (!before.alive(entity)) added.push_back(entity);
    }));
    ASSERT_EQ(added.size(), 1U);
    EXPECT_TRUE(given_out.insert(added[0].bits()).second) << "an id came back";
  };
  for (int life = 0; life != 4; ++life) {
    const Core core = open().value();
    EXPECT_EQ(core->version(), given_out.size());
    for (int i = 0; i != 3; ++i) {
      for (int k = 0; k != 10; ++k) add(*core);
      ASSERT_TRUE(core->checkpoint());
    }
    ASSERT_TRUE(core->close());
  }
  EXPECT_GT(segments().front(), 20U);
}

TEST_F(CheckpointTest, HasNoRowsOfTablesThatAreNotLogged) {
  {
    const Core core = open().value();
    commit_many(*core, 4);
    EXPECT_GT(core->snapshot().count("passing").value(), 0U);
    ASSERT_TRUE(core->checkpoint());
    ASSERT_TRUE(core->close());
  }
  const Core core = open().value();
  EXPECT_EQ(core->recovery().checkpoint, 4U);
  EXPECT_EQ(core->snapshot().count("passing").value(), 0U);
  EXPECT_EQ(core->snapshot().count(), numbers_.size()) << "their entities are there";
}

TEST_F(CheckpointTest, IsOnTheDiskWhateverWasPromised) {
  for (const Durability durability :
       {Durability::none(), Durability::async(std::chrono::hours(1)), Durability::sync()}) {
    MemoryFileSystem files;
    Numbers numbers;
    Options with = options();
    with.durability = durability;
    for (std::uint32_t life = 0; life != 3; ++life) {
      const Core core = open(files, with).value();
      EXPECT_EQ(core->version(), life * 5U);
      EXPECT_EQ(core->recovery().checkpoint, life * 5U);
      EXPECT_EQ(numbers_in(*core), numbers);
      for (std::uint32_t i = 0; i != 5; ++i) ASSERT_TRUE(commit(*core, life * 5 + i + 1, numbers));
      ASSERT_EQ(core->checkpoint().value(), (life + 1) * 5U);
      EXPECT_EQ(core->durable_version(), (life + 1) * 5U);
      files.crash(Unsynced::lost, random_);
    }
  }
}

// Between any two of the reader's calls its owner commits, makes checkpoints and removes all that was there before.
TEST_F(CheckpointTest, AReaderTakesNothingThatWasRemovedMeanwhileForDamage) {
  const Core core = open().value();
  const auto go_on = [&] {
    for (int i = 0; i != 2; ++i) {
      commit_many(*core, 6);
      EXPECT_TRUE(core->checkpoint());
    }
  };
  go_on();
  int calls = 0;
  bool busy = false;
  const auto interrupt = [&](auto&& is_time) {
    calls = 0;
    files_.set_fault_hook([&, is_time](FileOperation, const std::string&) -> std::optional<Error> {
      if (busy || !is_time(++calls)) return std::nullopt;
      busy = true;
      go_on();
      busy = false;
      return std::nullopt;
    });
  };
  for (int at = 1;; ++at) {
    SCOPED_TRACE(at);
    interrupt([at](int call) { return call == at; });
    const auto reader = open_read_only();
    files_.set_fault_hook({});
    ASSERT_TRUE(reader) << reader.error().message();
    EXPECT_GE((*reader)->version() + 12, core->version());
    EXPECT_EQ((*reader)->recovery().passed_by, "");
    EXPECT_EQ(*numbers_in(**reader).rbegin(), (*reader)->version());
    if (calls < at) break;
  }
  interrupt([](int) { return true; });
  const auto refused = open_read_only();
  files_.set_fault_hook({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::busy);
}

}  // namespace
}  // namespace stoa::detail
