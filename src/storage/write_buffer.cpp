#include "storage/write_buffer.h"

#include "schema/row_codec.h"
#include "storage/entity_allocator.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace stoa::storage {

using detail::EntitySlot;
using detail::SparseSet;

WriteBuffer::WriteBuffer(const detail::WorldInfo& world, memory::PagePool& pool)
    : world_(world),
      pages_(pool),
      archetypes_(world, pages_, root_),
      indexes_(world),
      compactor_({world, pages_, root_, archetypes_, indexes_, sparse_shapes_, sparse_tables_}),
      scratch_(row_bytes_max) {
  for (std::size_t table = 0; table < world.tables.size(); ++table) {
    if (world.tables[table].sparse == detail::WorldInfo::dense) continue;
    const std::array tables{TableId{static_cast<std::uint16_t>(table)}};
    sparse_tables_.push_back(tables[0]);
    sparse_shapes_.push_back(make_shape(pages_, world, 0, tables));
  }
}

void WriteBuffer::begin(const Root& base) {
  root_ = base;
  root_.id = 0;
  ++root_.root_seq;
  root_.world = &world_;
  slots_sealed_ = root_.slot_count;
  pages_.begin(root_.root_seq);
  archetypes_.begin();
  if (root_.sparse.top == nullptr) {
    for (std::size_t number = 0; number < sparse_shapes_.size(); ++number) {
      auto& set = edit_cell<SparseSet>(pages_, root_.sparse, number, detail::directory_page_bits);
      set.rows = ChunkEditor::make(pages_, *sparse_shapes_[number]);
    }
  }
  if (root_.indexes.top == nullptr) {
    for (std::size_t number = 0; number < world_.indexes.size(); ++number) {
      (void)edit_cell<BTree<IndexKey>>(pages_, root_.indexes, number, detail::directory_page_bits);
    }
  }
}

const Root& WriteBuffer::seal(Version version) noexcept {
  root_.version = version;
  return root_;
}

// --- Where things are ---------------------------------------------------------------------------------------------

SparseEditor WriteBuffer::edit_sparse(TableId table) {
  const std::uint16_t number = world_.tables[to_index(table)].sparse;
  return {pages_, edit_cell<SparseSet>(pages_, root_.sparse, number, detail::directory_page_bits)};
}

EntitySlot* WriteBuffer::make_own_slots(std::uint32_t page) {
  constexpr std::uint32_t size = 1U << detail::slot_page_bits;
  const bool is_new = detail::find_page(root_.slots, page) == nullptr;
  const std::uint32_t floor = is_new ? detail::folded_floor(root_, page) : 0;
  auto* slots = static_cast<EntitySlot*>(
      make_own_page(pages_, root_.slots, page, size * sizeof(EntitySlot), size * sizeof(EntitySlot)));
  if (floor != 0) std::for_each(slots, slots + size, [floor](EntitySlot& slot) { slot.floor = floor; });
  if (is_new) log_.slot_page_born(page);
  return slots;
}

void WriteBuffer::set_row(Entity entity, std::uint32_t row) {
  if (entity) edit_slot(entity).row = row;
}

std::uint32_t WriteBuffer::sparse_row(TableId table, Entity entity) const noexcept {
  return detail::find_sparse_row(detail::sparse_at(root_, world_.tables[to_index(table)].sparse), entity);
}

// Requires: the entity has a row in the table, which has cells.
std::byte* WriteBuffer::edit_row(TableId table, Entity entity) {
  if (is_sparse(table)) return edit_sparse(table).edit(sparse_row(table, entity));
  const EntitySlot& slot = *detail::find_alive(root_, entity);
  return archetypes_.edit(slot.archetype - 1).edit(slot.row, archetypes_.shape(slot.archetype - 1).column(table));
}

// --- Operations ---------------------------------------------------------------------------------------------------

Outcome WriteBuffer::create(std::span<const Entity> entities, std::span<const RowImage> rows, bool again) {
  std::uint32_t archetype = 0;
  for (const RowImage& row : rows) {
    if (!is_sparse(row.table)) archetype = archetypes_.with(archetype, row.table);
  }
  // As many at a time as go into a chunk.
  for (std::size_t done = 0; done != entities.size();) {
    ChunkEditor editor = archetypes_.edit(archetype);
    const auto some = entities.subspan(done, std::min<std::size_t>(entities.size() - done, editor.room_in_chunk()));
    log_.reserve(some.size() * (1 + rows.size()), some.size() * sizeof(EntitySlot));
    log_.reserve_slot_pages(some.size());
    const DenseRow first{archetype, detail::archetype_at(root_, archetype).rows};
    if (!begin_slots(some, editor, first, again)) return Outcome::no_entity;
    for (const RowImage& row : rows) {
      const RowImage here{row.table, row.bytes + done * world_.tables[to_index(row.table)].cell_bytes};
      if (!is_sparse(row.table)) {
        insert_dense(some, here, editor, first);
      } else if (insert_sparse(some, here) != some.size()) {
        return Outcome::row_exists;
      }
    }
    done += some.size();
  }
  return Outcome::done;
}

