// Functions that run on the writer: how they fail, and what their walks may do.
#include "txn/testing/test_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::txn::test {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t chunk_rows = std::size_t{1} << detail::chunk_row_bits_max;
// Three chunks, the last one not full.
constexpr std::size_t row_count = 2 * chunk_rows + (chunk_rows + 1) / 2;
constexpr std::size_t mid_chunk = chunk_rows + chunk_rows / 2;

struct Stop : std::runtime_error {
  Stop() : std::runtime_error("stop here") {}
};

// With a log the rows that a walk changed are told apart; without one only if they must.
class WriteFunction : public ::testing::TestWithParam<bool> {
 protected:
  void TearDown() override {
    if (GetParam()) db_.expect_the_sink_tells_the_world();
  }
  /// All that a reader of the newest snapshot sees, and what the next transaction finds, is as it was.
  void expect_nothing_happened(const storage::test::Picture& before, Version version) {
    EXPECT_EQ(db_.version(), version);
    EXPECT_TRUE(db_.picture() == before);
    EXPECT_TRUE(db_.unpublished_picture() == before);
    EXPECT_TRUE(db_.sink.open.empty());
  }
  // Runs a function that fails after it did something, and expects nothing of it.
  template <typename Function>
  void expect_failure(ErrorCode code, const std::string& message, Function&& function) {
    const std::vector<Entity> entities = db_.add_positions(3);
    const storage::test::Picture before = db_.picture();
    const auto answer = db_.write([&](Writer& writer) {
      writer.insert(writer.create(), Name{"new", 1}).insert(entities[0], Active{}).destroy(entities[1]);
      writer.each<Position>([](Entity, Position& position) { position.y = 9; });
      return function(writer);
    });
    EXPECT_EQ(code_of(answer), code);
    EXPECT_THAT(answer.error().message(), HasSubstr(message));
    expect_nothing_happened(before, 1);
    EXPECT_EQ(version_of(db_.write([&](Writer& writer) { writer.insert(entities[1], Mass{1}); })), 2U);
  }

