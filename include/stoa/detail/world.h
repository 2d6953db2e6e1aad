// The world as a root describes it, and the walks that readers make through it. Everything here is immutable to
// readers; src/storage makes new roots.
#pragma once

#include <stoa/detail/page.h>
#include <stoa/schema.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace stoa::schema {
class TableBytes;
}

namespace stoa::detail {

/// What the index of an entity leads to. All zero: never used.
struct EntitySlot {
  std::uint32_t generation = 0;  ///< of the entity that is alive, or was last
  std::uint32_t archetype = 0;   ///< its number + 1; 0 where no entity is alive
  std::uint32_t row = 0;
  std::uint32_t floor = 0;  ///< the highest generation that the index ever had: above it a new entity's is
};
static_assert(sizeof(EntitySlot) == 16);

/// A column of a chunk store: 0 holds the entities, the others a table's cells.
struct Column {
  TableId table = no_table;
  std::uint32_t cell_bytes = 0;
};

/// Which columns the rows of a store have. Made once, shared by all roots that have the store, never changed. A hash
/// table of places follows it in its block, and then what the spans are of.
struct StoreShape {
  static constexpr std::uint16_t absent = 0xFFFF;
  static constexpr std::uint16_t membership = 0xFFFE;  // a tag: the rows have it, and it has no column

  struct Place {
    TableId table = no_table;
    std::uint16_t column = absent;
  };

  std::uint32_t number = 0;         ///< of the archetype
  std::uint16_t row_bits = 0;       ///< log2 of the rows of a full chunk
  std::uint16_t place_mask = 0;     ///< places less one, a power of two with one free at least
  std::span<const TableId> tables;  ///< ascending, tags included
  std::span<const Column> columns;

  [[nodiscard]] const Place* places() const noexcept { return reinterpret_cast<const Place*>(this + 1); }
  [[nodiscard]] std::uint16_t column(TableId table) const noexcept {
    for (std::size_t at = to_index(table) & place_mask;; at = (at + 1) & place_mask) {
      const Place place = places()[at];
      if (place.table == table || place.table == no_table) return place.column;
    }
  }
  [[nodiscard]] bool has(TableId table) const noexcept { return column(table) != absent; }
  [[nodiscard]] std::uint32_t chunk_rows() const noexcept { return 1U << row_bits; }
};

/// Rows of one shape in chunks: an archetype's entities, or what a sparse table holds, packed. As many PagedArrays as
/// the shape has columns follow it in its block; a leaf of each is a chunk's column.
struct ChunkStore {
  const StoreShape* shape = nullptr;
  std::uint32_t rows = 0;
  std::uint32_t rows_first = 0;  ///< room in the first chunk, while it is not a full one

  [[nodiscard]] PagedArray* columns() noexcept { return reinterpret_cast<PagedArray*>(this + 1); }
  [[nodiscard]] const PagedArray* columns() const noexcept { return reinterpret_cast<const PagedArray*>(this + 1); }

  [[nodiscard]] std::uint32_t chunk_count() const noexcept {
    return (rows + shape->chunk_rows() - 1) >> shape->row_bits;
  }
  [[nodiscard]] std::uint32_t rows_in(std::uint32_t chunk) const noexcept {
    return std::min(rows - (chunk << shape->row_bits), shape->chunk_rows());
  }
  [[nodiscard]] const std::byte* chunk_column(std::uint32_t chunk, std::size_t column) const noexcept {
    return static_cast<const std::byte*>(page_unchecked(columns()[column], chunk));
  }
  [[nodiscard]] const std::byte* cell(std::uint32_t row, std::size_t column, std::size_t cell_bytes) const noexcept {
    const std::uint32_t in_chunk = row & (shape->chunk_rows() - 1);
    return chunk_column(row >> shape->row_bits, column) + in_chunk * cell_bytes;
  }
  [[nodiscard]] Entity entity(std::uint32_t row) const noexcept {
    return *reinterpret_cast<const Entity*>(cell(row, 0, sizeof(Entity)));
  }
  [[nodiscard]] std::span<const Entity> entities(std::uint32_t chunk) const noexcept {
    return {reinterpret_cast<const Entity*>(chunk_column(chunk, 0)), rows_in(chunk)};
  }
};
static_assert(sizeof(ChunkStore) == 16 && sizeof(PagedArray) == 16);

/// Of a run of entity indices: which have a row in a sparse table, and where.
struct SparseLeaf {
  static constexpr std::uint32_t size = 1U << sparse_page_bits;
  static constexpr std::uint32_t words = (size + 63) / 64;

  std::uint64_t bits[words];  ///< index i of the run: bit i % 64 of word i / 64
  std::uint32_t rows[size];   ///< defined where the bit is set

