// A replica that has a folder: opened again it is a replica still, where it was; promoted, it stays so; whatever call
// of the file system is the last one that works.
#include "checkpoint/checkpoints.h"
#include "checkpoint/folder_log.h"
#include "database/folder_fixture.h"
#include "delta/delta_access.h"

#include <stoa/delta.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>

namespace stoa::detail {
namespace {

using Hash = std::array<std::uint64_t, 2>;

class ReplicaFolderTest : public FolderTest {
 protected:
  /// One that leads, in memory. It commits, and remembers each version.
  struct Primary {
    Core core = DatabaseCore::in_memory(schema(), options()).value();
    std::vector<Snapshot> snapshots;  // by version
    std::vector<Entity> entities;

    Primary() { snapshots.push_back(core->snapshot()); }
    void act(std::uint64_t random) {
      Transaction transaction = core->engine().begin();
      if (random % 3 == 0 && !entities.empty()) {
        const std::size_t which = random / 3 % entities.size();
        transaction.destroy(entities[which]);
        entities.erase(entities.begin() + static_cast<std::ptrdiff_t>(which));
      } else {
        entities.push_back(transaction.create());
        transaction.insert("a", entities.back(), {{"x", static_cast<std::uint32_t>(random)}});
      }
      ASSERT_TRUE(std::move(transaction).commit());
      snapshots.push_back(core->snapshot());
    }
    void act(SeededRandom& random, std::size_t count) {
      for (; count != 0; --count) act(random.next());
    }
    [[nodiscard]] Version version() const { return snapshots.size() - 1; }
    [[nodiscard]] Hash hash(Version version) const { return snapshots[version].state_hash(); }
    /// Over the wire.
    [[nodiscard]] Delta delta(Version from, Version to) const {
      const Delta whole = from == 0 && to != 1 ? Delta::full(snapshots[to]) : diff(snapshots[from], snapshots[to]);
      return Delta::decode(whole.encode()).value();
    }
  };

  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_.next() % n; }