  TestDatabase db_{stepped(), GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Txn, WriteFunction, ::testing::Bool(),
                         [](const auto& name) { return name.param ? "WithALog" : "WithoutALog"; });

// --- Failing ------------------------------------------------------------------------------------------------------

TEST_P(WriteFunction, AnswersTheErrorThatItReturns) {
  expect_failure(ErrorCode::conflict, "not today", [](Writer&) -> std::expected<void, Error> {
    return std::unexpected(Error(ErrorCode::conflict, "not today"));
  });
}

TEST_P(WriteFunction, IsAbortedByAnException) {
  expect_failure(ErrorCode::aborted, "stop here", [](Writer&) { throw Stop(); });
}

TEST_P(WriteFunction, IsAbortedByAnExceptionThatIsNone) {
  expect_failure(ErrorCode::aborted, "threw", [](Writer&) { throw 7; });
}

TEST_P(WriteFunction, AnswersOutOfMemory) {
  expect_failure(ErrorCode::out_of_memory, "", [](Writer&) { throw std::bad_alloc(); });
}

TEST_P(WriteFunction, FailsByAnOperationThatCannotBeDoneWhateverItReturns) {
  expect_failure(ErrorCode::not_found, "remove mass", [](Writer& writer) -> std::expected<void, Error> {
    const Entity entity = writer.create();
    writer.remove<Mass>(entity).insert(entity, Mass{1});
    EXPECT_TRUE(writer.has<Mass>(entity)) << "what can be done is done";
    return {};
  });
}

TEST_P(WriteFunction, FailsByTheRulesInTheEnd) {
  expect_failure(ErrorCode::constraint_violation, "name.name", [](Writer& writer) {
    writer.insert(writer.create(), Name{"new", 2});
  });
}

TEST_P(WriteFunction, ReadsItsOwnWrites) {
  const Entity entity = db_.add_positions(1)[0];
  const auto answer = db_.write([&](Writer& writer) {
    const Entity other = writer.create();
    EXPECT_TRUE(writer.alive(other));
    writer.insert(other, Position{5, 0}).set<&Position::x>(entity, 3).insert(entity, Selected{});
    EXPECT_EQ(writer.get<Position>(other)->x, 5);
    EXPECT_EQ(writer.get<Position>(entity)->x, 3);
    EXPECT_TRUE(writer.has<Selected>(entity));
    EXPECT_EQ(writer.count<Position>(), 2U);
    EXPECT_EQ(db_.snapshot().get<Position>(entity)->x, 1) << "nobody else does";
  });
  EXPECT_EQ(version_of(answer), 2U);
  EXPECT_EQ(db_.snapshot().count<Position>(), 2U);
}

// The row that get() gave is in a page that the insert frees, as the chunk where the entity comes to is full, and uses
// again for a copy of the one that it leaves.
TEST_P(WriteFunction, InsertsARowThatItGotFromTheWriter) {
  for (const bool upsert : {false, true}) {
    const Entity old = db_.add_positions(2)[0];
    EXPECT_TRUE(db_.write([&](Writer& writer) {
      Entity first;
      for (std::size_t i = 0; i != detail::chunk_rows_first; ++i) {
        const Entity entity = writer.create();
        if (i == 0) first = entity;
        writer.insert(entity, Velocity{7, 7}).insert(entity, Position{2, 2});
      }
      const Velocity& row = *writer.get<Velocity>(first);
      upsert ? writer.upsert(old, row) : writer.insert(old, row);
    }));
    const Snapshot snapshot = db_.snapshot();
    EXPECT_EQ(snapshot.get<Velocity>(old)->dx, 7);
    EXPECT_EQ(snapshot.get<Velocity>(old)->dy, 7);
    (void)db_.write([&](Writer& writer) {
      snapshot.each<Position>([&](Entity entity, const Position&) { writer.destroy(entity); });
    });
  }
}

TEST_P(WriteFunction, CreatesManyWithTheirRowsAndSeesThemAtOnce) {
  constexpr std::size_t count = 3 * chunk_rows + 1;
  std::vector<Position> positions(count);
  std::vector<Name> names(count);
  std::vector<std::string> texts(count);
  for (std::size_t i = 0; i != count; ++i) {
    positions[i] = {static_cast<double>(i), 1};
    texts[i] = "a name that does not fit into its cell " + std::to_string(i);
    names[i] = {texts[i], static_cast<std::int64_t>(i)};
  }
  std::vector<Entity> entities;
  const auto answer = db_.write([&](Writer& writer) {
    entities = writer.create(count);
    writer.insert(entities, std::span<const Position>(positions)).insert(entities, std::span<const Name>(names));
    EXPECT_EQ(writer.count<Position>(), count);
    for (std::string& text : texts) text.assign("gone");
    EXPECT_EQ(writer.get<Name>(entities[count - 1])->rank, static_cast<std::int64_t>(count) - 1);

    // Others come first, or only some get rows, or rows come twice.
    const std::vector<Entity> more = writer.create(2);
    writer.insert(writer.create(), Mass{1}).insert(more, std::span<const Position>(positions).first(2));
    const std::vector<Entity> three = writer.create(3);
    writer.insert(std::span(three).first(2), std::span<const Position>(positions).first(2)).insert(three[2], Mass{5});
    (void)writer.create(2);
    EXPECT_TRUE(writer.alive(more[1]));
    EXPECT_EQ(writer.get<Position>(three[1])->x, 1);
    EXPECT_FALSE(writer.has<Position>(three[2]));
  });
  ASSERT_TRUE(answer) << answer.error().message();
  const Snapshot snapshot = db_.snapshot();
  EXPECT_EQ(snapshot.count<>(), count + 2 + 1 + 3 + 2);
  for (std::size_t i = 0; i != count; ++i) {
    ASSERT_EQ(snapshot.get<Position>(entities[i])->x, static_cast<double>(i));
    ASSERT_EQ(snapshot.get<Name>(entities[i])->name, "a name that does not fit into its cell " + std::to_string(i));
  }
  const auto goes_on = db_.write([&](Writer& writer) {
    const std::vector<Entity> two = writer.create(2);
    writer.insert(two, std::span<const Position>(positions).first(2));
    writer.insert(two, std::span<const Position>(positions).first(2));
    writer.insert(two[1], Mass{3});
    EXPECT_EQ(writer.get<Mass>(two[1])->kg, 3) << "what can be done is done";
    writer.each<const Mass>([&](Entity entity, const Mass&) {
      writer.remove<Velocity>(entity).insert(entity, Position{}).insert(entity, Active{});
    });
    EXPECT_TRUE(writer.has<Active>(two[1]));
  });
  EXPECT_EQ(code_of(goes_on), ErrorCode::already_exists);
  const auto twice = db_.write([&](Writer& writer) {
    const std::vector<Entity> two = writer.create(2);
    writer.insert(two, std::span<const Position>(positions).first(2));
    writer.insert(two, std::span<const Position>(positions).first(2));
  });
  EXPECT_EQ(code_of(twice), ErrorCode::already_exists);
  EXPECT_EQ(db_.snapshot().count<>(), snapshot.count<>());
}

// --- Operations within a walk -------------------------------------------------------------------------------------

TEST_P(WriteFunction, WaitsWithOperationsUntilTheWalkIsOver) {
  const std::vector<Entity> entities = db_.add_positions(row_count);
  std::size_t visited = 0;
  std::vector<Entity> created;
  const auto answer = db_.write([&](Writer& writer) {
    writer.each<Position>([&](Entity entity, Position& position) {
      ++visited;
      position.y = position.x;
      created.push_back(writer.create());
      writer.insert(created.back(), Position{-1, -1});  // would be visited, were it there
      writer.insert(entity, Active{});                  // would move the row
      EXPECT_FALSE(writer.alive(created.back()));
      EXPECT_FALSE(writer.has<Active>(entity));
      EXPECT_EQ(writer.get<Position>(entity)->y, position.x) << "the walk's own writes are there";
    });
    EXPECT_TRUE(writer.alive(created.back()));
    EXPECT_EQ((writer.count<Position, Active>()), row_count);
  });
  ASSERT_TRUE(answer);
  EXPECT_EQ(visited, row_count);
  const Snapshot now = db_.snapshot();
  EXPECT_EQ(now.count<Position>(), 2 * row_count);
  for (std::size_t i = 0; i < row_count; ++i) {
    EXPECT_TRUE(now.has<Active>(entities[i]));
    EXPECT_EQ(now.get<Position>(entities[i])->y, static_cast<double>(i + 1));
    EXPECT_EQ(now.get<Position>(created[i])->x, -1);
  }
}

TEST_P(WriteFunction, KeepsWhatADeferredOperationCannotDo) {
  const std::vector<Entity> entities = db_.add_positions(3);
  const storage::test::Picture before = db_.picture();
  const auto answer = db_.write([&](Writer& writer) {
    writer.each<Position>([&](Entity, Position& position) {
      position.y = 9;
      writer.destroy(entities[0]);  // the second time there is nobody
    });
  });
  EXPECT_EQ(code_of(answer), ErrorCode::not_found);
  expect_nothing_happened(before, 1);
}

// A car and its wheels, all in the walk; the wheels go with the car.
class Cars : public WriteFunction {
 protected:
  void SetUp() override {
    entities_ = db_.add_positions(row_count);
    Transaction wheels = db_.begin();
    for (std::size_t i = 0; i < row_count; i += 2) {
      if (i != car_) wheels.insert(entities_[i], Wheel{entities_[car_]});
    }
    ASSERT_TRUE(std::move(wheels).commit());
  }
  /// Destroys the car in the middle of a walk, and what else it is told.
  void crash(Writer& writer, const std::function<void(Entity)>& also = {}) {
    std::size_t visited = 0;
    writer.each<Position>([&](Entity entity, Position& position) {
      if (++visited == row_count / 2) writer.destroy(entities_[car_]);
      if (also) also(entity);
      EXPECT_TRUE(writer.alive(entity));
      position.y += 1;
    });
    EXPECT_EQ(visited, row_count);
    EXPECT_FALSE(writer.alive(entities_[car_]));
  }
  void expect_only_others_left() {
    const Snapshot now = db_.snapshot();
    for (std::size_t i = 0; i < row_count; ++i) {
      ASSERT_EQ(now.alive(entities_[i]), i % 2 == 1) << i;
      if (i % 2 == 0) continue;
      EXPECT_EQ(now.get<Position>(entities_[i])->y, 1);
    }
    EXPECT_EQ(now.count<Wheel>(), 0U);
  }

