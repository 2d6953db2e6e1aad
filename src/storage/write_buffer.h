// The writer's unsealed root: what a batch's transactions change before anybody can see it. It applies single
// operations and can take a transaction's changes back; it judges no rules but the existence of what an operation
// names.
#pragma once

#include "memory/page_writer.h"
#include "storage/archetype_directory.h"
#include "storage/change_log.h"
#include "storage/chunk_store.h"
#include "storage/compactor.h"
#include "storage/index_set.h"
#include "storage/paged_array.h"
#include "storage/sparse_set.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace stoa::storage {

using detail::Root;

/// A row to write: canonical bytes, its texts borrowed. For several entities as many rows, one after the other.
struct RowImage {
  TableId table;
  const std::byte* bytes;
};

/// What an operation found, or would come to: too_large is a row whose texts have more bytes than a row's may. All but
/// `done` changed nothing.
enum class Outcome : std::uint8_t { done, no_entity, no_row, row_exists, too_large };

/// Of how many entities, from the first on, an operation is done; where it is not, the outcome is the next one's.
struct Counted {
  std::size_t count = 0;
  Outcome outcome = Outcome::done;
};

/// Errors: operations throw std::bad_alloc, wherever they are; revert() then takes the transaction back. It may need
/// memory itself, and has the pool's spare slab for that. Where that is used up and it throws too, the buffer is lost,
/// with all that was accepted since begin().
/// Threads: the writer only.
class WriteBuffer {
 public:
  WriteBuffer(const detail::WorldInfo& world, memory::PagePool& pool);

  /// Starts filling the root after `base`, which is published, or sealed before this one.
  void begin(const Root& base);
  [[nodiscard]] const Root& root() const noexcept { return root_; }
  [[nodiscard]] ArchetypeDirectory& archetypes() noexcept { return archetypes_; }
  [[nodiscard]] const detail::WorldInfo& world() const noexcept { return world_; }
  [[nodiscard]] memory::PageWriter& pages() noexcept { return pages_; }
  [[nodiscard]] std::uint64_t bytes_allocated() const noexcept { return pages_.bytes_allocated(); }
  /// Of the root that is filled.
  [[nodiscard]] Compactor& compactor() noexcept { return compactor_; }
  [[nodiscard]] const Compactor& compactor() const noexcept { return compactor_; }

  [[nodiscard]] const std::byte* find_row(TableId table, Entity entity) const noexcept {
    return detail::find_row(root_, table, entity);
  }
  /// Texts by content.
  [[nodiscard]] bool equal_rows(TableId table, const std::byte* a, const std::byte* b) const noexcept;
  [[nodiscard]] bool is_sparse(TableId table) const noexcept {
    return world_.tables[to_index(table)].sparse != detail::WorldInfo::dense;
  }
  [[nodiscard]] bool alive(Entity entity) const noexcept { return detail::find_alive(root_, entity) != nullptr; }

