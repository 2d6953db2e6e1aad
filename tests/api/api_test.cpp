// The examples of the public page, as programs that users write them.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

struct Position {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))
struct Velocity {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y, z))
enum class Phase : std::uint8_t { parked, taxiing, airborne };
BOOST_DESCRIBE_ENUM(Phase, parked, taxiing, airborne)
struct Flight {
  stoa::Text callsign;
  Phase phase;
  std::array<float, 4> fuel;
};
BOOST_DESCRIBE_STRUCT(Flight, (), (callsign, phase, fuel))
struct Docked {
  stoa::Entity port;
  std::uint32_t gate;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (port, gate))
struct Airport {
  stoa::Text code;
};
BOOST_DESCRIBE_STRUCT(Airport, (), (code))
struct Stranger {
  int number;
};
BOOST_DESCRIBE_STRUCT(Stranger, (), (number))
struct Shelf {
  std::array<stoa::Text, 65> books;
};
BOOST_DESCRIBE_STRUCT(Shelf, (), (books))
struct Delayed {};
BOOST_DESCRIBE_STRUCT(Delayed, (), ())

stoa::Schema airfield() {
  stoa::Schema schema("airfield");
  schema.table<Position>("position");
  schema.table<Velocity>("velocity");
  schema.table<Flight>("flight");
  schema.table<Airport>("airport").unique<&Airport::code>();
  schema.table<Docked>("docked").foreign_key<&Docked::port>("airport", stoa::OnDelete::cascade).index<&Docked::gate>();
  schema.table<Delayed>("delayed").sparse();
  return schema;
}

class Folder {
 public:
  Folder() {
    path_ = std::filesystem::temp_directory_path() / ("stoa-api-" + std::to_string(::getpid()) + "-" +
                                                      ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Api, APublicExampleRuns) {
  auto opened = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(opened) << opened.error().message();
  stoa::Database& db = *opened;

  stoa::Transaction tx = db.begin();
  stoa::Entity jfk = tx.create();
  tx.insert(jfk, Airport{.code = "JFK"});
  stoa::Entity a = tx.create();
  tx.insert(a, Position{1, 2, 3}).insert(a, Velocity{1, 0, 0}).insert(a, Docked{jfk, 7});
  auto done = std::move(tx).commit();
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->version, 1U);

  stoa::Snapshot before = db.snapshot();
  stoa::Transaction tx2 = db.begin();
  tx2.update(a, Position{4, 5, 6}).set<&Position::x>(a, 9.f).insert(a, Delayed{});
  stoa::CommitTicket ticket = std::move(tx2).submit();
  ASSERT_TRUE(ticket.get());
  EXPECT_TRUE(ticket.wait_for(std::chrono::nanoseconds(0)));

  auto written = db.write([a](stoa::Writer& w) -> std::expected<void, stoa::Error> {
    w.each<Position, const Velocity>([](stoa::Entity, Position& p, const Velocity& v) { p.x += v.x; });
    const Position* p = w.get<Position>(a);
    if (!p) return std::unexpected(stoa::Error::not_found("some"));
    return {};
  });
  ASSERT_TRUE(written) << written.error().message();

  stoa::Snapshot s = db.snapshot();
  EXPECT_EQ(s.version(), 3U);
  EXPECT_EQ(before.version(), 1U);
  EXPECT_EQ(s.get<Position>(a)->x, 10.f);
  EXPECT_EQ(before.get<Position>(a)->x, 1.f);
  EXPECT_TRUE(s.has<Delayed>(a));
  EXPECT_FALSE(before.has<Delayed>(a));
  EXPECT_TRUE(s.alive(a));
  EXPECT_EQ((s.count<Position, Velocity>()), 1U);
  int visited = 0;
  s.each<Position, Velocity>([&](stoa::Entity e, const Position& p, const Velocity& v) {
    EXPECT_EQ(e, a);
    EXPECT_EQ(p.y, 5.f);
    EXPECT_EQ(v.x, 1.f);
    ++visited;
  });
  for (auto [e, pos, vel] : s.view<Position, std::optional<Velocity>>(stoa::with<Delayed>)) {
    EXPECT_EQ(e, a);
    EXPECT_EQ(pos.z, 6.f);
    EXPECT_NE(vel, nullptr);
    ++visited;
  }
  for (auto [e, pos] : s.view<Position>(stoa::without<Delayed>)) {
    ADD_FAILURE() << e.index() << pos.x;
  }
  for (auto chunk : s.chunks<Position, Velocity>()) {
    std::span<const Position> ps = chunk.column<Position>();
    EXPECT_EQ(ps.size(), chunk.entities().size());
    visited += static_cast<int>(ps.size());
  }
  EXPECT_EQ(visited, 3);
  EXPECT_EQ(s.find<&Airport::code>("JFK"), jfk);
  EXPECT_FALSE(s.find<&Airport::code>("LGA"));
  EXPECT_EQ(s.row("position", a)->field("x")->as<float>(), 10.f);
}

TEST(Api, AReferenceGoesWithItsTargetAndRestrictHolds) {
  auto opened = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(opened);
  stoa::Database& db = *opened;
  auto tx = db.begin();
  const stoa::Entity jfk = tx.create();
  const stoa::Entity plane = tx.create();
  tx.insert(jfk, Airport{"JFK"}).insert(plane, Docked{jfk, 1});
  ASSERT_TRUE(std::move(tx).commit());
  auto end = db.begin();
  end.destroy(jfk);
  ASSERT_TRUE(std::move(end).commit());
  EXPECT_FALSE(db.snapshot().alive(plane));

  auto dangling = db.begin();
  dangling.insert(dangling.create(), Docked{jfk, 1});
  auto refused = std::move(dangling).commit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), stoa::ErrorCode::constraint_violation);
  ASSERT_EQ(refused.error().violations().size(), 1U);
  EXPECT_EQ(refused.error().violations()[0].constraint, "docked.port");
  EXPECT_EQ(refused.error().violations()[0].target, jfk);
}