  static constexpr std::size_t car_ = 2;
  std::vector<Entity> entities_;
};
INSTANTIATE_TEST_SUITE_P(WriteFunction, Cars, ::testing::Bool(),
                         [](const auto& name) { return name.param ? "WithALog" : "WithoutALog"; });

TEST_P(Cars, GoWithTheirWheelsAfterTheWalk) {
  ASSERT_TRUE(db_.write([&](Writer& writer) { crash(writer); }));
  expect_only_others_left();
}

TEST_P(Cars, MayLoseWheelsInTheSameWalk) {
  ASSERT_TRUE(db_.write([&](Writer& writer) {
    crash(writer, [&](Entity entity) {
      if (writer.has<Wheel>(entity) && entity.index() % 4 == 0) writer.destroy(entity);
    });
  }));
  expect_only_others_left();
}

TEST_P(Cars, AreWholeAgainIfTheFunctionFails) {
  const storage::test::Picture before = db_.picture();
  EXPECT_EQ(code_of(db_.write([&](Writer& writer) {
              crash(writer);
              writer.insert(writer.create(), Wheel{entities_[car_]});  // of a car that is gone
            })),
            ErrorCode::constraint_violation);
  expect_nothing_happened(before, 2);
}

// --- Several columns ----------------------------------------------------------------------------------------------

class Columns : public WriteFunction {
 protected:
  void SetUp() override {
    entities_ = db_.add_positions(row_count);
    Transaction more = db_.begin();
    for (Entity entity : entities_) more.insert(entity, Velocity{1, 2}).insert(entity, Mass{3});
    ASSERT_TRUE(std::move(more).commit());
  }
  /// Writes two columns, reads two, and throws in the middle of a chunk.
  static void walk_and_throw(Writer& writer) {
    std::size_t visited = 0;
    writer.each<Position, const Mass, Velocity, std::optional<Name>>(
        [&](Entity, Position& position, const Mass& mass, Velocity& velocity, const Name* name) {
          position.y += mass.kg;
          if (visited++ == mid_chunk) throw Stop();
          velocity.dx = name == nullptr ? 10 : 20;
        });
  }

