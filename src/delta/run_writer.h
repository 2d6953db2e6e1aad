// Gathers operations into runs, in whatever order they come.
#pragma once

#include "delta/plain_rows.h"
#include "delta/run.h"
#include "schema/table_bytes.h"

#include <stoa/detail/world.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <unordered_map>
#include <vector>

namespace stoa::delta {

/// Reused from delta to delta; it keeps its memory. Errors: all calls that add throw std::bad_alloc; what was added
/// since the last clear() is then of no use.
/// Threads: one at a time.
class RunWriter {
 public:
  struct Row {
    TableId table;
    const std::byte* bytes;
  };

  explicit RunWriter(const detail::WorldInfo& world);

  void clear() noexcept;
  [[nodiscard]] bool empty() const noexcept { return used_.empty(); }

  void destroy(Entity entity) { destroy_many({&entity, 1}); }
  void destroy_many(std::span<const Entity> entities);
  /// Of `count` indices from the entity's on.
  void raise_floors(Entity entity, std::uint32_t count = 1);
  /// The tables ascending.
  void create(Entity entity, std::span<const Row> rows) { begin(RunCode::create, entity, rows); }
  void revive(Entity entity, std::span<const Row> rows) { begin(RunCode::revive, entity, rows); }
  /// create() or revive() of entities that stand side by side; the rows are the first one's.
  void begin_many(RunCode code, std::span<const Entity> entities, std::span<const Row> first_rows);
  void insert(Entity entity, std::span<const Row> rows) { begin(RunCode::insert, entity, rows); }
  void remove(Entity entity, TableId table) { remove_many({&entity, 1}, table); }
  void remove_many(std::span<const Entity> entities, TableId table);
  /// The fields that differ, texts by content; nothing where none does.
  void update(Entity entity, TableId table, const std::byte* before, const std::byte* after);
  /// The same of rows that lie one after the other, of a table without texts.
  void update_column(std::span<const Entity> entities, TableId table, const std::byte* before, const std::byte* after);

  /// From here on calls `function` after each operation that leaves about `bytes` or more: it is to finish() and
  /// clear(), so that a difference of any size is put into words in bounded memory, as several bodies one after the
  /// other.
  void when_full(std::size_t bytes, std::function<void()> function);

  /// Whether the two below do for every table: all are logged and replicated.
  [[nodiscard]] bool can_write_alone() const noexcept { return all_are_logged_and_replicated_; }
  /// What begin_many(), or update(), and finish() append where nothing else is written, in fewer steps.
  /// Requires: it is empty().
  std::size_t begin_alone(RunCode code, std::span<const Entity> entities, std::span<const TableId> tables,
                          std::span<const Row> first_rows, std::vector<std::byte>& out) const;
  std::size_t update_alone(Entity entity, TableId table, const std::byte* before, const std::byte* after,
                           std::vector<std::byte>& out);

  /// Appends all of it; returns how many bytes of that are of tables that are logged, which come first.
  std::size_t finish(std::vector<std::byte>& out);

 private:
  // Which tables a run may be of together: a log, and a replica, take some runs and leave others out.
  enum class Class : std::uint8_t { all, only_logged, only_replicated, neither };

  struct Key {
    RunCode code{};
    std::vector<std::uint16_t> fields;  // of an update
    std::vector<TableId> tables;
  };
  struct Group {
    Key key;
    Class of = Class::all;
    std::uint64_t count = 0;
    EntityDifference last;
    std::vector<std::byte> entities;
    std::vector<std::vector<std::byte>> values;  // by table
  };

  // Which group updates_of() had for them since the last clear().
  struct ChangedFields {
    PlainRows::Fields fields = 0;
    std::uint64_t clears = 0;
    std::uint32_t group = 0;
    TableId table{};
  };

  [[nodiscard]] Class class_of(TableId table) const { return classes_[to_index(table)]; }
  void begin(RunCode code, Entity entity, std::span<const Row> rows);
  void insert(RunCode code, Entity entity, std::span<const Row> rows, Class of);
  void add_rows(Group& into, Entity entity, std::span<const Row> rows);
  void update_alike(std::span<const Entity> entities, TableId table, const std::byte* before, const std::byte* after);
  void update_mixed(std::span<const Entity> entities, TableId table, const std::byte* before, const std::byte* after);
  template <typename Append>
  void add_updates(Group& into, std::span<const Entity> entities, Append append);
  Group& updates_of(TableId table, PlainRows::Fields changed);
  schema::RowBytes::Fields fields_of(TableId table, PlainRows::Fields changed);
  Group& group(RunCode code, std::span<const Row> rows, schema::RowBytes::Fields fields, Class of);
  void add(Group& group, Entity entity);
  void add_many(Group& group, std::span<const Entity> entities);
  void encode(const schema::RowBytes& row, schema::RowBytes::Fields fields, const std::byte* from,
              std::vector<std::byte>& into);
  void end_operation() {
    if (bytes_added_ >= full_at_) when_full_();
  }
  static void append(const Group& group, std::vector<std::byte>& out);

  const schema::TableBytes& bytes_;
  std::vector<Class> classes_;  // by table
  bool all_are_logged_and_replicated_ = false;
  std::vector<PlainRows> plain_;                    // by table
  std::array<ChangedFields, 16> changed_fields_{};  // by their hash
  std::uint64_t clears_ = 1;
  std::vector<Group> groups_;  // kept for their memory
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_key_;
  std::vector<std::uint32_t> used_;  // groups with operations
  std::uint32_t last_ = 0;           // of these, by its number in groups_
  std::vector<Row> some_;
  std::vector<Row> rows_;
  std::vector<std::uint16_t> changed_;
  std::size_t bytes_added_ = 0;  // of entities and values, since the last clear()
  std::size_t full_at_ = std::numeric_limits<std::size_t>::max();
  std::function<void()> when_full_;
};

}  // namespace stoa::delta
