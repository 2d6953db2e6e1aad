// For tests: a buffer manager driven by a workload, in step with a model, with snapshots held for as long as they come.
// It draws operations and judges outcomes; what must hold of a root is properties.h's to say.
#pragma once

#include "storage/buffer_manager.h"
#include "storage/testing/model.h"
#include "storage/testing/properties.h"
#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace stoa::storage::test {

class Session {
 public:
  explicit Session(Random& random, const memory::PoolOptions& pool = {})
      : random_(random),
        manager_(make_world(), pool),
        model_(manager_.world().schema->model()),
        workload_(random, model_.schema(), [this] { return reserve(); }) {}
  ~Session() {
    while (!held_.empty()) release(held_.size() - 1);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] BufferManager& manager() { return manager_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] Workload& workload() { return workload_; }
  [[nodiscard]] std::size_t held_count() const { return held_.size(); }
  [[nodiscard]] std::uint64_t reused_count() const { return reused_; }

  /// Some operations, which then stand or are taken back.
  void transaction(bool revert) {
    WriteBuffer& buffer = manager_.write_buffer();
    const Picture before = revert ? picture_of(buffer.root()) : Picture{};
    Model after = model_;
    std::vector<Entity> created;
    for (std::uint64_t left = random_.between(1, 40); left != 0; --left) {
      if (random_.chance(6)) {
        bulk_write(after);
        continue;
      }
      if (random_.chance(5)) {  // somebody looks at the indexes
        buffer.settle_indexes();
        ASSERT_EQ(difference(buffer.root(), after), "");
      }
      const Operation operation = workload_.next(after);
      const Outcome outcome = perform(buffer, operation);
      ASSERT_EQ(outcome, after.apply(operation)) << "operation " << static_cast<int>(operation.kind);
      if (operation.kind == Operation::Kind::create && outcome == Outcome::done) created.push_back(operation.entity);
    }
    if (revert) {
      if (random_.chance(50)) {
        buffer.settle_indexes();
        ASSERT_EQ(difference(buffer.root(), after), "");
      }
      take_back(before, created);
    } else {
      buffer.accept(ended_);
      model_ = std::move(after);
    }
    ASSERT_TRUE(buffer.changes().empty());
  }

  void destroy_all() {
    WriteBuffer& buffer = manager_.write_buffer();
    std::vector<Entity> entities;
    for (const auto& [entity, rows] : model_.entities()) entities.push_back(entity);
    for (Entity entity : entities) {
      const Operation operation{.kind = Operation::Kind::destroy, .entity = entity, .rows = {}};
      ASSERT_EQ(perform(buffer, operation), Outcome::done);
      ASSERT_EQ(model_.apply(operation), Outcome::done);
    }
    buffer.accept(ended_);
  }

  void commit() {
    ASSERT_EQ(difference(manager_.write_buffer().root(), model_), "");
    manager_.prepare_commit();
    manager_.commit_batch(++version_, ended_);
    ended_.clear();
    ASSERT_EQ(manager_.version(), version_);
  }

  /// Some steps of compaction, each of as little as there can be, and each published without a new version.
  void compact(std::uint64_t steps) {
    for (; steps != 0; --steps) {
      const bool was_compacting = manager_.is_compacting();
      manager_.prepare_commit();
      const Compactor::Came came = manager_.compact_some({});
      ASSERT_TRUE(manager_.write_buffer().changes().empty());
      manager_.commit_batch(version_, {});
      if (!was_compacting) moved_before_ = manager_.memory().moved.blocks;
      if (came == Compactor::Came::to_the_end) {
        ++compactions_;
        moving_compactions_ += manager_.memory().moved.blocks != moved_before_ ? 1 : 0;
        return;
      }
    }
  }
  /// The same, and then all others, not published, where the pool has no block left. Returns whether one needed some.
  bool compact_without_memory(std::uint64_t steps) {
    memory::PagePool& pool = manager_.write_buffer().pages().pool();
    compact(steps);
    manager_.prepare_commit();
    std::vector<void*> ballast;
    for (const std::size_t bytes : {4000, 400, 32}) {
      try {
        for (;;) ballast.push_back(pool.allocate(bytes, 0));
      } catch (const std::bad_alloc&) {
        continue;
      }
    }
    EXPECT_EQ(pool.bytes_leaving(), 0U) << "free, and not to be had, where memory has run out";
    bool failed = false;
    try {
      while (manager_.compact_some({}) != Compactor::Came::to_the_end) {
      }
    } catch (const std::bad_alloc&) {
      manager_.stop_compaction();
      failed = true;
    }
    EXPECT_FALSE(manager_.is_compacting());
    for (void* block : ballast) pool.release(block);
    // What is free by now is of the ballast's sizes: the slabs that have nothing else go.
    std::size_t blocks = static_cast<std::size_t>(-1);
    EXPECT_TRUE(pool.survey_some(blocks));
    EXPECT_TRUE(!pool.evacuate() || pool.close_some(blocks));
    pool.end_evacuation();
    EXPECT_EQ(difference(manager_.write_buffer().root(), model_), "");
    manager_.commit_batch(version_, {});
    return failed;
  }
  [[nodiscard]] std::uint64_t compactions() const { return compactions_; }
  [[nodiscard]] std::uint64_t moving_compactions() const { return moving_compactions_; }
  /// The newest root is the model's world.
  void check_newest() { ASSERT_EQ(difference(newest(), model_), ""); }