  std::vector<Entity> entities_;
};
INSTANTIATE_TEST_SUITE_P(WriteFunction, Columns, ::testing::Bool(),
                         [](const auto& name) { return name.param ? "WithALog" : "WithoutALog"; });

TEST_P(Columns, AreBackToTheByteAfterAnExceptionAmidAChunk) {
  const Snapshot held = db_.snapshot();
  const storage::test::Picture before = TestDatabase::picture_of(held);
  EXPECT_EQ(code_of(db_.write(&walk_and_throw)), ErrorCode::aborted);
  expect_nothing_happened(before, 2);
  EXPECT_TRUE(TestDatabase::picture_of(held) == before);

  // And they take the next walk as if there had been none before.
  EXPECT_EQ(version_of(db_.write([](Writer& writer) {
              writer.each<Position, Velocity>([](Entity, Position& p, Velocity& v) { p.y = v.dx; });
            })),
            3U);
  const Snapshot now = db_.snapshot();
  for (Entity entity : entities_) EXPECT_EQ(now.get<Position>(entity)->y, 1);
  EXPECT_TRUE(TestDatabase::picture_of(held) == before);
}

TEST_P(Columns, AreBackToWhatEarlierTransactionsOfTheBatchLeft) {
  Transaction earlier = db_.begin();
  for (Entity entity : entities_) earlier.update(entity, Position{-7, -7});
  CommitTicket ticket = std::move(earlier).submit();
  EXPECT_EQ(code_of(db_.write(&walk_and_throw)), ErrorCode::aborted);
  EXPECT_EQ(version_of(ticket.get()), 3U);
  const Snapshot now = db_.snapshot();
  for (Entity entity : entities_) {
    EXPECT_EQ(now.get<Position>(entity)->y, -7);
    EXPECT_EQ(now.get<Velocity>(entity)->dx, 1);
  }
}

TEST_P(Columns, KeepWhatWasWrittenIfTheFunctionGoesOn) {
  const auto answer = db_.write([](Writer& writer) { EXPECT_THROW(walk_and_throw(writer), Stop); });
  EXPECT_EQ(version_of(answer), 3U);
  const Snapshot now = db_.snapshot();
  std::size_t positions = 0;
  std::size_t velocities = 0;
  for (Entity entity : entities_) {
    positions += now.get<Position>(entity)->y == 3 ? 1U : 0U;
    velocities += now.get<Velocity>(entity)->dx == 10 ? 1U : 0U;
    EXPECT_EQ(now.get<Mass>(entity)->kg, 3);
  }
  EXPECT_EQ(positions, mid_chunk + 1);
  EXPECT_EQ(velocities, mid_chunk);
}

TEST_P(Columns, KeepTheirPagesWhereNothingChanged) {
  const Snapshot before = db_.snapshot();
  const Entity changed = entities_[mid_chunk];
  EXPECT_EQ(version_of(db_.write([&](Writer& writer) {
              writer.each<Position, Velocity>([&](Entity entity, Position&, Velocity& velocity) {
                if (entity == changed) velocity.dy = 5;
              });
            })),
            3U);
  const Snapshot after = db_.snapshot();
  EXPECT_EQ(after.get<Velocity>(changed)->dy, 5);
  EXPECT_NE(after.get<Velocity>(changed), before.get<Velocity>(changed));
  for (Entity entity : {entities_.front(), changed, entities_.back()}) {
    EXPECT_EQ(after.get<Position>(entity), before.get<Position>(entity));
  }
  EXPECT_EQ(after.get<Velocity>(entities_.front()), before.get<Velocity>(entities_.front()));
}

TEST_P(Columns, WithTextsAreBackToo) {
  Transaction names = db_.begin();
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < row_count; ++i) texts.push_back("a name that is stored elsewhere " + std::to_string(i));
  for (std::size_t i = 0; i < row_count; ++i) names.insert(entities_[i], Name{texts[i], 0});
  ASSERT_TRUE(std::move(names).commit());
  const storage::test::Picture before = db_.picture();
  std::size_t visited = 0;
  std::string longer;  // borrowed by the row until the walk has written it, after the callback
  EXPECT_EQ(code_of(db_.write([&](Writer& writer) {
              writer.each<Name, Position>([&](Entity, Name& name, Position& position) {
                longer = std::string(name.name) + " and longer";
                name.name = longer;
                position.y = 9;
                if (visited++ == mid_chunk) throw Stop();
              });
            })),
            ErrorCode::aborted);
  expect_nothing_happened(before, 3);
  EXPECT_EQ(db_.snapshot().find<&Name::name>(texts[0]), entities_[0]);
}

