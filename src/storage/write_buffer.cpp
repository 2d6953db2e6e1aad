#include "storage/write_buffer.h"

#include "schema/row_codec.h"
#include "storage/entity_allocator.h"
#include "storage/paged_array.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace stoa::storage {
namespace {

using detail::EntitySlot;
using detail::SparseSet;
using detail::TextCell;

TextCell load_text(const std::byte* at) {
  TextCell out;
  std::memcpy(static_cast<void*>(&out), at, sizeof out);
  return out;
}

bool within(std::uint32_t at, std::uint32_t offset, std::uint32_t bytes) { return at >= offset && at < offset + bytes; }

// Whether [offset, offset + bytes) of `row` equals `range`, texts by content.
bool equal_range(const TableModel& table, const std::byte* row, std::uint32_t offset, std::uint32_t bytes,
                 const std::byte* range) {
  std::uint32_t at = 0;
  for (std::uint32_t blob : table.blobs) {
    if (!within(blob, offset, bytes)) continue;
    const std::uint32_t text = blob - offset;
    if (std::memcmp(row + offset + at, range + at, text - at) != 0) return false;
    if (load_text(row + blob) != load_text(range + text)) return false;
    at = text + static_cast<std::uint32_t>(sizeof(TextCell));
  }
  return std::memcmp(row + offset + at, range + at, bytes - at) == 0;
}

}  // namespace

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

bool WriteBuffer::equal_rows(TableId table, const std::byte* a, const std::byte* b) const noexcept {
  const TableModel& model = world_.model(table);
  return equal_range(model, a, 0, model.bytes, b);
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

EntitySlot& WriteBuffer::edit_slot(Entity entity) {
  constexpr std::uint32_t size = 1U << detail::slot_page_bits;
  const std::uint32_t number = entity.index() / size;
  const void* now = detail::find_page(root_.slots, number);
  const bool owned = now != nullptr && pages_.owns(now);
  const std::uint32_t floor = now == nullptr ? detail::generation_floor(root_, entity.index()) : 0;
  auto* slots = static_cast<EntitySlot*>(
      owned ? const_cast<void*>(now)
            : edit_page(pages_, root_.slots, number, size * sizeof(EntitySlot), size * sizeof(EntitySlot)));
  if (floor != 0) std::for_each(slots, slots + size, [floor](EntitySlot& slot) { slot.floor = floor; });
  if (now == nullptr) log_.slot_page_born(number);
  return slots[entity.index() % size];
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
      is_sparse(row.table) ? insert_sparse(some, here) : insert_dense(some, here, editor, first);
    }
    done += some.size();
  }
  return Outcome::done;
}

Outcome WriteBuffer::insert(Entity entity, std::span<const RowImage> rows) {
  const EntitySlot* slot = detail::find_alive(root_, entity);
  if (slot == nullptr) return Outcome::no_entity;
  const std::uint32_t from = slot->archetype - 1;
  std::uint32_t to = from;
  for (const RowImage& row : rows) {
    if (find_row(row.table, entity) != nullptr) return Outcome::row_exists;
  }
  for (const RowImage& row : rows) {
    if (!is_sparse(row.table)) to = archetypes_.with(to, row.table);
  }
  log_.reserve(1 + rows.size(), 0);
  if (to != from) {
    move_to(entity, to);
    ChunkEditor editor = archetypes_.edit(to);
    const DenseRow place{to, detail::find_alive(root_, entity)->row};
    for (const RowImage& row : rows) {
      if (!is_sparse(row.table)) insert_dense({&entity, 1}, row, editor, place);
    }
  }
  for (const RowImage& row : rows) {
    if (is_sparse(row.table)) insert_sparse({&entity, 1}, row);
  }
  return Outcome::done;
}

Outcome WriteBuffer::update(TableId table, Entity entity, const std::byte* row) {
  const std::byte* now = find_row(table, entity);
  if (now == nullptr) return alive(entity) ? Outcome::no_row : Outcome::no_entity;
  const TableModel& model = world_.model(table);
  write_range(table, entity, 0, model.bytes, row);
  return Outcome::done;
}

Outcome WriteBuffer::set_field(TableId table, Entity entity, const FieldModel& field, const std::byte* bytes) {
  const std::byte* now = find_row(table, entity);
  if (now == nullptr) return alive(entity) ? Outcome::no_row : Outcome::no_entity;
  if (!texts_fit(world_.model(table), now, field.offset, field.bytes, bytes)) return Outcome::too_large;
  write_range(table, entity, field.offset, field.bytes, bytes);
  return Outcome::done;
}