  void hold() {
    held_.push_back({manager_.pin(), model_});
    ASSERT_EQ(held_.back().pin.root->version, version_);
  }
  void check_held(std::size_t number) {
    ASSERT_EQ(difference(*held_[number].pin.root, held_[number].model), "")
        << "in the snapshot of version " << held_[number].pin.root->version;
  }
  [[nodiscard]] const detail::Root& held_root(std::size_t number) const { return *held_[number].pin.root; }
  [[nodiscard]] const Model& held_model(std::size_t number) const { return held_[number].model; }
  void release(std::size_t number) {
    check_held(number);
    EXPECT_FALSE(manager_.pins().release(*held_[number].pin.slot));
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(number));
  }

  /// The pool has in use what the newest root and the held ones lead to, and not a block more: after a commit with
  /// somebody who reads, as otherwise some of it may wait.
  void check_memory() {
    hold();
    commit();
    Reachable reachable;
    reachable.add(newest());
    const std::size_t newest_bytes = reachable.bytes();
    for (const Held& held : held_) reachable.add(*held.pin.root);
    const BufferManager::Memory memory = manager_.memory();
    EXPECT_EQ(memory.bytes_in_use, reachable.bytes());
    EXPECT_EQ(memory.bytes_retired, reachable.bytes() - newest_bytes);
    EXPECT_EQ(memory.pin_count, held_.size());
    release(held_.size() - 1);
  }

 private:
  struct Held {
    PinnedRoot pin;
    Model model;
  };

  const detail::Root& newest() {
    const PinnedRoot pin = manager_.pin();
    EXPECT_FALSE(manager_.pins().release(*pin.slot));
    return *pin.root;  // the newest root stays until the next commit
  }

  Entity reserve() {
    const Entity entity = manager_.entities().reserve();
    EXPECT_TRUE(given_.insert(entity).second) << to_string(entity) << " was given out before";
    EXPECT_LE(entity.generation(), detail::generation_max);
    reused_ += entity.generation() > 1 ? 1 : 0;
    for (const Held& held : held_) {
      const detail::EntitySlot* slot = find_slot(*held.pin.root, entity.index());
      EXPECT_TRUE(slot == nullptr || slot->archetype == 0) << to_string(entity) << " is alive in a snapshot";
    }
    return entity;
  }

  void take_back(const Picture& before, const std::vector<Entity>& created) {
    WriteBuffer& buffer = manager_.write_buffer();
    buffer.revert();
    ASSERT_EQ(difference(buffer.root(), model_), "");
    ASSERT_TRUE(picture_of(buffer.root()) == before) << "taken back, but not to the byte and to the order";
    for (Entity entity : created) manager_.burn(entity);
    manager_.offer_burnt();
  }

  // One chunk's column of a table without texts and indexes, or the same put back.
  void bulk_write(Model& model) {
    WriteBuffer& buffer = manager_.write_buffer();
    auto archetype = static_cast<std::uint32_t>(random_.below(buffer.root().archetype_count));
    const detail::ChunkStore* found = next_archetype(buffer.root(), archetype);
    if (found == nullptr || found->rows == 0) return;
    const detail::ChunkStore& now = *found;
    const CompiledSchema& schema = *manager_.world().schema;
    const TableId tables[] = {schema.table_of<Position>(), schema.table_of<Health>(), schema.table_of<Terrain>()};
    const TableModel& table = model.schema().table(tables[random_.below(std::size(tables))]);
    if (now.shape->column(table.number) >= detail::StoreShape::membership) return;
    const auto chunk = static_cast<std::uint32_t>(random_.below(now.chunk_count()));
    const std::size_t change = buffer.changes().changes().size();
    std::byte* column = buffer.replace_column(archetype, chunk, table.number);
    const std::byte* replaced = buffer.replaced_column(change);
    const std::span<const Entity> entities = archetype_at(buffer.root(), archetype).entities(chunk);
    const bool put_back = random_.chance(40);
    for (std::size_t i = 0; i != entities.size(); ++i) {
      const Row row = workload_.random_row(table, model);
      std::memcpy(column + i * table.bytes, row.bytes.data(), table.bytes);
      if (put_back) continue;
      buffer.note_update(table.number, entities[i], replaced + i * table.bytes);
      model.overwrite(table.number, entities[i], row);
    }
    if (put_back) buffer.put_column_back(change);
  }

  Random& random_;
  BufferManager manager_;
  Model model_;
  Workload workload_;
  Version version_ = 0;
  std::vector<Entity> ended_;
  std::vector<Held> held_;
  std::set<Entity> given_;
  std::uint64_t reused_ = 0;
  std::uint64_t compactions_ = 0;
  std::uint64_t moving_compactions_ = 0;
  std::uint64_t moved_before_ = 0;
};

}  // namespace stoa::storage::test