// --- Nested walks -------------------------------------------------------------------------------------------------

TEST_P(Columns, OfANestedWalkThrowAndFailTheTransaction) {
  const storage::test::Picture before = db_.picture();
  const auto answer = db_.write([](Writer& writer) {
    writer.each<Position>([&](Entity entity, Position& position) {
      position.y = 9;
      writer.insert(entity, Active{});
      EXPECT_THROW(writer.each<Velocity>([](Entity, Velocity&) {}), std::logic_error);
      writer.each<const Mass>([](Entity, const Mass&) { ADD_FAILURE() << "called"; });
    });
  });
  EXPECT_EQ(code_of(answer), ErrorCode::aborted);
  EXPECT_THAT(answer.error().message(), HasSubstr("each within an each"));
  expect_nothing_happened(before, 2);

  // The next function may walk, and so may this one after its first walk.
  ASSERT_TRUE(db_.write([](Writer& writer) {
    writer.each<Position>([](Entity, Position& position) { position.y = 1; });
    writer.each<Position>([](Entity, Position& position) { position.y += 1; });
  }));
  EXPECT_EQ(db_.snapshot().get<Position>(entities_[0])->y, 2);
}

// --- Bounds -------------------------------------------------------------------------------------------------------

/// A database whose write functions are stopped, in ways of their own.
class StoppedFunction : public ::testing::Test {
 protected:
  static Options bounded(std::chrono::nanoseconds deadline, std::size_t bytes) {
    Options options = stepped();
    options.deadline_default = deadline;
    options.transaction_bytes_max = bytes;
    return options;
  }
  /// Whatever the default deadline is.
  static std::vector<Entity> add_positions(TestDatabase& db, std::size_t count) {
    Transaction transaction = db.begin();
    transaction.deadline(std::chrono::nanoseconds::max());
    std::vector<Entity> out = transaction.create(count);
    transaction.insert(out, std::span<const Position>(std::vector<Position>(count)));
    EXPECT_TRUE(std::move(transaction).commit());
    return out;
  }
  template <typename Function>
  static void expect_stop(TestDatabase& db, ErrorCode code, Function&& function) {
    const storage::test::Picture before = db.picture();
    EXPECT_EQ(code_of(db.write(function)), code);
    EXPECT_TRUE(db.picture() == before);
    EXPECT_TRUE(db.unpublished_picture() == before);
  }
};