Outcome WriteBuffer::remove(TableId table, Entity entity) {
  const std::byte* now = find_row(table, entity);
  if (now == nullptr) return alive(entity) ? Outcome::no_row : Outcome::no_entity;
  if (is_sparse(table)) {
    remove_sparse(table, entity, now);
    return Outcome::done;
  }
  const TableModel& model = world_.model(table);
  const std::uint32_t to = archetypes_.without(detail::find_alive(root_, entity)->archetype - 1, table);
  log_.reserve(2, model.bytes);
  log_.reserve_blobs(model.blobs.size());
  // Recorded before anything is touched, and harmless to take back if the rest fails: the row is still there.
  log_.push({.kind = Change::Kind::remove, .table = table, .entity = entity}, now, model.bytes);
  if (indexes_.covers(table)) indexes_.row_removed(table, entity, now);
  let_go_of_blobs(model, now);
  move_to(entity, to);
  return Outcome::done;
}

Outcome WriteBuffer::destroy(Entity entity) {
  const EntitySlot* const alive = detail::find_alive(root_, entity);
  if (alive == nullptr) return Outcome::no_entity;
  const EntitySlot slot = *alive;
  remove_all_rows(entity, slot);
  log_.reserve(1, 0);
  EntitySlot& dead = edit_slot(entity);
  leave_row({slot.archetype - 1, slot.row});
  dead.archetype = 0;
  dead.row = 0;
  log_.push({.kind = Change::Kind::destroy, .store = slot.archetype - 1, .row = slot.row, .entity = entity});
  --root_.entity_count;
  return Outcome::done;
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

// The rows' contents, recorded and out of the indexes; the dense cells themselves go with the entity's row.
void WriteBuffer::remove_all_rows(Entity entity, const EntitySlot& slot) {
  for (TableId table : sparse_tables_) {
    if (const std::byte* now = find_row(table, entity)) remove_sparse(table, entity, now);
  }
  const ChunkStore& store = detail::archetype_at(root_, slot.archetype - 1);
  for (TableId table : store.shape->tables) {
    const TableModel& model = world_.model(table);
    const std::byte* row = detail::row_at(store, slot.row, store.shape->column(table));
    log_.reserve(1, model.bytes);
    log_.reserve_blobs(model.blobs.size());
    log_.push({.kind = Change::Kind::remove, .table = table, .entity = entity}, row, model.bytes);
    if (indexes_.covers(table)) indexes_.row_removed(table, entity, row);
    let_go_of_blobs(model, row);
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

// --- Steps of operations ------------------------------------------------------------------------------------------

// Gives the entities rows at the end of an archetype. Changes are reserved. Returns false, and has done nothing, where
// one of them is not an id that begins here.
bool WriteBuffer::begin_slots(std::span<const Entity> entities, ChunkEditor& editor, DenseRow first, bool again) {
  std::array<EntitySlot*, 1U << detail::chunk_row_bits_max>
      slots;  // NOLINT(*-member-init): filled as far as it is read
  constexpr std::uint32_t page_slots = 1U << detail::slot_page_bits;
  EntitySlot* page = nullptr;  // that of the one before: most follow one another
  std::uint32_t number = 0;
  // First, as it may put a copy in the place of a page.
  for (Entity entity : entities) {
    if (entity.index() < slots_sealed_) (void)edit_slot(entity);
  }
  for (std::size_t i = 0; i != entities.size(); ++i) {
    const std::uint32_t index = entities[i].index();
    if (page == nullptr || index / page_slots != number) {
      number = index / page_slots;
      page = const_cast<EntitySlot*>(static_cast<const EntitySlot*>(detail::find_page(root_.slots, number)));
      if (page == nullptr) page = &edit_slot(entities[i]) - index % page_slots;
    }
    slots[i] = page + index % page_slots;
    const bool was_given_out = entities[i].generation() <= slots[i]->floor;
    if (slots[i]->archetype != 0 || was_given_out != again) return false;
  }
  editor.append(entities);  // the last that may fail
  for (std::size_t i = 0; i != entities.size(); ++i) {
    const Entity entity = entities[i];
    log_.push({.kind = Change::Kind::create, .store = first.archetype, .row = root_.slot_count, .entity = entity},
              slots[i], sizeof(EntitySlot));
    *slots[i] = {entity.generation(), first.archetype + 1, first.row + static_cast<std::uint32_t>(i),
                 std::max(slots[i]->floor, entity.generation())};
    root_.slot_count = std::max(root_.slot_count, entity.index() + 1);
  }
  root_.entity_count += entities.size();
  return true;
}

// Takes the entity to the end of another archetype, with the cells that both have. The caller has reserved a change.
void WriteBuffer::move_to(Entity entity, std::uint32_t archetype) {
  ChunkEditor target = archetypes_.edit(archetype);
  EntitySlot& slot = edit_slot(entity);
  const DenseRow from{slot.archetype - 1, slot.row};
  const ChunkStore& source = detail::archetype_at(root_, from.archetype);
  const std::uint32_t row = target.append(entity);
  const StoreShape& shape = archetypes_.shape(archetype);
  for (std::size_t column = 1; column < shape.columns.size(); ++column) {
    const auto [table, cell_bytes] = shape.columns[column];
    const std::uint16_t shared = source.shape->column(table);
    if (shared == StoreShape::absent) continue;
    std::memcpy(target.edit(row, column), source.cell(from.row, shared, cell_bytes), cell_bytes);
  }
  try {
    leave_row(from);
  } catch (...) {
    target.pop();
    throw;
  }
  slot.archetype = archetype + 1;
  slot.row = row;
  log_.push({.kind = Change::Kind::move, .store = from.archetype, .row = from.row, .entity = entity});
}

// The row's last occupant takes it; where that is who leaves, the caller writes its slot anew.
void WriteBuffer::leave_row(DenseRow from) {
  ChunkEditor rows = archetypes_.edit(from.archetype);
  const ChunkStore& store = detail::archetype_at(root_, from.archetype);
  EntitySlot& moved = edit_slot(store.entity(store.rows - 1));  // first: once the rows have moved, nothing may fail
  rows.swap_remove(from.row);
  moved.row = from.row;
}

// The inverse of leave_row(); the entity's cells are undefined until the changes before it are taken back.
void WriteBuffer::return_to_row(Entity entity, DenseRow to) {
  ChunkEditor editor = archetypes_.edit(to.archetype);
  const std::uint32_t end = detail::archetype_at(root_, to.archetype).rows;
  set_row(editor.swap_insert(to.row, entity), end);
  EntitySlot& slot = edit_slot(entity);
  slot.archetype = to.archetype + 1;
  slot.row = to.row;
}

// Rows of entities whose places stand side by side in a chunk, from `first`. Changes are reserved.
void WriteBuffer::insert_dense(std::span<const Entity> entities, const RowImage& rows, ChunkEditor& editor,
                               DenseRow first) {
  const TableModel& model = world_.model(rows.table);
  const bool plain = model.blobs.empty() && !indexes_.covers(rows.table);
  std::byte* cells = nullptr;
  if (model.bytes != 0) {
    cells = editor.edit(first.row, archetypes_.shape(first.archetype).column(rows.table));
  }
  if (plain) {
    for (Entity entity : entities) log_.push({.kind = Change::Kind::insert, .table = rows.table, .entity = entity});
    if (model.bytes != 0) std::memcpy(cells, rows.bytes, entities.size() * model.bytes);
    return;
  }
  for (std::size_t i = 0; i != entities.size(); ++i) {
    log_.push({.kind = Change::Kind::insert, .table = rows.table, .entity = entities[i]});
    write_new_row(rows.table, entities[i], cells + i * model.bytes, rows.bytes + i * model.bytes);
  }
}

// Its insert is recorded.
void WriteBuffer::write_new_row(TableId table, Entity entity, std::byte* cell, const std::byte* row) {
  const TableModel& model = world_.model(table);
  if (model.blobs.empty()) {
    std::memcpy(cell, row, model.bytes);
  } else {
    std::memset(cell, 0, model.bytes);
    std::memcpy(scratch_.data(), row, model.bytes);
    adopt_blobs(model, scratch_.data(), 0, model.bytes, cell);
    std::memcpy(cell, scratch_.data(), model.bytes);
  }
  if (indexes_.covers(table)) indexes_.row_added(table, entity, cell);
}

void WriteBuffer::insert_sparse(std::span<const Entity> entities, const RowImage& rows) {
  const TableModel& model = world_.model(rows.table);
  SparseEditor set = edit_sparse(rows.table);
  for (std::size_t i = 0; i != entities.size(); ++i) {
    const std::uint32_t at = set.insert(entities[i]);
    log_.push({.kind = Change::Kind::insert, .table = rows.table, .row = at, .entity = entities[i]});
    if (model.bytes != 0) write_new_row(rows.table, entities[i], set.edit(at), rows.bytes + i * model.bytes);
  }
}

void WriteBuffer::remove_sparse(TableId table, Entity entity, const std::byte* now) {
  const TableModel& model = world_.model(table);
  log_.reserve(1, model.bytes);
  log_.reserve_blobs(model.blobs.size());
  if (model.bytes != 0) std::memcpy(scratch_.data(), now, model.bytes);
  const std::uint32_t row = edit_sparse(table).remove(entity);
  log_.push({.kind = Change::Kind::remove, .table = table, .row = row, .entity = entity}, scratch_.data(), model.bytes);
  // Only now that it is recorded: telling the indexes may fail.
  let_go_of_blobs(model, scratch_.data());
  if (indexes_.covers(table)) indexes_.row_removed(table, entity, scratch_.data());
}

// Makes [offset, offset + bytes) of a row equal to `range`, unless it is already.
void WriteBuffer::write_range(TableId table, Entity entity, std::uint32_t offset, std::uint32_t bytes,
                              const std::byte* range) {
  const TableModel& model = world_.model(table);
  if (bytes == 0 || equal_range(model, find_row(table, entity), offset, bytes, range)) return;
  log_.reserve(1, bytes);
  std::byte* row = edit_row(table, entity);
  log_.push({.kind = Change::Kind::update, .table = table, .offset = offset, .entity = entity}, row + offset, bytes);
  const bool indexed = indexes_.covers(table);
  if (model.blobs.empty() && !indexed) {
    std::memcpy(row + offset, range, bytes);
    return;
  }
  std::memcpy(scratch_.data(), row, model.bytes);
  std::memcpy(scratch_.data() + offset, range, bytes);
  adopt_blobs(model, scratch_.data(), offset, bytes, row);
  std::swap_ranges(row, row + model.bytes, scratch_.data());  // scratch_ is the old row now
  if (indexed) indexes_.row_changed(table, entity, scratch_.data(), row);
}

// A whole row was checked by who wrote it down; of a field only what it has by itself was.
bool WriteBuffer::texts_fit(const TableModel& table, const std::byte* row, std::uint32_t offset, std::uint32_t bytes,
                            const std::byte* range) noexcept {
  if (table.blobs.size() * blob_bytes_max <= schema::row_blob_bytes_max) return true;
  std::uint64_t together = 0;
  for (std::uint32_t at : table.blobs) {
    together += load_text(within(at, offset, bytes) ? range + at - offset : row + at).size();
  }
  return together <= schema::row_blob_bytes_max;
}

// Texts of the row, borrowed so far, come into blobs of the pool; those equal to what was there keep their blob.
void WriteBuffer::adopt_blobs(const TableModel& table, std::byte* row, std::uint32_t offset, std::uint32_t bytes,
                              const std::byte* before) {
  for (std::uint32_t at : table.blobs) {
    if (!within(at, offset, bytes)) continue;
    const TextCell borrowed = load_text(row + at);
    const TextCell old = load_text(before + at);
    if (borrowed == old) {
      std::memcpy(row + at, before + at, sizeof(TextCell));
      continue;
    }
    log_.reserve_blobs(1);
    if (!borrowed.is_inline()) {
      auto* blob = static_cast<char*>(pages_.allocate(borrowed.size()));
      log_.blob_born(blob, borrowed.size());
      std::memcpy(blob, borrowed.data(), borrowed.size());
      const TextCell own(blob, borrowed.size());
      std::memcpy(row + at, &own, sizeof own);
    }
    if (!old.is_inline()) log_.blob_gone(old.data(), table.number);
  }
}

void WriteBuffer::let_go_of_blobs(const TableModel& table, const std::byte* row) {
  for (std::uint32_t at : table.blobs) {
    const TextCell text = load_text(row + at);
    if (!text.is_inline()) log_.blob_gone(text.data(), table.number);
  }
}

}  // namespace stoa::storage