TEST(Api, AWorldIsThereAfterReopening) {
  const Folder folder;
  stoa::Entity jfk;
  stoa::Entity ended;
  std::array<std::uint64_t, 2> hash{};
  const std::string long_text(100'000, 'x');
  {
    auto db = stoa::Database::open(folder.path(), airfield());
    ASSERT_TRUE(db) << db.error().message();
    auto tx = db->begin();
    jfk = tx.create();
    ended = tx.create();
    tx.insert(jfk, Airport{long_text}).insert(ended, Position{1, 2, 3}).insert(jfk, Delayed{});
    ASSERT_TRUE(std::move(tx).commit());
    auto second = db->begin();
    second.destroy(ended);
    ASSERT_TRUE(std::move(second).commit());
    EXPECT_EQ(db->durable_version(), 2U);
    auto locked = stoa::Database::open(folder.path(), airfield());
    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().code(), stoa::ErrorCode::locked);
    auto look = stoa::Database::open_read_only(folder.path());
    ASSERT_TRUE(look) << look.error().message();
    EXPECT_EQ(look->snapshot().state_hash(), db->snapshot().state_hash());
    auto refused = look->begin();
    EXPECT_EQ(std::move(refused).commit().error().code(), stoa::ErrorCode::read_only);
    hash = db->snapshot().state_hash();
  }
  auto db = stoa::Database::open(folder.path(), airfield());
  ASSERT_TRUE(db) << db.error().message();
  EXPECT_EQ(db->version(), 2U);
  EXPECT_EQ(db->recovery().transactions, 2U);
  EXPECT_EQ(db->snapshot().state_hash(), hash);
  EXPECT_EQ(db->snapshot().get<Airport>(jfk)->code, long_text);
  auto tx = db->begin();
  const stoa::Entity next = tx.create();
  EXPECT_NE(next, ended);
  tx.insert(next, Position{});
  ASSERT_TRUE(std::move(tx).commit());
  EXPECT_EQ(db->version(), 3U);
}