TEST_F(StoppedFunction, DoesNothingOnceItIsLate) {
  using namespace std::chrono_literals;
  TestDatabase db(bounded(30ms, std::size_t{1} << 30U));
  const std::vector<Entity> entities = add_positions(db, row_count);
  expect_stop(db, ErrorCode::timeout, [&](Writer& writer) {
    for (bool in_time = true; in_time;) {  // for ever, if nobody stops it
      for (Entity entity : entities) writer.set<&Position::y>(entity, writer.get<Position>(entity)->y + 1);
      in_time = static_cast<bool>(writer.create());
    }
    std::size_t visited = 0;
    writer.each<Position>([&](Entity, Position&) { ++visited; });
    EXPECT_EQ(visited, 0U);
  });
}

TEST_F(StoppedFunction, EndsAWalkThatIsLateAndWhatWaitedForItsEnd) {
  using namespace std::chrono_literals;
  TestDatabase db(bounded(5ms, std::size_t{1} << 30U));
  add_positions(db, row_count);
  std::size_t visited = 0;
  expect_stop(db, ErrorCode::timeout, [&](Writer& writer) {
    writer.each<Position>([&](Entity entity, Position& position) {
      position.y = 9;
      if (visited++ == 0) {
        writer.insert(entity, Active{});
        std::this_thread::sleep_for(10ms);
      }
    });
  });
  EXPECT_LE(visited, chunk_rows) << "the rest of its chunk, and no other";
}

