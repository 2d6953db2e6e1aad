// A world that tells in each of its tables which version it is of: every transaction writes all of them.
#pragma once

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pthread.h>

namespace stoa::test {

// One for each way that a table is kept, and reached: in archetypes, written in bulk; there, with a key; with texts;
// sparse; and by whether there is a row at all.
struct Bulk {
  std::uint64_t stamp;
};
BOOST_DESCRIBE_STRUCT(Bulk, (), (stamp))
struct Keyed {
  std::uint64_t stamp;
};
BOOST_DESCRIBE_STRUCT(Keyed, (), (stamp))
struct Worded {
  Text stamp;
};
BOOST_DESCRIBE_STRUCT(Worded, (), (stamp))
struct Sparse {
  std::uint64_t stamp;
};
BOOST_DESCRIBE_STRUCT(Sparse, (), (stamp))
struct Odd {};
BOOST_DESCRIBE_STRUCT(Odd, (), ())

class StampedWorld {
 public:
  static constexpr std::size_t entity_count = 40;

  [[nodiscard]] static Schema schema() {
    Schema schema("stamped");
    schema.table<Bulk>("bulk");
    schema.table<Keyed>("keyed").key<&Keyed::stamp>();
    schema.table<Worded>("worded");
    schema.table<Sparse>("sparse").sparse().index<&Sparse::stamp>();
    schema.table<Odd>("odd");
    return schema;
  }

  /// Writes version 1.
  explicit StampedWorld(Database& database) : database_(database) {
    const auto made = database_.write([this](Writer& writer) {
      writer_ = pthread_self();
      for (std::size_t i = 0; i != entity_count; ++i) {
        entities_.push_back(writer.create());
        writer.insert(entities_.back(), Bulk{1}).insert(entities_.back(), Sparse{1});
      }
      writer.insert(entities_[0], Keyed{1}).insert(entities_[0], Worded{text_of(1)}).insert(entities_[0], Odd{});
      visitor_ = writer.create();
      writer.insert(visitor_, Keyed{key_of_visitor + 1});
    });
    EXPECT_TRUE(made) << made.error().message();
  }

  /// The database's writer thread.
  [[nodiscard]] pthread_t writer() const { return writer_; }
  [[nodiscard]] const std::vector<Entity>& entities() const { return entities_; }

  /// The next version. Threads: any.
  std::expected<Commit, Error> write() {
    return database_.write([this](Writer& writer) {
      const std::uint64_t stamp = writer.get<Bulk>(entities_[0])->stamp + 1;
      writer.each<Bulk>([&](Entity, Bulk& row) { row.stamp = stamp; });
      for (const Entity entity : entities_) writer.set<&Sparse::stamp>(entity, stamp);
      writer.set<&Keyed::stamp>(entities_[0], stamp).set<&Worded::stamp>(entities_[0], text_of(stamp));
      if (stamp % 2 == 1) writer.insert(entities_[0], Odd{});
      if (stamp % 2 == 0) writer.remove<Odd>(entities_[0]);
      writer.destroy(visitor_);
      visitor_ = writer.create();
      writer.insert(visitor_, Keyed{key_of_visitor + stamp});
    });
  }

  // What is read of a snapshot, each by other ways of reading: of which version it is, or 0 where that is not one.

  [[nodiscard]] Version read_rows(const Snapshot& snapshot) const {
    const Entity first = entities_[0];
    const std::uint64_t stamp = snapshot.get<Keyed>(first)->stamp;
    bool same = snapshot.get<Worded>(first)->stamp.view() == std::string_view(text_of(stamp)) &&
                snapshot.has<Odd>(first) == (stamp % 2 == 1);
    for (const Entity entity : entities_) {
      same = same && snapshot.get<Bulk>(entity)->stamp == stamp && snapshot.get<Sparse>(entity)->stamp == stamp;
    }
    return same ? stamp : 0;
  }
  [[nodiscard]] Version walk(const Snapshot& snapshot) const {
    const std::uint64_t stamp = snapshot.get<Bulk>(entities_[0])->stamp;
    std::size_t rows = 0;
    snapshot.each<Bulk>([&](Entity, const Bulk& row) { rows += row.stamp == stamp ? 1 : 0; });
    for (auto chunk : snapshot.chunks<Sparse>()) {
      for (const Sparse& row : chunk.column<Sparse>()) rows += row.stamp == stamp ? 1 : 0;
    }
    for (auto [entity, bulk, sparse] : snapshot.view<Bulk, Sparse>()) rows += bulk.stamp == sparse.stamp ? 1 : 0;
    return rows == 3 * entity_count && snapshot.count<>() == entity_count + 1 ? stamp : 0;
  }
  [[nodiscard]] Version look_up(const Snapshot& snapshot) const {
    const std::uint64_t stamp = snapshot.get<Sparse>(entities_[1])->stamp;
    std::size_t rows = 0;
    for (const Entity entity : snapshot.range<&Sparse::stamp>(0, stamp)) rows += snapshot.alive(entity) ? 1 : 0;
    const bool same = snapshot.find<&Keyed::stamp>(stamp) == entities_[0] &&
                      snapshot.alive(snapshot.find<&Keyed::stamp>(key_of_visitor + stamp)) && rows == entity_count &&
                      snapshot.wrong_indexes().empty();
    return same ? stamp : 0;
  }

 private:
  static constexpr std::uint64_t key_of_visitor = std::uint64_t{1} << 60U;
  static std::string text_of(std::uint64_t stamp) { return "a text too long for a cell, " + std::to_string(stamp); }

  Database& database_;
  pthread_t writer_{};
  std::vector<Entity> entities_;  // this and what follows are written in write functions
  Entity visitor_;
};

}  // namespace stoa::test