TEST(Api, AWorldIsRemovedWithItsFolder) {
  const Folder folder;
  EXPECT_EQ(stoa::Database::remove(folder.path()).error().code(), stoa::ErrorCode::not_found);
  {
    auto database = stoa::Database::open(folder.path(), airfield());
    ASSERT_TRUE(database);
    EXPECT_TRUE(database->recovery().created);
    ASSERT_TRUE(database->write([](stoa::Writer& writer) { (void)writer.create(); }));
    EXPECT_EQ(stoa::Database::remove(folder.path()).error().code(), stoa::ErrorCode::locked);
  }
  ASSERT_TRUE(stoa::Database::remove(folder.path()));
  EXPECT_FALSE(std::filesystem::exists(folder.path()));

  auto again = stoa::Database::open(folder.path(), airfield());
  ASSERT_TRUE(again);
  ASSERT_TRUE(again->close_and_remove());
  EXPECT_FALSE(std::filesystem::exists(folder.path()));
}

TEST(Api, ASnapshotAndATicketOutliveTheDatabase) {
  std::optional<stoa::Snapshot> snapshot;
  std::optional<stoa::CommitTicket> ticket;
  stoa::Entity entity;
  {
    auto db = stoa::Database::in_memory(airfield());
    ASSERT_TRUE(db);
    auto tx = db->begin();
    entity = tx.create();
    tx.insert(entity, Position{7, 8, 9});
    ticket.emplace(std::move(tx).submit());
    ASSERT_TRUE(ticket->get());
    snapshot.emplace(db->snapshot());
  }
  EXPECT_EQ(snapshot->get<Position>(entity)->y, 8.f);
  stoa::Snapshot copy = snapshot->clone();
  snapshot.reset();
  EXPECT_TRUE(ticket->get());
  EXPECT_EQ(copy.get<Position>(entity)->z, 9.f);
}

TEST(Api, AManualWriterCommitsByStepsOnly) {
  stoa::Options options;
  options.writer = stoa::WriterMode::manual;
  auto db = stoa::Database::in_memory(airfield(), options);
  ASSERT_TRUE(db);
  auto tx = db->begin();
  const stoa::Entity entity = tx.create();
  tx.insert(entity, Position{});
  auto ticket = std::move(tx).submit();
  EXPECT_FALSE(ticket.wait_for(std::chrono::milliseconds(1)));
  EXPECT_EQ(db->version(), 0U);
  EXPECT_EQ(db->step(), 1U);
  EXPECT_TRUE(ticket.wait_for(std::chrono::nanoseconds(0)));
  EXPECT_EQ(db->version(), 1U);
  // A waiting call on the thread that steps does the stepping.
  EXPECT_TRUE(db->write([&](stoa::Writer& w) { w.destroy(entity); }));
  EXPECT_EQ(db->snapshot().count<>(), 0U);
}

TEST(Api, ATransactionWithoutEffectTakesNoVersion) {
  auto db = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(db);
  auto tx = db->begin();
  const stoa::Entity entity = tx.create();
  tx.insert(entity, Position{1, 1, 1});
  ASSERT_TRUE(std::move(tx).commit());
  auto same = db->begin();
  same.update(entity, Position{2, 2, 2})
      .update(entity, Position{1, 1, 1})
      .insert(entity, Velocity{})
      .remove<Velocity>(entity);
  auto answer = std::move(same).commit();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->version, 1U);
  auto fleeting = db->begin();
  fleeting.destroy(fleeting.create());
  EXPECT_EQ(std::move(fleeting).commit()->version, 1U);
  auto back_and_forth = db->write([](stoa::Writer& w) {
    w.each<Position>([](stoa::Entity, Position& p) { p.x += 1; });
    w.each<Position>([](stoa::Entity, Position& p) { p.x -= 1; });
  });
  EXPECT_EQ(back_and_forth->version, 1U);
}