  static bool takes_writes(DatabaseCore& core) {
    const auto done = commit(core);
    EXPECT_TRUE(done || done.error().code() == ErrorCode::read_only) << done.error().message();
    return done.has_value();
  }
  std::vector<std::pair<Version, Version>> logged_steps() {
    auto log = checkpoint::FolderLog::open(files_, world, nullptr, 0).value();
    std::vector<std::pair<Version, Version>> out;
    while (true) {
      const auto next = log.next();
      EXPECT_TRUE(next) << next.error().message();
      if (!next || !*next) return out;
      out.emplace_back((*next)->delta.from(), (*next)->delta.to());
    }
  }
};

TEST_F(ReplicaFolderTest, OpenedAgainItFollowsFromWhereItWas) {
  Primary primary;
  primary.act(random_, 60);
  std::vector<std::pair<Version, Version>> steps;
  Version at = 0;
  for (const Version to : {7U, 8U, 9U, 20U, 21U, 40U, 41U, 60U}) {
    const Core core = open().value();
    EXPECT_EQ(core->version(), at);
    EXPECT_EQ(core->snapshot().state_hash(), primary.hash(at));
    if (at != 0) {
      EXPECT_FALSE(takes_writes(*core));
      ASSERT_TRUE(core->engine().apply(primary.delta(at - 1, at))) << "it has that";
      EXPECT_EQ(core->engine().apply(primary.delta(at + 1, at + 2)).error().code(), ErrorCode::invalid_argument);
    }
    const auto applied = core->engine().apply(primary.delta(at, to));
    ASSERT_TRUE(applied) << applied.error().message();
    EXPECT_EQ(core->durable_version(), to);
    if (to % 2 == 0) {
      ASSERT_TRUE(core->checkpoint());
    }
    steps.emplace_back(at, to);
    at = to;
    ASSERT_TRUE(core->close());
  }
  const auto logged = logged_steps();
  EXPECT_EQ(logged, std::vector(steps.end() - static_cast<std::ptrdiff_t>(logged.size()), steps.end()));
  EXPECT_EQ(open()->get()->snapshot().state_hash(), primary.hash(60));
}

TEST_F(ReplicaFolderTest, OpenedAgainItTellsAForgeryFromWhatItsLogHas) {
  Primary primary;
  primary.act(random_, 12);
  Primary forger;  // of the same versions and another content
  forger.act(random_, 12);
  const std::vector<std::pair<Version, Version>> steps = {{0, 3}, {3, 4}, {4, 9}, {9, 10}, {10, 12}};
  {
    const Core core = open().value();
    for (const auto& [from, to] : steps) {
      ASSERT_TRUE(core->engine().apply(primary.delta(from, to)));
      if (to == 4) {
        ASSERT_TRUE(core->checkpoint());
      }
    }
    ASSERT_TRUE(core->close());
  }
  const auto forged = [&](Version from, Version to) {
    const Delta other = forger.delta(from, to);
    const DeltaAccess::Content& its = DeltaAccess::content(other);
    auto out = std::make_shared<DeltaAccess::Content>();
    out->from = from;
    out->to = to;
    out->full = its.full;
    out->history = DeltaAccess::content(primary.delta(from, to)).history;
    out->schema_mark = its.schema_mark;
    out->tables = its.tables;
    out->body = its.body;
    return DeltaAccess::make(std::move(out));
  };
  for (int opened = 0; opened != 2; ++opened) {
    const Core core = open().value();
    ASSERT_EQ(core->recovery().checkpoint, 4U);
    for (const auto& [from, to] : steps) {
      const auto again = core->engine().apply(primary.delta(from, to));
      ASSERT_TRUE(again) << again.error().message();
      EXPECT_EQ(again->version, 12U);
      const auto other = core->engine().apply(forged(from, to));
      if (to <= 4) {
        EXPECT_TRUE(other) << "what the checkpoint stands for is not known";
      } else {
        ASSERT_FALSE(other) << from << " to " << to;
        EXPECT_EQ(other.error().code(), ErrorCode::fork);
      }
    }
    EXPECT_EQ(core->snapshot().state_hash(), primary.hash(12));
    ASSERT_TRUE(core->close());
  }
}

TEST_F(ReplicaFolderTest, MayBeMadeOfManyDeltasInABatch) {
  Primary primary;
  primary.act(random_, 30);
  Options with = options();
  with.writer = WriterMode::thread;
  {
    const Core core = DatabaseCore::open(files_, world, schema(), with).value();
    for (Version at = 0; at != 30;) {
      const Version to = std::min<Version>(30, at + 1 + below(3));
      ASSERT_TRUE(core->engine().apply(primary.delta(at, to)));
      at = to;
    }
    ASSERT_TRUE(core->close());
  }
  EXPECT_EQ(open()->get()->snapshot().state_hash(), primary.hash(30));
}

TEST_F(ReplicaFolderTest, OncePromotedItStaysSo) {
  Primary primary;
  primary.act(random_, 20);
  Hash own{};
  {
    const Core core = open().value();
    ASSERT_TRUE(core->engine().apply(primary.delta(0, 12)));
    ASSERT_TRUE(core->checkpoint());
    EXPECT_EQ(core->engine().promote().value(), 12U);
    ASSERT_TRUE(core->close());
  }
  {
    const Core core = open().value();
    EXPECT_EQ(core->version(), 12U);
    EXPECT_EQ(core->recovery().checkpoint, 12U) << "of the history before";
    EXPECT_EQ(core->engine().apply(primary.delta(12, 13)).error().code(), ErrorCode::fork);
    EXPECT_TRUE(takes_writes(*core));
    EXPECT_TRUE(takes_writes(*core));
    ASSERT_TRUE(core->checkpoint());
    EXPECT_TRUE(takes_writes(*core));
    own = core->snapshot().state_hash();
    ASSERT_TRUE(core->close());
  }
  const Core core = open().value();
  EXPECT_EQ(core->version(), 15U);
  EXPECT_EQ(core->recovery().checkpoint, 14U);
  EXPECT_EQ(core->recovery().passed_by, "");
  EXPECT_EQ(core->snapshot().state_hash(), own);
  EXPECT_TRUE(takes_writes(*core));
}

TEST_F(ReplicaFolderTest, GivesNoIdOfTheOtherDatabaseAgain) {
  Primary primary;
  primary.act(random_, 200);
  for (const Version to : {100U, 200U}) {
    ASSERT_TRUE(open()->get()->engine().apply(primary.delta(to - 100, to)));
  }
  std::set<Entity> known;
  for (const Snapshot& snapshot : primary.snapshots) {
    ASSERT_TRUE(snapshot.each("a", [&](Entity entity, const RowView&) { known.insert(entity); }));
  }
  const Core core = open().value();
  ASSERT_TRUE(core->engine().promote());
  bool reused = false;
  for (int i = 0; i != 300; ++i) {
    Transaction transaction = core->engine().begin();
    const Entity fresh = transaction.create();
    EXPECT_TRUE(known.insert(fresh).second);
    reused = reused || fresh.generation() > 1;
    transaction.insert("a", fresh, {{"x", std::uint32_t{1}}});
    ASSERT_TRUE(std::move(transaction).commit());
  }
  EXPECT_TRUE(reused);
}

// What was free when it was opened is the other database's to give out, and has been by the time of the promotion.
TEST_F(ReplicaFolderTest, GivesNoIndexThatIsInUse) {
  const Core primary = DatabaseCore::in_memory(schema(), options()).value();
  std::vector<Entity> entities;
  const auto create = [](DatabaseCore& core, std::size_t count, std::vector<Entity>& into) {
    Transaction transaction = core.engine().begin();
    for (; count != 0; --count) {
      into.push_back(transaction.create());
      transaction.insert("a", into.back(), {{"x", std::uint32_t{1}}});
    }
    ASSERT_TRUE(std::move(transaction).commit());
  };
  create(*primary, 20'000, entities);
  Transaction ends = primary->engine().begin();
  for (std::size_t i = 0; i < 20'000; i += 2) ends.destroy(entities[i]);
  ASSERT_TRUE(std::move(ends).commit());
  ASSERT_TRUE(open()->get()->engine().apply(Delta::full(primary->snapshot())));

  const Core core = open().value();
  std::vector<Entity> later;
  {
    const Snapshot before = primary->snapshot();
    create(*primary, 9'000, later);
    ASSERT_TRUE(core->engine().apply(diff(before, primary->snapshot())));
  }
  EXPECT_TRUE(std::ranges::any_of(later, [](Entity entity) { return entity.generation() > 1; }));
  ASSERT_TRUE(core->engine().promote());
  std::vector<Entity> own;
  create(*core, 20'000, own);
  const Snapshot now = core->snapshot();
  EXPECT_EQ(now.count("a").value(), 10'000U + 9'000U + 20'000U);
  for (Entity entity : later) EXPECT_TRUE(now.alive(entity));
  EXPECT_TRUE(now.wrong_indexes().empty());
}

// What was not taken leaves no trace of whose it was.
TEST_F(ReplicaFolderTest, IsNoReplicaOfWhatItCouldNotTake) {
  Primary primary;
  primary.act(random_, 8);
  {
    const Core core = open().value();
    files_.set_capacity(0);
    EXPECT_EQ(core->engine().apply(primary.delta(0, 8)).error().code(), ErrorCode::disk_full);
    files_.set_capacity(~std::uint64_t{0});
    EXPECT_TRUE(takes_writes(*core));
    EXPECT_EQ(core->engine().apply(primary.delta(0, 8)).error().code(), ErrorCode::fork);
    ASSERT_TRUE(core->close());
  }
  EXPECT_TRUE(takes_writes(*open().value()));
}

TEST_F(ReplicaFolderTest, StaysAReplicaWhereThePromotionHasNoRoom) {
  Primary primary;
  primary.act(random_, 8);
  {
    const Core core = open().value();
    ASSERT_TRUE(core->engine().apply(primary.delta(0, 5)));
    files_.set_capacity(0);
    EXPECT_EQ(core->engine().promote().error().code(), ErrorCode::disk_full);
    files_.set_capacity(~std::uint64_t{0});
    EXPECT_FALSE(takes_writes(*core));
    ASSERT_TRUE(core->engine().apply(primary.delta(5, 8)));
    ASSERT_TRUE(core->close());
  }
  const Core core = open().value();
  EXPECT_EQ(core->snapshot().state_hash(), primary.hash(8));
  EXPECT_FALSE(takes_writes(*core));
  ASSERT_TRUE(core->engine().promote());
  EXPECT_TRUE(takes_writes(*core));
}

// Also where there is nothing yet to follow.
TEST_F(ReplicaFolderTest, FollowsAnEmptyDatabaseStillWhenItIsOpenedAgain) {
  const Core primary = DatabaseCore::in_memory(schema(), options()).value();
  {
    const Core core = open().value();
    ASSERT_TRUE(core->engine().apply(Delta::full(primary->snapshot())));
    EXPECT_FALSE(takes_writes(*core));
    ASSERT_TRUE(core->close());
  }
  EXPECT_FALSE(takes_writes(*open().value()));
}

// The checkpoint at the very version of a promotion is of the history before, and outlives that history's segments.
TEST_F(ReplicaFolderTest, TheCheckpointAtAPromotionStandsInForTheNext) {
  const Core primary = DatabaseCore::in_memory(schema(), options()).value();
  for (int i = 0; i != 5; ++i) ASSERT_TRUE(commit(*primary));
  std::array<std::uint64_t, 2> hash{};
  {
    const Core core = open().value();
    ASSERT_TRUE(core->engine().apply(Delta::full(primary->snapshot())));
    ASSERT_EQ(core->checkpoint().value(), 5U);
    ASSERT_TRUE(core->engine().promote());
    ASSERT_TRUE(commit(*core));
    ASSERT_EQ(core->checkpoint().value(), 6U);
    hash = core->snapshot().state_hash();
    ASSERT_TRUE(core->close());
  }
  const std::string newest = join_path(world, checkpoint::checkpoint_name(6));
  std::vector<std::byte> bytes = files_.contents(newest);
  bytes.at(200) ^= std::byte{1};
  files_.set_contents(newest, std::move(bytes));
  const auto core = open();
  ASSERT_TRUE(core) << core.error().message();
  EXPECT_EQ((*core)->recovery().checkpoint, 5U);
  EXPECT_EQ((*core)->snapshot().state_hash(), hash);
}

TEST_F(ReplicaFolderTest, NeedsEveryReplicatedTableLogged) {
  const auto passing = Schema::from_toml(
                           "[database]\nname = \"w\"\n[tables.a]\nfields = [{ name = \"x\", type = \"u32\" }]\n"
                           "[tables.b]\nlog = false\nfields = [{ name = \"x\", type = \"u32\" }]\n",
                           "a")
                           .value()
                           .compile()
                           .value();
  const Core primary = DatabaseCore::in_memory(passing, options()).value();
  ASSERT_TRUE(commit(*primary));
  const Core core = DatabaseCore::open(files_, world, passing, options()).value();
  const auto refused = core->engine().apply(Delta::full(primary->snapshot()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
  EXPECT_NE(refused.error().message().find("table b"), std::string::npos) << refused.error().message();
  EXPECT_TRUE(takes_writes(*core));
}

// --- Power losses -----------------------------------------------------------------------------------------------

class ReplicaPowerLossTest : public ReplicaFolderTest {
 protected:
  void stop_at(std::uint64_t call) {
    calls_ = 0;
    files().set_fault_hook([this, call](FileOperation, const std::string& path) -> std::optional<Error> {
      if (++calls_ < call) return std::nullopt;
      return Error(ErrorCode::io, Place{.source = path}, "stopped");
    });
  }
  MemoryFileSystem& files() { return *disk_; }

  // It follows, with checkpoints between, and is promoted in the end. False where it was cut short.
  bool live() {
    const auto core = DatabaseCore::open(files(), world, schema(), options());
    if (!core) return false;
    expect_right(**core);
    acknowledged_ = (*core)->version();
    while (!promoting_ && (*core)->version() != primary_.version()) {
      const Version to = std::min(primary_.version(), (*core)->version() + 1 + below(4));
      if (!(*core)->engine().apply(primary_.delta((*core)->version(), to))) return false;
      acknowledged_ = to;
      if (below(3) == 0 && !(*core)->checkpoint()) return false;
    }
    promoting_ = true;
    if (!(*core)->engine().promote()) return false;
    promoted_ = true;
    for (int i = 0; i != 3; ++i) {
      if (!commit(**core)) return false;
      own_acknowledged_ = (*core)->version();
      if (i == 1 && !(*core)->checkpoint()) return false;
    }
    return (*core)->close().has_value();
  }

  void expect_right(DatabaseCore& core) {
    EXPECT_EQ(core.recovery().passed_by, "");
    if (core.version() <= primary_.version()) {
      EXPECT_GE(core.version(), acknowledged_);
      EXPECT_EQ(core.snapshot().state_hash(), primary_.hash(core.version())) << core.version();
    }
    EXPECT_GE(core.version(), own_acknowledged_);
    EXPECT_TRUE(!promoted_ || core.version() >= primary_.version());
  }

  // Whether it is a replica, by what it answers; it has no transaction after that which it had not.
  static bool follows(DatabaseCore& core) {
    Transaction transaction = core.engine().begin();
    const auto done = std::move(transaction).commit();  // without an effect
    return !done && done.error().code() == ErrorCode::read_only;
  }

  std::optional<MemoryFileSystem> disk_;
  Primary primary_;
  std::uint64_t calls_ = 0;
  Version acknowledged_ = 0;
  Version own_acknowledged_ = 0;
  bool promoting_ = false;
  bool promoted_ = false;
};

TEST_F(ReplicaPowerLossTest, ComesBackAsAReplicaOrPromotedAndWithWhatWasAcknowledged) {
  primary_.act(random_, 12);
  std::uint64_t cut = 0;
  for (std::uint64_t call = 1; !HasFailure(); ++call) {
    bool was_cut = false;
    for (const Unsynced unsynced : {Unsynced::kept, Unsynced::lost, Unsynced::shuffled}) {
      SCOPED_TRACE("call " + std::to_string(call));
      disk_.emplace();
      acknowledged_ = own_acknowledged_ = 0;
      promoting_ = promoted_ = false;
      stop_at(call);
      const bool lived = live();
      was_cut = was_cut || !lived;
      cut += lived ? 0 : 1;
      files().set_fault_hook({});
      files().crash(unsynced, random_);
      const auto core = DatabaseCore::open(files(), world, schema(), options());
      ASSERT_TRUE(core) << core.error().message();
      expect_right(**core);
      if (promoted_) {
        EXPECT_FALSE(follows(**core));
      }
      if (!promoting_ && (*core)->version() != 0) {
        EXPECT_TRUE(follows(**core));
        EXPECT_TRUE((*core)->engine().apply(primary_.delta((*core)->version(), primary_.version())));
      }
    }
    if (!was_cut) break;
  }
  EXPECT_GT(cut, 100U);
}

}  // namespace
}  // namespace stoa::detail