// Few operations, and much time between them.
TEST_F(StoppedFunction, IsLateBetweenTwoOperations) {
  using namespace std::chrono_literals;
  TestDatabase db(bounded(5ms, std::size_t{1} << 30U));
  expect_stop(db, ErrorCode::timeout, [](Writer& writer) {
    writer.insert(writer.create(), Mass{1});
    std::this_thread::sleep_for(10ms);
    EXPECT_FALSE(writer.create());
  });
  expect_stop(db, ErrorCode::timeout, [](Writer& writer) {
    writer.insert(writer.create(), Mass{1});
    std::this_thread::sleep_for(10ms);
  });
}

// The ids of the function before are that one's.
TEST_F(StoppedFunction, ThatWaitedTooLongInTheQueueBurnsNoIdsOfAnother) {
  using namespace std::chrono_literals;
  Options options = bounded(300ms, std::size_t{1} << 30U);
  options.writer = WriterMode::thread;
  TestDatabase db(options);
  EXPECT_TRUE(db.write([&](Writer& writer) {
    for (int i = 0; i != 20; ++i) writer.insert(writer.create(), Mass{1});
  }));
  std::atomic<bool> blocked{false};
  std::atomic<bool> go{false};
  std::thread blocker([&] {
    (void)db.write([&](Writer&) {
      blocked = true;
      while (!go) std::this_thread::yield();
    });
  });
  while (!blocked) std::this_thread::yield();
  std::thread releaser([&] {
    std::this_thread::sleep_for(400ms);
    go = true;
  });
  EXPECT_EQ(code_of(db.write([](Writer& writer) { (void)writer.create(); })), ErrorCode::timeout);
  blocker.join();
  releaser.join();
  for (int i = 0; i != 60; ++i) {
    EXPECT_TRUE(db.write([](Writer& writer) { writer.insert(writer.create(), Mass{1}); })) << i;
  }
}

TEST_F(StoppedFunction, IsTooLargeByItsLastOperationToo) {
  constexpr std::size_t bytes_max = 100'000;
  TestDatabase db(bounded(std::chrono::nanoseconds::max(), bytes_max));
  expect_stop(db, ErrorCode::too_large, [](Writer& writer) { EXPECT_EQ(writer.create(13'000).front(), Entity()); });
  expect_stop(db, ErrorCode::too_large, [](Writer& writer) {
    const std::vector<Entity> entities = writer.create(5'000);
    writer.insert(entities, std::span<const Position>(std::vector<Position>(5'000)));
  });
  expect_stop(db, ErrorCode::too_large, [](Writer& writer) {
    writer.insert(writer.create(), Name{std::string(bytes_max, 'x'), 1});
  });
}

TEST_F(StoppedFunction, DoesNotGrowWithoutBound) {
  constexpr std::size_t bytes_max = 100'000;
  TestDatabase db(bounded(std::chrono::nanoseconds::max(), bytes_max));
  const std::vector<Entity> entities = db.add_positions(10);
  for (const bool in_a_walk : {false, true}) {
    std::size_t created = 0;
    const auto create = [&](Writer& writer) {
      for (Entity entity; (entity = writer.create());) {
        ++created;
        writer.insert(entity, Name{std::string(1000, 'x') + std::to_string(created), 1});
      }
    };
    expect_stop(db, ErrorCode::too_large, [&](Writer& writer) {
      if (in_a_walk) {
        writer.each<const Position>([&](Entity, const Position&) { create(writer); });
      } else {
        create(writer);
      }
    });
    EXPECT_LE(created, bytes_max / 1000);
    EXPECT_GE(created, bytes_max / 1300);
  }
  EXPECT_TRUE(db.write([&](Writer& writer) { writer.set<&Position::y>(entities[0], 2); })) << "those after it are free";
}

}  // namespace
}  // namespace stoa::txn::test