// The writer runs the function: what waits for the writer in it would wait for ever.
TEST(Api, AWriteFunctionThatWaitsForItsOwnDatabaseIsAborted) {
  for (const stoa::WriterMode mode : {stoa::WriterMode::thread, stoa::WriterMode::manual}) {
    stoa::Options options;
    options.writer = mode;
    auto db = stoa::Database::in_memory(airfield(), options);
    ASSERT_TRUE(db);
    const auto refused = [&](auto&& waits) {
      auto answer = db->write([&](stoa::Writer& writer) {
        writer.insert(writer.create(), Position{1, 1, 1});
        waits();
      });
      return !answer && answer.error().code() == stoa::ErrorCode::aborted && db->snapshot().count<Position>() == 0;
    };
    EXPECT_TRUE(refused([&] { (void)db->write([](stoa::Writer&) {}); }));
    EXPECT_TRUE(refused([&] { (void)db->flush(); }));
    EXPECT_TRUE(refused([&] { (void)db->begin().commit(); }));
    EXPECT_TRUE(refused([&] { (void)db->begin().submit().get(); }));
    if (mode == stoa::WriterMode::manual) {
      EXPECT_TRUE(refused([&] { db->step(); }));
    }
    std::optional<stoa::CommitTicket> ticket;
    EXPECT_TRUE(db->write([&](stoa::Writer&) {
      stoa::Transaction tx = db->begin();
      tx.insert(tx.create(), Position{1, 1, 1});
      ticket.emplace(std::move(tx).submit());
    })) << "submitting is no waiting";
    EXPECT_TRUE(ticket->get());
    EXPECT_EQ(db->snapshot().count<Position>(), 1U);
  }
}

TEST(Api, ASnapshotThatWasMovedFromSaysSo) {
  auto db = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(db);
  stoa::Snapshot snapshot = db->snapshot();
  const stoa::Snapshot taken = std::move(snapshot);
  // NOLINTBEGIN(bugprone-use-after-move): that is the test
  EXPECT_THROW((void)snapshot.version(), std::logic_error);
  EXPECT_THROW((void)snapshot.get<Position>(stoa::Entity()), std::logic_error);
  EXPECT_THROW((void)snapshot.clone(), std::logic_error);
  EXPECT_THROW((snapshot.each<Position>([](stoa::Entity, const Position&) {})), std::logic_error);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(taken.version(), 0U);
}

TEST(Api, ADeltaThatWasMovedFromSaysSo) {
  auto db = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(db);
  stoa::Delta delta = stoa::Delta::full(db->snapshot());
  const stoa::Delta taken = std::move(delta);
  // NOLINTBEGIN(bugprone-use-after-move): that is the test
  EXPECT_THROW((void)delta.from(), std::logic_error);
  EXPECT_THROW((void)delta.tag(), std::logic_error);
  EXPECT_THROW((void)delta.is_full(), std::logic_error);
  EXPECT_THROW((void)delta.empty(), std::logic_error);
  EXPECT_THROW((void)delta.ops(), std::logic_error);
  EXPECT_THROW((void)delta.count(), std::logic_error);
  EXPECT_THROW((void)delta.encode(), std::logic_error);
  EXPECT_THROW((void)delta.byte_size(), std::logic_error);
  EXPECT_THROW(delta.each([](const stoa::DeltaChange&) { return true; }), std::logic_error);
  EXPECT_THROW((void)db->apply(delta), std::logic_error);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_TRUE(taken.is_full());
}

TEST(Api, ASnapshotOfAnotherDatabaseIsRefusedAtOnce) {
  auto one = stoa::Database::in_memory(airfield());
  auto other = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(one && other);
  const stoa::Snapshot seen = other->snapshot();
  EXPECT_THROW(one->begin().expect_unchanged<Position>(seen, stoa::Entity()), std::logic_error);
  EXPECT_THROW((void)one->restore(seen), std::logic_error);
  EXPECT_THROW((void)stoa::diff(seen, one->snapshot()), std::logic_error);
}