  [[nodiscard]] bool has(std::uint32_t at) const noexcept { return (bits[at / 64] >> (at % 64) & 1U) != 0; }
};

/// A sparse table: its rows packed, and a bitmap of the entity indices that have one, with the rows' places. The bitmap
/// is hierarchical: a leaf without bits is not there, and neither is a node without leaves, but for those where memory
/// ran out while a leaf was made.
struct SparseSet {
  const ChunkStore* rows = nullptr;
  PagedArray leaves;  ///< SparseLeaf by entity index / SparseLeaf::size
};
static_assert(sizeof(SparseSet) == 24);

/// An ordered set of (value, entity) that follows a table's rows; derived, so in no delta and no hash.
struct IndexInfo {
  enum class Kind : std::uint8_t {
    unique,     ///< no two rows have the same value, which is integrity's to judge
    reference,  ///< by the entity that a reference names: who refers to it
    ordered,    ///< asked for by the schema, for ranges
  };
  enum class Form : std::uint8_t {
    number,  ///< of one field, ascending as its values are
    hash,    ///< of a text, or of several fields: it finds, and has no order
    text,    ///< of one field, by its bytes
  };
  Kind kind{};
  Form form{};
  TableId table = no_table;
  std::vector<FieldId> fields;
};

/// What is the same in all roots of a database.
struct WorldInfo {
  static constexpr std::uint16_t dense = 0xFFFF;

  struct Table {
    std::uint32_t cell_bytes = 0;
    std::uint16_t sparse = dense;   ///< number among the sparse tables
    bool is_taken_as_is = false;    ///< rows have no padding, no texts, and nothing that is to be checked
    std::uint32_t index_first = 0;  ///< its indexes are numbered side by side
    std::uint32_t index_count = 0;
    [[nodiscard]] std::uint32_t index_end() const noexcept { return index_first + index_count; }
  };

  std::shared_ptr<const CompiledSchema> schema;
  std::shared_ptr<const schema::TableBytes> bytes;  ///< how rows become bytes
  std::vector<Table> tables;
  std::vector<IndexInfo> indexes;

  [[nodiscard]] const TableModel& model(TableId table) const { return schema->model().tables[to_index(table)]; }
};

inline constexpr std::uint32_t directory_page_bits = node_bits;  // archetypes and sparse tables of a directory page

/// Which archetypes the readers' queries match, as far as they have found out. See src/storage/match_cache.h.
class MatchCache;

/// Which line of versions a database is on: random, of its own where it begins or leaves another's.
using HistoryId = std::array<std::uint64_t, 2>;

struct DeltaChunk;

/// The deltas of the last versions, as far as they are kept. See src/delta/kept_deltas.h.
struct KeptDeltas {
  const DeltaChunk* newest = nullptr;
  std::uint64_t end = 0;    ///< of the newest chunk, what the root may read
  Version from = 0;         ///< from this version on; equal to the root's where there are none
  std::uint64_t bytes = 0;  ///< of all chunks
};

/// Ids of roots, which no other root in this process ever has: as many as a database is given at a time. Inline, as
/// ColumnHint is: all copies of the library in a process give out the same.
[[nodiscard]] inline std::uint64_t next_root_ids() {
  static std::atomic<std::uint64_t> next{root_ids_together};
  return next.fetch_add(root_ids_together, std::memory_order_relaxed);  // relaxed: only uniqueness matters
}

/// The immutable description of a whole world. What a read of a row looks at comes first, in one line of the cache.
struct Root {
  std::uint64_t id = 0;   ///< see next_root_ids(); 0 until it is published
  PagedArray slots;       ///< EntitySlot by entity index; a page of the dead alone may be folded
  PagedArray archetypes;  ///< const ChunkStore* by archetype number; null where it was given up
  const WorldInfo* world = nullptr;
  std::uint32_t slot_count = 0;       ///< every entity index ever committed is below it
  std::uint32_t archetype_count = 0;  ///< every number is below it