  /// Begins entities, which were reserved and never begun, with the given rows, which name each table once. With
  /// no_entity, of several some may have begun: the transaction is to be taken back.
  Outcome create(std::span<const Entity> entities, std::span<const RowImage> rows = {}) {
    return create(entities, rows, false);
  }
  Outcome create(Entity entity, std::span<const RowImage> rows = {}) { return create({&entity, 1}, rows); }
  /// The same of entities that have ended, in another state of the world or in this one.
  Outcome revive(std::span<const Entity> entities, std::span<const RowImage> rows) {
    return create(entities, rows, true);
  }
  /// Entities of that generation have been, somewhere else: at `count` indices from the entity's on none begins here
  /// that is not above it. Requires: there are so many.
  void raise_floors(Entity first, std::uint32_t count);
  /// Ends an entity and all its rows.
  Outcome destroy(Entity entity) { return destroy({&entity, 1}).outcome; }
  /// One after the other, up to the first that is not alive: of how many it was done, and why of no more.
  [[nodiscard]] Counted destroy(std::span<const Entity> entities);
  /// Adds rows in tables that the entities have none in. With several tables an entity moves once. All of an entity's
  /// rows or none.
  Outcome insert(Entity entity, std::span<const RowImage> rows) { return insert({&entity, 1}, rows).outcome; }
  /// Of how many, from the first on, that was done, and where of none, why. Those who are left are to be tried again,
  /// with what is left of the rows: only as many are done together as are alike.
  [[nodiscard]] Counted insert(std::span<const Entity> entities, std::span<const RowImage> rows);
  /// Replaces a row. Nothing happens where it is equal.
  Outcome update(TableId table, Entity entity, const std::byte* row);
  /// Replaces one field's bytes.
  Outcome set_field(TableId table, Entity entity, const FieldModel& field, const std::byte* bytes);
  Outcome remove(TableId table, Entity entity) { return remove(table, {&entity, 1}).outcome; }
  /// One after the other, up to the first that has no row: of how many it was done, and why of no more.
  [[nodiscard]] Counted remove(TableId table, std::span<const Entity> entities);

  /// Puts the generations of a page of slots, none of whose entities is alive, into one floor, above which all of its
  /// indices go on. Requires: every id that is reserved of it and has not begun is above the floor.
  void fold_slots(std::uint32_t page);

  /// A chunk's column of an archetype for writing in bulk: a page of the transaction's own, what it replaces kept until
  /// the transaction ends. Requires: the table has no texts and no indexed fields.
  [[nodiscard]] std::byte* replace_column(std::uint32_t archetype, std::uint32_t chunk, TableId table);
  /// The column becomes the page that it was in an older root, which is pinned as long as the transaction is under way.
  /// Requires: the chunk has the same rows there; and as above.
  void adopt_column(std::uint32_t archetype, std::uint32_t chunk, TableId table, const void* page);
  /// For a replace_column(), by its number among the changes: the page it replaced; and taking it back, where nothing
  /// was changed in it.
  [[nodiscard]] const std::byte* replaced_column(std::size_t change) const noexcept;
  void put_column_back(std::size_t change) noexcept;
  /// Records that a row of a replaced column changed, for those who read the changes.
  void note_update(TableId table, Entity entity, const std::byte* before);

  /// Makes the indexes of root() follow what was done: before they are looked at.
  void settle_indexes() { indexes_.settle(pages_, root_); }
  /// For a replay, see IndexSet.
  void suspend_indexes() noexcept { indexes_.suspend(); }
  void build_indexes() { indexes_.build(pages_, root_); }

  /// What was done since the last accept() or revert().
  [[nodiscard]] const ChangeLog& changes() const noexcept { return log_; }
  [[nodiscard]] ChangeLog& changes() noexcept { return log_; }
  /// What these take up, and what the indexes were told of them.
  [[nodiscard]] std::size_t change_bytes() const noexcept { return log_.bytes() + indexes_.told_bytes(); }
  /// The transaction stands. `ended` gets the entities that ended in it. Allocates nothing but room for these where the
  /// indexes are settled.
  void accept(std::vector<Entity>& ended);
  /// Takes the transaction back, to the byte and to the order of the rows.
  void revert();

  /// On which line of versions the root is.
  void set_history(const detail::HistoryId& history) noexcept { root_.history = history; }
  void set_deltas(const detail::KeptDeltas& deltas) noexcept { root_.deltas = deltas; }
  /// The root as it is to be published, its version set. The buffer is then to be begun anew.
  [[nodiscard]] const Root& seal(Version version) noexcept;

 private:
  struct DenseRow {
    std::uint32_t archetype;
    std::uint32_t row;
  };
  // A table of an archetype whose entities end.
  struct EndingTable {
    const TableModel* model;
    std::uint16_t column;
    bool is_indexed;
  };