TEST(Api, AssigningLetsGoOfWhatWasHeld) {
  const Folder folder;
  std::filesystem::create_directories(folder.path());
  auto first = stoa::Database::open(folder.path() / "a", airfield());
  auto second = stoa::Database::open(folder.path() / "b", airfield());
  ASSERT_TRUE(first && second);
  *first = std::move(*second);
  EXPECT_TRUE(stoa::Database::open(folder.path() / "a", airfield())) << "it was closed";
  stoa::Snapshot old = first->snapshot();
  stoa::Snapshot other = first->snapshot();
  const auto snapshots_after_a_commit = [&] {
    EXPECT_TRUE(first->write([](stoa::Writer& writer) { writer.insert(writer.create(), Position{}); }));
    return first->metrics().snapshots;
  };
  EXPECT_EQ(snapshots_after_a_commit(), 2U);
  old = std::move(other);
  EXPECT_EQ(snapshots_after_a_commit(), 1U);
}

TEST(Api, ATextIsNeverCutShort) {
  auto db = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(db);
  stoa::Transaction tx = db->begin();
  // Never read: it is refused by its length, of which the lower 32 bits are 1.
  const std::vector<char> few(16, 'x');
  const std::string_view endless(few.data(), (std::size_t{1} << 32U) + 1);
  tx.insert(tx.create(), Airport{.code = endless});
  const auto answer = std::move(tx).commit();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), stoa::ErrorCode::too_large);
}

TEST(Api, TheTextsOfARowHaveABoundTogether) {
  stoa::Schema schema("library");
  schema.table<Shelf>("shelf");
  auto db = stoa::Database::in_memory(schema);
  ASSERT_TRUE(db);
  const std::string book(std::size_t{16} << 20U, 'x');
  Shelf shelf;
  shelf.books.fill(book);
  stoa::Transaction tx = db->begin();
  tx.insert(tx.create(), shelf);
  const auto answer = std::move(tx).commit();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), stoa::ErrorCode::too_large);
  EXPECT_NE(answer.error().message().find("shelf.books"), std::string::npos) << answer.error().message();
}

TEST(Api, WhatCannotBeDoneFailsTheCommitAndNothingIsApplied) {
  auto db = stoa::Database::in_memory(airfield());
  ASSERT_TRUE(db);
  auto tx = db->begin();
  const stoa::Entity entity = tx.create();
  tx.insert(entity, Position{1, 1, 1});
  ASSERT_TRUE(std::move(tx).commit());
  const auto code_of = [&](auto&& fill) {
    auto failing = db->begin();
    failing.set<&Position::x>(entity, 99.f);
    fill(failing);
    auto answer = std::move(failing).commit();
    EXPECT_FALSE(answer);
    EXPECT_EQ(db->version(), 1U);
    EXPECT_EQ(db->snapshot().get<Position>(entity)->x, 1.f);
    return answer ? stoa::ErrorCode::io : answer.error().code();
  };
  using stoa::ErrorCode;
  EXPECT_EQ(code_of([&](auto& t) { t.insert(entity, Position{}); }), ErrorCode::already_exists);
  EXPECT_EQ(code_of([&](auto& t) { t.update(entity, Velocity{}); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&](auto& t) { t.template remove<Velocity>(entity); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&](auto& t) { t.destroy(stoa::Entity(77, 1)); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&](auto& t) { t.insert("positron", entity, {}); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&](auto& t) { t.insert("velocity", entity, {{"x", "fast"}}); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&](auto& t) { t.insert(entity, Flight{"BA1", Phase{9}, {}}); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&](auto& t) { t.deadline(std::chrono::nanoseconds(-1)); }), ErrorCode::timeout);
  auto thrown = db->write([&](stoa::Writer& w) {
    w.set<&Position::x>(entity, 5.f);
    throw std::runtime_error("stop");
  });
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code(), ErrorCode::aborted);
  EXPECT_EQ(db->snapshot().get<Position>(entity)->x, 1.f);
  EXPECT_THROW((void)db->snapshot().get<Stranger>(entity), std::logic_error);
}

}  // namespace
