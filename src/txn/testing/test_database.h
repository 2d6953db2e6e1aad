// For tests: an engine over a world of its own and a scripted sink, which is all that a database has but its folder.
// The test steps the writer, unless its options say otherwise.
#pragma once

#include "delta/replay.h"
#include "storage/testing/properties.h"
#include "storage/testing/world.h"
#include "txn/engine.h"
#include "txn/testing/scripted_sink.h"

#include <stoa/detail/snapshot_access.h>
#include <stoa/schema.h>
#include <stoa/snapshot.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace stoa::txn::test {

// Written in bulk by a walk.
struct Position {
  double x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))
struct Velocity {
  double dx, dy;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (dx, dy))
struct Mass {
  double kg;
};
BOOST_DESCRIBE_STRUCT(Mass, (), (kg))

// Written row by row, with checks.
struct Name {
  Text name;
  std::int64_t rank;
};
BOOST_DESCRIBE_STRUCT(Name, (), (name, rank))
struct Wheel {
  Entity car;
};
BOOST_DESCRIBE_STRUCT(Wheel, (), (car))

struct Active {};
BOOST_DESCRIBE_STRUCT(Active, (), ())
struct Selected {};  // sparse
BOOST_DESCRIBE_STRUCT(Selected, (), ())

[[nodiscard]] inline std::shared_ptr<const CompiledSchema> make_schema() {
  Schema schema("txn_test");
  schema.table<Position>("position");
  schema.table<Velocity>("velocity");
  schema.table<Mass>("mass");
  schema.table<Name>("name").key<&Name::name>();
  schema.table<Wheel>("wheel").reference<&Wheel::car>(OnDelete::cascade);
  schema.table<Active>("active");
  schema.table<Selected>("selected").sparse();
  auto compiled = schema.compile();
  if (!compiled) throw std::logic_error(compiled.error().message());
  return *compiled;
}

[[nodiscard]] inline Options stepped() {
  Options options;
  options.writer = WriterMode::manual;
  return options;
}

/// All tickets must be gone before it goes.
class TestDatabase final : public detail::SnapshotHome {
 public:
  explicit TestDatabase(const Options& options = stepped(), bool wants_deltas = true,
                        const memory::PoolOptions& pool = {},
                        std::shared_ptr<const CompiledSchema> schema = make_schema())
      : sink(wants_deltas),
        buffers(storage::test::make_world(std::move(schema)), pool),
        engine(
            buffers, sink, options, [this] { return snapshot(); }, [] { ADD_FAILURE() << "a ticket was left"; }) {}
  ~TestDatabase() {
    (void)engine.close();
    EXPECT_TRUE(engine.release_nodes()) << "a ticket is left";
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  ScriptedSink sink;
  storage::BufferManager buffers;
  Engine engine;

  [[nodiscard]] Transaction begin() { return engine.begin(); }
  std::size_t step(std::size_t transactions = std::numeric_limits<std::size_t>::max()) {
    return engine.step(transactions, detail::SteadyTime::max());
  }
  /// As Database::write().
  template <typename Function>
  std::expected<Commit, Error> write(Function&& function) {
    return engine.run(detail::WriteFunction::to(function));
  }

  [[nodiscard]] Snapshot snapshot() {
    const storage::PinnedRoot pinned = buffers.pin();
    return detail::SnapshotAccess::make(*this, *pinned.root, pinned.slot);
  }
  [[nodiscard]] Version version() const { return buffers.version(); }

  /// Everything that a reader can see, to the byte and to the order.
  [[nodiscard]] static storage::test::Picture picture_of(const Snapshot& snapshot) {
    return storage::test::picture_of(detail::SnapshotAccess::root(snapshot));
  }
  [[nodiscard]] storage::test::Picture picture() { return picture_of(snapshot()); }
  /// The same of what the next transaction will find.
  [[nodiscard]] storage::test::Picture unpublished_picture() {
    return storage::test::picture_of(buffers.write_buffer().root());
  }

  /// The deltas that the sink got, applied to a new world, give this one.
  void expect_the_sink_tells_the_world() {
    TestDatabase copy(stepped(), true, {}, buffers.world().schema);
    storage::WriteBuffer& buffer = copy.buffers.write_buffer();
    delta::Replay replay(copy.buffers.world());
    std::vector<Entity> ended;
    for (const ScriptedSink::Batch& batch : sink.batches) {
      for (const ScriptedSink::Record& record : batch) {
        const auto applied = replay.apply(record.delta, buffer);
        ASSERT_TRUE(applied) << "version " << record.version << ": " << applied.error().message();
        buffer.accept(ended);
      }
    }
    copy.buffers.prepare_commit();
    copy.buffers.commit_batch(version(), {});  // its allocator gave out none of those that ended
    EXPECT_EQ(copy.snapshot().state_hash(), snapshot().state_hash());
  }

  /// Entities with a position each, (1, 0), (2, 0), …, committed by one transaction.
  std::vector<Entity> add_positions(std::size_t count) {
    Transaction transaction = begin();
    std::vector<Entity> out = transaction.create(count);
    double x = 0;
    for (Entity entity : out) transaction.insert(entity, Position{++x, 0});
    EXPECT_TRUE(std::move(transaction).commit());
    return out;
  }

  // SnapshotHome.
  void clone_pin(void* slot, void*& copy) override {
    copy = &buffers.pins().clone(*static_cast<memory::PinSlot*>(slot));
  }
  void release_pin(void* slot) noexcept override {
    EXPECT_FALSE(buffers.pins().release(*static_cast<memory::PinSlot*>(slot)));
  }
};

/// The error's code; fails the test where there is none.
template <typename T>
[[nodiscard]] ErrorCode code_of(const std::expected<T, Error>& answer) {
  if (answer) throw std::logic_error("the answer is a success");
  return answer.error().code();
}

/// The commit's version; the same for an error.
[[nodiscard]] inline Version version_of(const std::expected<Commit, Error>& answer) {
  if (!answer) throw std::logic_error("the answer is an error: " + answer.error().message());
  return answer->version;
}

}  // namespace stoa::txn::test