  SparseEditor edit_sparse(TableId table);
  detail::EntitySlot& edit_slot(Entity entity) {
    const std::uint32_t page = entity.index() >> detail::slot_page_bits;
    auto* own = static_cast<detail::EntitySlot*>(find_own_page(pages_, root_.slots, page));
    return (own != nullptr ? own : make_own_slots(page))[entity.index() & ((1U << detail::slot_page_bits) - 1)];
  }
  detail::EntitySlot* make_own_slots(std::uint32_t page);
  void take_out_slots(std::uint32_t page);
  void set_row(Entity entity, std::uint32_t row);

  /// Whether a row is its bytes, and nobody else knows of it: writing it cannot fail.
  [[nodiscard]] bool is_plain(TableId table) const noexcept {
    return world_.model(table).blobs.empty() && !indexes_.covers(table);
  }
  [[nodiscard]] std::uint32_t sparse_row(TableId table, Entity entity) const noexcept;
  std::byte* edit_row(TableId table, Entity entity);
  [[nodiscard]] Outcome why_no_row(Entity entity) const noexcept {
    return alive(entity) ? Outcome::no_row : Outcome::no_entity;
  }

  [[nodiscard]] std::size_t count_alike(std::span<const Entity> entities,
                                        std::span<const RowImage> rows) const noexcept;
  [[nodiscard]] std::size_t move(std::span<const Entity> entities, std::uint32_t from, std::uint32_t to);
  void leave_row(std::uint32_t row, ChunkEditor& rows, const ChunkStore& store);
  void return_to_row(Entity entity, DenseRow to);
  Outcome create(std::span<const Entity> entities, std::span<const RowImage> rows, bool again);
  void raise_floor(Entity entity);
  void raise_page_floor(std::uint32_t page, std::uint32_t floor);
  [[nodiscard]] bool begin_slots(std::span<const Entity> entities, ChunkEditor& editor, DenseRow first, bool again);
  void insert_dense(std::span<const Entity> entities, const RowImage& rows, ChunkEditor& editor, DenseRow first);
  std::size_t insert_sparse(std::span<const Entity> entities, const RowImage& rows);
  void write_new_rows(std::span<const Entity> entities, const RowImage& rows, std::byte* cells, std::uint32_t first);
  void write_new_row(TableId table, Entity entity, std::byte* cell, const std::byte* row);
  void remove_dense(const TableModel& model, Entity entity, const std::byte* now);
  [[nodiscard]] Counted remove_all_sparse(const TableModel& model, std::span<const Entity> entities);
  void remove_sparse(const TableModel& model, Entity entity, std::uint32_t row, SparseEditor& set);
  [[nodiscard]] std::size_t end_alike(std::span<const Entity> entities, std::uint32_t archetype);
  void find_ending_tables(const StoreShape& shape);
  void remove_sparse_rows(Entity entity);
  void write_range(TableId table, Entity entity, std::uint32_t offset, std::uint32_t bytes, const std::byte* range);
  [[nodiscard]] static bool texts_fit(const TableModel& table, const std::byte* row, std::uint32_t offset,
                                      std::uint32_t bytes, const std::byte* range) noexcept;
  void adopt_blobs(const TableModel& table, std::byte* row, std::uint32_t offset, std::uint32_t bytes,
                   const std::byte* before);
  void let_go_of_blobs(const TableModel& table, const std::byte* row);

  void revert(const Change& change);

  const detail::WorldInfo& world_;
  memory::PageWriter pages_;
  ArchetypeDirectory archetypes_;                 // of root_
  std::vector<const StoreShape*> sparse_shapes_;  // by sparse number
  std::vector<TableId> sparse_tables_;            // by sparse number
  IndexSet indexes_;
  Root root_;
  std::uint32_t slots_sealed_ = 0;  // a slot from there on no reader looks at, whatever page it is in
  Compactor compactor_;
  ChangeLog log_;
  std::vector<std::byte> scratch_;
  std::vector<EndingTable> ending_tables_;  // of end_alike() alone
};

}  // namespace stoa::storage
