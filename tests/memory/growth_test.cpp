// How memory grows with a load, what a stalled reader holds, and what archetypes cost.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using stoa::Entity;

struct Position {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))
struct Burning {
  std::uint32_t since;
};
BOOST_DESCRIBE_STRUCT(Burning, (), (since))

struct Padded {
  std::int8_t small;
  std::int64_t large;
};
BOOST_DESCRIBE_STRUCT(Padded, (), (small, large))
struct Sign {
  stoa::Text text;
  std::int64_t rank;
};
BOOST_DESCRIBE_STRUCT(Sign, (), (text, rank))

#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
constexpr std::size_t scale = 10;
#else
constexpr std::size_t scale = 1;  // the same work; only slower
#endif

// Without a history: what is measured is the world.
stoa::Database open(const stoa::Schema& schema, stoa::Options options = {}) {
  options.writer = stoa::WriterMode::manual;
  options.history_bytes_max = 0;
  return *stoa::Database::in_memory(schema, options);
}

stoa::Schema two_tables() {
  stoa::Schema schema("growth");
  schema.table<Position>("position");
  schema.table<Burning>("burning").sparse();
  return schema;
}

void commit(stoa::Database& database, stoa::Transaction tx) {
  stoa::CommitTicket ticket = std::move(tx).submit();
  database.step();
  if (auto done = ticket.get(); !done) ADD_FAILURE() << done.error().message();
}

void commit_one_more(stoa::Database& database) {
  stoa::Transaction tx = database.begin();
  (void)tx.create();
  commit(database, std::move(tx));
}

std::vector<Entity> populate(stoa::Database& database, std::size_t count) {
  std::vector<Entity> out;
  while (out.size() < count) {
    stoa::Transaction tx = database.begin();
    for (int k = 0; k < 1000; ++k) {
      out.push_back(tx.create());
      tx.insert(out.back(), Position{1, 2, 3});
      if (k % 4 == 0) tx.insert(out.back(), Burning{1});
    }
    commit(database, std::move(tx));
  }
  return out;
}