Counted WriteBuffer::insert(std::span<const Entity> entities, std::span<const RowImage> rows) {
  const EntitySlot* slot = detail::find_alive(root_, entities.front());
  if (slot == nullptr) return {.outcome = Outcome::no_entity};
  for (const RowImage& row : rows) {
    if (find_row(row.table, entities.front()) != nullptr) return {.outcome = Outcome::row_exists};
  }
  const std::uint32_t from = slot->archetype - 1;
  std::uint32_t to = from;
  for (const RowImage& row : rows) {
    if (!is_sparse(row.table)) to = archetypes_.with(to, row.table);
  }
  // No more are looked at than the other archetype's last chunk has room for.
  const std::size_t room = to == from ? entities.size() : archetypes_.edit(to).room_in_chunk();
  entities = entities.first(std::min(room, entities.size()));
  std::span<const Entity> some = entities.first(count_alike(entities, rows));
  log_.reserve(some.size() * (1 + rows.size()), 0);
  if (to != from) {
    ChunkEditor editor = archetypes_.edit(to);
    const DenseRow first{to, detail::archetype_at(root_, to).rows};
    some = some.first(move(some, from, to));
    for (const RowImage& row : rows) {
      if (!is_sparse(row.table)) insert_dense(some, row, editor, first);
    }
  }
  for (const RowImage& row : rows) {
    // One that is named twice has its row after the first time.
    if (is_sparse(row.table)) some = some.first(insert_sparse(some, row));
  }
  return {.count = some.size()};
}

// How many, from the first on, are alike in what an insert of the rows depends on; no two of them need be different.
// Requires: the first is alive and has none of the rows.
std::size_t WriteBuffer::count_alike(std::span<const Entity> entities, std::span<const RowImage> rows) const noexcept {
  constexpr std::uint32_t page_slots = 1U << detail::slot_page_bits;
  const EntitySlot* slot = detail::find_alive(root_, entities.front());
  const std::uint32_t archetype = slot->archetype;
  // By itself a table's own editor finds it out.
  const auto has_row = [&](const RowImage& row, Entity entity) {
    return rows.size() != 1 && is_sparse(row.table) && sparse_row(row.table, entity) != detail::no_row;
  };
  std::size_t count = 1;
  for (; count != entities.size(); ++count) {
    const Entity entity = entities[count];
    // Most follow one another.
    const bool is_next = entity.index() == entities[count - 1].index() + 1 && entity.index() % page_slots != 0;
    slot = is_next ? slot + 1 : detail::find_slot(root_, entity.index());
    if (slot == nullptr || slot->archetype != archetype || slot->generation != entity.generation()) break;
    if (std::ranges::any_of(rows, [&](const RowImage& row) { return has_row(row, entity); })) break;
  }
  return count;
}

Outcome WriteBuffer::update(TableId table, Entity entity, const std::byte* row) {
  const std::byte* now = find_row(table, entity);
  if (now == nullptr) return why_no_row(entity);
  const TableModel& model = world_.model(table);
  write_range(table, entity, 0, model.bytes, row);
  return Outcome::done;
}

Outcome WriteBuffer::set_field(TableId table, Entity entity, const FieldModel& field, const std::byte* bytes) {
  const std::byte* now = find_row(table, entity);
  if (now == nullptr) return why_no_row(entity);
  if (!texts_fit(world_.model(table), now, field.offset, field.bytes, bytes)) return Outcome::too_large;
  write_range(table, entity, field.offset, field.bytes, bytes);
  return Outcome::done;
}

Counted WriteBuffer::remove(TableId table, std::span<const Entity> entities) {
  const TableModel& model = world_.model(table);
  log_.reserve(entities.size() * 2, entities.size() * model.bytes);  // of a dense one it moves as well
  log_.reserve_blobs(entities.size() * model.blobs.size());
  if (is_sparse(table)) return remove_all_sparse(model, entities);
  for (std::size_t count = 0; count != entities.size(); ++count) {
    const Entity entity = entities[count];
    const std::byte* now = find_row(table, entity);
    if (now == nullptr) return {count, why_no_row(entity)};
    remove_dense(model, entity, now);
  }
  return {.count = entities.size()};
}

Counted WriteBuffer::remove_all_sparse(const TableModel& model, std::span<const Entity> entities) {
  constexpr std::size_t leaves_ahead = 8;
  SparseEditor set = edit_sparse(model.number);
  for (std::size_t count = 0; count != entities.size(); ++count) {
    const Entity entity = entities[count];
    const std::uint32_t row = set.find(entity);
    if (row == detail::no_row) return {count, why_no_row(entity)};
    if (count + leaves_ahead < entities.size()) set.prefetch(entities[count + leaves_ahead]);
    remove_sparse(model, entity, row, set);
  }
  return {.count = entities.size()};
}

