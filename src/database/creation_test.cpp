// A creation that fails at any call leaves the path as it was, and whatever is not its own.
#include "database/folder_fixture.h"

#include <gmock/gmock.h>

#include <functional>

namespace stoa::detail {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

enum class Fails : std::uint8_t { once, from_then_on };

class CreationTest : public FolderTest {
 protected:
  /// Opens while the `at`-th call fails, or all do from then on that add something. Returns false once there is no such
  /// call. `meanwhile` runs before it, or before an earlier one.
  bool fail_at(int at, Fails fails, ErrorCode code, const std::function<void()>& meanwhile = {}, int earlier = 0) {
    int calls = 0;
    bool busy = false;
    files_.set_fault_hook([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
      if (busy) return std::nullopt;
      if (++calls == at - earlier && meanwhile) {
        busy = true;
        meanwhile();
        busy = false;
      }
      if (calls < at) return std::nullopt;
      const bool takes_away = operation == FileOperation::remove || operation == FileOperation::remove_directory ||
                              operation == FileOperation::list;
      if (calls > at && (fails == Fails::once || takes_away)) return std::nullopt;
      return Error(code, Place{.source = path}, "injected");
    });
    const bool opened = open().has_value();
    files_.set_fault_hook({});
    EXPECT_EQ(opened, calls < at);
    return !opened;
  }
};

TEST_F(CreationTest, ThatFailsLeavesNoFolderWhereThereWasNone) {
  for (const Fails fails : {Fails::once, Fails::from_then_on}) {
    for (const ErrorCode code : {ErrorCode::io, ErrorCode::disk_full}) {
      files_.crash(Unsynced::lost, random_);
      int at = 1;
      for (; fail_at(at, fails, code); ++at) {
        ASSERT_FALSE(exists()) << "call " << at << ": " << ::testing::PrintToString(names());
      }
      EXPECT_GT(at, 10);
      ASSERT_TRUE(exists());
      ASSERT_TRUE(DatabaseCore::open(files_, world, nullptr, options()).value()->close_and_remove());
    }
  }
}

TEST_F(CreationTest, ThatFailsLeavesAnEmptyFolderEmpty) {
  ASSERT_TRUE(files_.make_directory(world));
  for (const Fails fails : {Fails::once, Fails::from_then_on}) {
    for (int at = 1; fail_at(at, fails, ErrorCode::io); ++at) ASSERT_THAT(names(), IsEmpty()) << "call " << at;
    ASSERT_TRUE(DatabaseCore::open(files_, world, nullptr, options()).value()->close_and_remove());
    ASSERT_TRUE(files_.make_directory(world));
  }
}

TEST_F(CreationTest, ThatFailsLeavesWhatOthersPutThereMeanwhile) {
  const std::string letter = join_path(world, "letter.txt");
  for (int at = 2;; ++at) {
    SCOPED_TRACE(at);
    if (!fail_at(at, Fails::once, ErrorCode::io, [&] { files_.set_contents(letter, {std::byte{'x'}}); })) break;
    ASSERT_THAT(names(), ElementsAre("letter.txt"));
    ASSERT_TRUE(files_.remove(letter));
    ASSERT_TRUE(files_.remove_directory(world).value());
  }
}

TEST_F(CreationTest, LeavesAFolderThatAnotherHas) {
  ASSERT_TRUE(files_.make_directory(world));
  const auto lock = files_.lock(world).value();
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::locked);
  EXPECT_THAT(names(), ElementsAre("LOCK"));
}

// Another makes the database, with something in it, after this one has made the folder and before it locks it, or sees
// what is in it.
TEST_F(CreationTest, LeavesAWorldThatAnotherMadeMeanwhile) {
  int made_count = 0;
  for (int earlier = 0; earlier < 5; ++earlier) {
    for (int at = 1 + earlier;; ++at) {
      SCOPED_TRACE(::testing::Message() << at << " " << earlier);
      bool made = false;
      const auto make = [&] {
        auto other = open();
        if (!other) return;  // this one has it
        made = commit(**other) && (*other)->close();
      };
      const bool failed = fail_at(at, Fails::once, ErrorCode::io, make, earlier);
      ASSERT_TRUE(!failed || exists() == made);
      if (made) {
        ++made_count;
        Core again = DatabaseCore::open(files_, world, nullptr, options()).value();
        EXPECT_EQ(again->version(), 1U);
        EXPECT_FALSE(again->recovery().created);
      }
      if (exists()) {
        ASSERT_TRUE(DatabaseCore::open(files_, world, nullptr, options()).value()->close_and_remove());
      }
      if (!failed) break;
    }
  }
  EXPECT_GT(made_count, 10);
}

TEST_F(CreationTest, LeavesAWorldThatAnotherMadeMeanwhileAndHas) {
  for (int at = 1;; ++at) {
    SCOPED_TRACE(at);
    Core other;
    const bool failed = fail_at(at, Fails::once, ErrorCode::io, [&] {
      auto opened = open();
      if (!opened) return;  // this one has it
      EXPECT_TRUE(commit(**opened));
      other = std::move(*opened);
    });
    if (!failed) break;
    ASSERT_EQ(exists(), other != nullptr);
    if (other == nullptr) continue;
    EXPECT_TRUE(commit(*other));
    ASSERT_TRUE(other->close_and_remove());
    if (exists()) {  // it was not the other that made the folder
      ASSERT_TRUE(files_.remove_directory(world).value());
    }
  }
}

// Another takes its database away whenever this one looks: the folder comes and goes.
TEST_F(CreationTest, GoesOnWhereAnotherTakesTheFolderAway) {
  for (int at = 1;; ++at) {
    SCOPED_TRACE(at);
    int calls = 0;
    files_.set_fault_hook([&](FileOperation, const std::string&) -> std::optional<Error> {
      if (++calls == at) (void)files_.remove_directory(world);
      return std::nullopt;
    });
    const auto core = open();
    files_.set_fault_hook({});
    ASSERT_TRUE(core) << core.error().message();
    EXPECT_TRUE((*core)->recovery().created);
    ASSERT_TRUE((*core)->close_and_remove());
    if (calls < at) break;
  }
}

TEST_F(CreationTest, IsToldFromFindingADatabase) {
  EXPECT_TRUE(open().value()->recovery().created);
  EXPECT_FALSE(open().value()->recovery().created);
  EXPECT_FALSE(open_read_only().value()->recovery().created);
  EXPECT_FALSE(DatabaseCore::in_memory(schema(), options()).value()->recovery().created);
}

}  // namespace
}  // namespace stoa::detail