TEST(Growth, IsSmoothUnderALinearLoad) {
  stoa::Options options;
  options.slab_bytes_max = std::size_t{4} << 20U;
  stoa::Database database = open(two_tables(), options);
  std::cout << "rows, KiB in use, KiB reserved\n";
  std::size_t reserved = 0;
  for (std::size_t rows = 0; rows < 100'000 * scale; rows += 10'000) {
    (void)populate(database, 10'000);
    const stoa::Metrics now = database.metrics();
    if (rows % (10'000 * scale) == 0) {
      std::cout << rows + 10'000 << ", " << now.bytes_in_use / 1024 << ", " << now.bytes_reserved / 1024 << "\n";
    }
    EXPECT_LE(now.bytes_reserved - reserved, options.slab_bytes_max) << "a step above the ceiling, at " << rows;
    // While slabs double, the newest is as large as all before it; what is free is never more than that.
    EXPECT_LE(now.bytes_reserved, now.bytes_in_use + std::min(options.slab_bytes_max, now.bytes_in_use) + (1U << 19U));
    reserved = now.bytes_reserved;
  }
}

TEST(Growth, IsToldForEachTable) {
  stoa::Database database = open(two_tables());
  (void)populate(database, 100'000);
  const stoa::Metrics now = database.metrics();
  ASSERT_EQ(now.tables.size(), 2U);
  const stoa::Metrics::Table& burning = now.tables[0];
  const stoa::Metrics::Table& position = now.tables[1];
  EXPECT_EQ(position.name, "position");
  EXPECT_EQ(position.rows, 100'000U);
  EXPECT_EQ(position.used_bytes, 100'000 * sizeof(Position));
  EXPECT_GE(position.allocated_bytes, position.used_bytes);
  EXPECT_LE(position.allocated_bytes, position.used_bytes + position.used_bytes / 50);
  EXPECT_EQ(burning.name, "burning");
  EXPECT_EQ(burning.rows, 25'000U);
  EXPECT_EQ(burning.used_bytes, 25'000 * (sizeof(Burning) + 8 + 4));
  EXPECT_GE(burning.allocated_bytes, burning.used_bytes);
  EXPECT_LT(position.allocated_bytes + burning.allocated_bytes, now.bytes_in_use);
}

TEST(Growth, TellsTextsAndWhatSnapshotsKeepOfEachTable) {
  stoa::Schema schema = two_tables();
  schema.table<Sign>("sign");
  stoa::Database database = open(schema);
  std::vector<Entity> entities = populate(database, 2000);
  const std::string text(1000, 'x');
  const auto write_all = [&] {
    stoa::Transaction tx = database.begin();
    for (Entity entity : entities) tx.upsert(entity, Sign{text, 1});
    commit(database, std::move(tx));
  };
  write_all();
  stoa::Metrics now = database.metrics();
  const auto find = [&](std::string_view name) {
    return *std::ranges::find(now.tables, name, &stoa::Metrics::Table::name);
  };
  EXPECT_EQ(find("sign").used_bytes, entities.size() * (sizeof(Sign) + text.size()));
  EXPECT_GE(find("sign").allocated_bytes, find("sign").used_bytes);
  EXPECT_LE(find("sign").allocated_bytes, find("sign").used_bytes * 11 / 10);

  // A snapshot keeps what has since gone, each table's under its name.
  std::optional<stoa::Snapshot> held = database.snapshot();
  stoa::Transaction tx = database.begin();
  for (Entity entity : entities) tx.remove<Sign>(entity);
  for (std::size_t i = 0; i < entities.size(); i += 4) tx.remove<Burning>(entities[i]);
  commit(database, std::move(tx));
  now = database.metrics();
  EXPECT_GE(find("sign").retired_bytes, entities.size() * (sizeof(Sign) + text.size()));
  EXPECT_GE(find("burning").retired_bytes, entities.size() / 4 * sizeof(Burning));
  EXPECT_LE(find("sign").retired_bytes + find("burning").retired_bytes + find("position").retired_bytes,
            now.bytes_retired);
  EXPECT_EQ(find("sign").used_bytes, 0U);
  held.reset();
  commit_one_more(database);
  now = database.metrics();
  for (const stoa::Metrics::Table& table : now.tables) EXPECT_EQ(table.retired_bytes, 0U) << table.name;
}

TEST(Growth, StartsSmall) {
  stoa::Database database = open(two_tables());
  EXPECT_LE(database.metrics().bytes_reserved, stoa::Options{}.slab_bytes_first);
}

// The world's memory, and the history's, which is bounded; a snapshot that stays keeps the one that it has.
TEST(Growth, OfTheHistoryIsBounded) {
  stoa::Options options;
  options.writer = stoa::WriterMode::manual;
  options.history_bytes_max = std::size_t{1} << 20U;
  const stoa::Schema schema = two_tables();
  stoa::Database database = *stoa::Database::in_memory(schema, options);
  const std::vector<Entity> entities = populate(database, 1000);
  const auto bytes_after = [&](std::size_t updates) {
    for (std::size_t i = 0; i != updates; ++i) {
      stoa::Transaction tx = database.begin();
      tx.update(entities[i % entities.size()], Position{static_cast<float>(database.version()), 0, 0});
      commit(database, std::move(tx));
    }
    return database.metrics().bytes_in_use;
  };
  const std::size_t little = bytes_after(1);
  EXPECT_LE(bytes_after(100'000), little + options.history_bytes_max);
  EXPECT_GT(database.metrics().history_bytes, options.history_bytes_max / 2);
  const stoa::Snapshot held = database.snapshot();
  EXPECT_LE(bytes_after(100'000), little * 2 + 3 * options.history_bytes_max);
}

// One-row commits behind a snapshot that stays: it holds its own world and no more.
TEST(Growth, BehindAStalledReaderIsItsWorldAndNoMore) {
  stoa::Database database = open(two_tables());
  const std::vector<Entity> entities = populate(database, 10'000 * scale);
  const std::size_t live = database.metrics().bytes_in_use;
  std::optional<stoa::Snapshot> stalled = database.snapshot();
  std::mt19937_64 random(1);
  std::size_t most = 0;
  std::size_t largest_commit = 0;
  std::size_t last = live;
  for (std::size_t i = 0; i < 10'000 * scale; ++i) {
    stoa::Transaction tx = database.begin();
    tx.update(entities[random() % entities.size()], Position{static_cast<float>(i), 0, 0});
    commit(database, std::move(tx));
    if (i % 16 != 0) continue;
    const std::size_t now = database.metrics().bytes_in_use;
    most = std::max(most, now);
    largest_commit = std::max(largest_commit, now > last ? now - last : 0);
    last = now;
  }
  std::cout << 10'000 * scale << " commits: live " << live / 1024 << " KiB, at most " << most / 1024 << " KiB in use\n";
  EXPECT_LE(most, 2 * live + largest_commit);
  EXPECT_GT(database.metrics().bytes_retired, live / 4) << "the snapshot holds nothing: the test tests nothing";
  std::size_t rows = 0;
  stalled->each<Position>([&](Entity, const Position& position) { rows += position.z == 3 ? 1 : 0; });
  EXPECT_EQ(rows, entities.size());
  stalled.reset();
  for (int i = 0; i < 2; ++i) commit_one_more(database);
  EXPECT_EQ(database.metrics().bytes_retired, 0U);
  EXPECT_LE(database.metrics().bytes_in_use, live + live / 50);
}

// Entities that end in any order leave nothing: not their slots, not the list of indices that are free.
TEST(Growth, TheDeadCostNextToNothing) {
  const std::size_t count = 100'000 * scale;
  stoa::Database database = open(two_tables());
  (void)populate(database, 1000);
  const std::size_t before = database.metrics().bytes_in_use;
  [[maybe_unused]] const std::size_t heap_before = mallinfo2().uordblks;
  std::uint32_t generation = 1;
  for (int round = 0; round < 2; ++round) {
    std::vector<Entity> entities = populate(database, count);
    std::shuffle(entities.begin(), entities.end(), std::mt19937_64(7));
    for (std::size_t first = 0; first < count; first += 500) {
      stoa::Transaction tx = database.begin();
      for (std::size_t i = first; i < first + 500; ++i) tx.destroy(entities[i]);
      commit(database, std::move(tx));
    }
    for (int k = 0; k < 2; ++k) commit_one_more(database);  // what the last ones left is given back after them
    const std::size_t pool_bytes = database.metrics().bytes_in_use - before;
    std::cout << count << " ended: " << pool_bytes << " bytes in the pool";
#if !defined(__SANITIZE_ADDRESS__)
    entities = std::vector<Entity>();
    const std::size_t heap_bytes = mallinfo2().uordblks - heap_before;
    std::cout << ", " << heap_bytes << " on the heap";
    EXPECT_LT(heap_bytes, (std::size_t{1} << 20U) + count / 2);
#endif
    std::cout << "\n";
    EXPECT_LT(pool_bytes, (std::size_t{256} << 10U) + count / 4);
  }
  // Their ids stay theirs: who comes after them has others.
  stoa::Transaction tx = database.begin();
  for (std::size_t i = 0; i < count; ++i) generation = std::max(generation, tx.create().generation());
  commit(database, std::move(tx));
  EXPECT_EQ(generation, 3U);
}

// Tags by name: an archetype with one entity for each set of them.
#if !defined(__SANITIZE_ADDRESS__)
std::size_t heap_bytes() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// Rows with padding are copied where the transaction is written down; an idle one keeps little of that.
TEST(Growth, WhatAGiantTransactionWasWrittenDownInIsGivenBack) {
  stoa::Schema schema("giant");
  schema.table<Padded>("padded");
  stoa::Database database = open(schema);
  const std::vector<Padded> rows(200'000, Padded{1, 2});
  commit_one_more(database);
  const std::size_t before = heap_bytes();
  {
    stoa::Transaction giant = database.begin();
    const std::vector<Entity> entities = giant.create(rows.size());
    giant.insert(std::span(entities), std::span(rows));
    commit(database, std::move(giant));
  }
  for (int k = 0; k < 2; ++k) commit_one_more(database);
  EXPECT_LT(heap_bytes() - before, std::size_t{2} << 20U);
}
#endif

TEST(Growth, OfManyArchetypesIsLittle) {
  constexpr std::uint32_t tags = 13;
  std::string toml = "[database]\nname = \"archetypes\"\n";
  for (std::uint32_t tag = 0; tag < tags; ++tag) toml += "[tables.tag" + std::to_string(tag) + "]\n";
  stoa::Database database = open(*stoa::Schema::from_toml(toml));
  const std::size_t archetypes = std::size_t{1} << tags;
  std::vector<Entity> entities;
  stoa::Transaction tx = database.begin();
  for (std::size_t set = 0; set < archetypes; ++set) {
    entities.push_back(tx.create());
    for (std::uint32_t tag = 0; tag < tags; ++tag) {
      if ((set >> tag & 1U) != 0) tx.insert("tag" + std::to_string(tag), entities.back(), {});
    }
  }
  commit(database, std::move(tx));
  stoa::Metrics now = database.metrics();
  EXPECT_EQ(now.archetypes, archetypes);
  std::cout << archetypes << " archetypes of an entity each: " << now.bytes_in_use / archetypes << " bytes for one\n";
  EXPECT_LE(now.bytes_in_use / archetypes, 1024U);
  EXPECT_EQ(database.snapshot().count("tag3").value(), archetypes / 2);

  stoa::Transaction away = database.begin();
  for (Entity entity : entities) away.destroy(entity);
  commit(database, std::move(away));
  // They are given up with the batch after the one that made them empty.
  commit_one_more(database);
  EXPECT_LE(database.metrics().archetypes, 256U);
}

}  // namespace