  std::uint64_t root_seq = 0;  ///< ascending in a database
  Version version = 0;
  HistoryId history{};
  KeptDeltas deltas;
  PagedArray floors;                      ///< of folded pages: the highest of their slots' floors, by page number
  PagedArray sparse;                      ///< SparseSet by sparse number
  PagedArray indexes;                     ///< the B+trees, by index number
  std::uint64_t entity_count = 0;         ///< alive
  std::uint32_t archetypes_accepted = 0;  ///< those from here on may be taken back
  MatchCache* matches = nullptr;          ///< for readers too; of all roots since archetypes were given up last
};

/// The slots past slot_count in a page may be the writer's, which begins entities there: nobody else looks at them.
[[nodiscard]] inline const EntitySlot* find_slot(const Root& root, std::uint32_t index) noexcept {
  if (index >= root.slot_count) return nullptr;
  const void* page = find_page(root.slots, index >> slot_page_bits);
  if (page == nullptr) return nullptr;
  return static_cast<const EntitySlot*>(page) + (index & ((1U << slot_page_bits) - 1));
}

/// The floor of a page of slots that was folded; 0 where it never had an entity.
[[nodiscard]] inline std::uint32_t folded_floor(const Root& root, std::uint32_t slot_page) noexcept {
  const void* page = find_page(root.floors, slot_page >> floor_page_bits);
  return page == nullptr ? 0 : static_cast<const std::uint32_t*>(page)[slot_page & ((1U << floor_page_bits) - 1)];
}

/// The highest generation that the index ever had, or one above it; 0 where it never had an entity.
[[nodiscard]] inline std::uint32_t generation_floor(const Root& root, std::uint32_t index) noexcept {
  const EntitySlot* slot = find_slot(root, index);
  return slot != nullptr ? slot->floor : folded_floor(root, index >> slot_page_bits);
}

/// The slot of an entity that is alive, else nullptr.
[[nodiscard]] inline const EntitySlot* find_alive(const Root& root, Entity entity) noexcept {
  const EntitySlot* slot = find_slot(root, entity.index());
  return slot != nullptr && slot->archetype != 0 && slot->generation == entity.generation() ? slot : nullptr;
}

[[nodiscard]] inline const ChunkStore& archetype_at(const Root& root, std::uint32_t number) noexcept {
  const void* page = page_unchecked(root.archetypes, number >> directory_page_bits);
  return *static_cast<const ChunkStore* const*>(page)[number & ((1U << directory_page_bits) - 1)];
}

/// The first archetype at or after `number`, which then is its own; nullptr after the last.
[[nodiscard]] inline const ChunkStore* next_archetype(const Root& root, std::uint32_t& number) noexcept {
  constexpr std::uint32_t entries = 1U << directory_page_bits;
  while (number < root.archetype_count) {
    std::uint64_t page_number = number >> directory_page_bits;
    const void* page = next_page(root.archetypes, page_number);
    if (page == nullptr) break;
    number = std::max(number, static_cast<std::uint32_t>(page_number) << directory_page_bits);
    do {
      if (const auto* store = static_cast<const ChunkStore* const*>(page)[number & (entries - 1)]) return store;
    } while ((++number & (entries - 1)) != 0);
  }
  number = root.archetype_count;
  return nullptr;
}

[[nodiscard]] inline const SparseSet& sparse_at(const Root& root, std::uint16_t number) noexcept {
  const void* page = page_unchecked(root.sparse, number >> directory_page_bits);
  return static_cast<const SparseSet*>(page)[number & ((1U << directory_page_bits) - 1)];
}

inline constexpr std::uint32_t no_row = 0xFFFF'FFFFU;

[[nodiscard]] inline const SparseLeaf* find_leaf(const SparseSet& set, std::uint32_t index) noexcept {
  return static_cast<const SparseLeaf*>(find_page(set.leaves, index / SparseLeaf::size));
}

/// The packed row of an entity in a sparse table, or no_row. The entity's own id in that row says whose it is, so the
/// entity's slot is not looked at.
[[nodiscard]] inline std::uint32_t find_row_in(const SparseLeaf* leaf, const SparseSet& set, Entity entity) noexcept {
  const std::uint32_t at = entity.index() % SparseLeaf::size;
  if (leaf == nullptr || !leaf->has(at)) return no_row;
  return set.rows->entity(leaf->rows[at]) == entity ? leaf->rows[at] : no_row;
}
[[nodiscard]] inline std::uint32_t find_sparse_row(const SparseSet& set, Entity entity) noexcept {
  return find_row_in(find_leaf(set, entity.index()), set, entity);
}

/// What stands for the row of a tag: an address that is not null.
inline constexpr std::byte tag_row{};

/// What stands in a store's column: nullptr where it is absent, for a tag an address without bytes.
[[nodiscard]] inline const std::byte* row_at(const ChunkStore& store, std::uint32_t row,
                                             std::uint16_t column) noexcept {
  if (column >= StoreShape::membership) return column == StoreShape::membership ? &tag_row : nullptr;
  return store.cell(row, column, store.shape->columns[column].cell_bytes);
}

/// The entity's row in the table, or nullptr; for a tag an address without bytes.
[[nodiscard]] inline const std::byte* find_row(const Root& root, TableId table, Entity entity) noexcept {
  const WorldInfo::Table& info = root.world->tables[to_index(table)];
  if (info.sparse == WorldInfo::dense) {
    const EntitySlot* slot = find_alive(root, entity);
    if (slot == nullptr) return nullptr;
    const ChunkStore& store = archetype_at(root, slot->archetype - 1);
    const std::uint16_t column = store.shape->column(table);
    if (column >= StoreShape::membership) return column == StoreShape::membership ? &tag_row : nullptr;
    return store.cell(slot->row, column, info.cell_bytes);
  }
  const SparseSet& set = sparse_at(root, info.sparse);
  const std::uint32_t row = find_sparse_row(set, entity);
  if (row == no_row) return nullptr;
  return info.cell_bytes == 0 ? &tag_row : set.rows->cell(row, 1, info.cell_bytes);
}

}  // namespace stoa::detail