void WriteBuffer::remove_dense(const TableModel& model, Entity entity, const std::byte* now) {
  const TableId table = model.number;
  const std::uint32_t from = detail::find_alive(root_, entity)->archetype - 1;
  const std::uint32_t to = archetypes_.without(from, table);
  // Recorded before anything is touched, and harmless to take back if the rest fails: the row is still there.
  log_.push({.kind = Change::Kind::remove, .table = table, .entity = entity}, now, model.bytes);
  if (indexes_.covers(table)) indexes_.row_removed(table, entity, now);
  let_go_of_blobs(model, now);
  (void)move({&entity, 1}, from, to);
}

void WriteBuffer::raise_floor(Entity entity) {
  if (detail::generation_floor(root_, entity.index()) >= entity.generation()) return;
  log_.reserve(1, sizeof(EntitySlot));
  log_.reserve_slot_pages(1);
  EntitySlot& slot = edit_slot(entity);
  log_.push({.kind = Change::Kind::floor, .row = root_.slot_count, .entity = entity}, &slot, sizeof slot);
  slot.floor = entity.generation();
  root_.slot_count = std::max(root_.slot_count, entity.index() + 1);
}

// Of a page without slots.
void WriteBuffer::raise_page_floor(std::uint32_t page, std::uint32_t floor) {
  constexpr std::uint64_t size = 1U << detail::slot_page_bits;
  const std::uint32_t before = detail::folded_floor(root_, page);
  if (before >= floor) return;
  log_.reserve(1, sizeof before);
  edit_cell<std::uint32_t>(pages_, root_.floors, page, detail::floor_page_bits) = floor;
  log_.push({.kind = Change::Kind::page_floor, .store = page, .row = root_.slot_count, .entity = {}}, &before,
            sizeof before);
  const std::uint64_t end = std::min<std::uint64_t>((page + 1) * size, EntityAllocator::index_max + std::uint64_t{1});
  root_.slot_count = std::max(root_.slot_count, static_cast<std::uint32_t>(end));
}

void WriteBuffer::raise_floors(Entity first, std::uint32_t count) {
  constexpr std::uint32_t size = 1U << detail::slot_page_bits;
  std::uint64_t at = first.index();
  const std::uint64_t end = at + count;
  while (at != end) {
    const auto index = static_cast<std::uint32_t>(at);
    const std::uint32_t page = index >> detail::slot_page_bits;
    if (index % size == 0 && end - at >= size && detail::find_page(root_.slots, page) == nullptr) {
      raise_page_floor(page, first.generation());
      at += size;
    } else {
      raise_floor({index, first.generation()});
      ++at;
    }
  }
}

void WriteBuffer::fold_slots(std::uint32_t page) {
  constexpr std::uint32_t size = 1U << detail::slot_page_bits;
  const auto* slots = static_cast<const EntitySlot*>(detail::find_page(root_.slots, page));
  if (slots == nullptr) return;
  std::uint32_t floor = 0;
  for (std::uint32_t i = 0; i != size; ++i) {
    if (slots[i].archetype != 0) return;
    floor = std::max(floor, slots[i].floor);
  }
  // In this order: while the page is there, its floor counts for nothing.
  edit_cell<std::uint32_t>(pages_, root_.floors, page, detail::floor_page_bits) = floor;
  take_out_slots(page);
}

void WriteBuffer::take_out_slots(std::uint32_t page) {
  const void* slots = detail::find_page(root_.slots, page);
  set_page(pages_, root_.slots, page, nullptr);
  pages_.discard(slots);
}

std::byte* WriteBuffer::replace_column(std::uint32_t archetype, std::uint32_t chunk, TableId table) {
  log_.reserve(1, sizeof(ReplacedPage));
  ReplacedPage replaced;
  std::byte* page =
      archetypes_.edit(archetype).replace(chunk, archetypes_.shape(archetype).column(table), replaced.before);
  log_.push({.kind = Change::Kind::page, .table = table, .store = archetype, .row = chunk, .entity = {}}, &replaced,
            sizeof replaced);
  return page;
}

void WriteBuffer::adopt_column(std::uint32_t archetype, std::uint32_t chunk, TableId table, const void* page) {
  log_.reserve(1, sizeof(ReplacedPage));
  const std::uint16_t column = archetypes_.shape(archetype).column(table);
  ReplacedPage replaced;
  replaced.before = detail::archetype_at(root_, archetype).chunk_column(chunk, column);
  archetypes_.edit(archetype).adopt(chunk, column, page);
  replaced.adopted = page;
  replaced.retirement = pages_.revive(page);
  log_.push({.kind = Change::Kind::page, .table = table, .store = archetype, .row = chunk, .entity = {}}, &replaced,
            sizeof replaced);
}

const std::byte* WriteBuffer::replaced_column(std::size_t change) const noexcept {
  return static_cast<const std::byte*>(log_.replaced_page(log_.changes()[change]).before);
}

void WriteBuffer::put_column_back(std::size_t change) noexcept {
  revert(log_.changes()[change]);
  log_.cancel(change);
}

void WriteBuffer::note_update(TableId table, Entity entity, const std::byte* before) {
  const std::uint32_t bytes = world_.tables[to_index(table)].cell_bytes;
  log_.reserve(1, bytes);
  log_.push({.kind = Change::Kind::update, .table = table, .entity = entity}, before, bytes);
}

}  // namespace stoa::storage
