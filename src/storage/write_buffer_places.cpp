// Where entities and their rows have their places: those that begin, move from archetype to archetype and leave.
#include "storage/paged_array.h"
#include "storage/write_buffer.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace stoa::storage {

using detail::EntitySlot;

namespace {

constexpr std::uint32_t page_slots = 1U << detail::slot_page_bits;

// Slots side by side in a page, of entities that come one after the other.
struct SlotStretch {
  EntitySlot* first;
  std::size_t count;
};

// How many entities, from the first one on, have slots side by side.
std::size_t count_side_by_side(std::span<const Entity> entities) {
  const std::uint32_t first = entities.front().index();
  const std::size_t most = std::min<std::size_t>(entities.size(), page_slots - first % page_slots);
  std::size_t count = 1;
  while (count != most && entities[count].index() == first + count) ++count;
  return count;
}

// Whether each is an id that begins there: `again`, as one that has been.
bool all_begin(std::span<const Entity> entities, const EntitySlot* slots, bool again) {
  bool any_wrong = false;  // looked at in the end only, for the loop to be taken in wide registers
  for (std::size_t i = 0; i != entities.size(); ++i) {
    const bool was_given_out = entities[i].generation() <= slots[i].floor;
    any_wrong |= (slots[i].archetype != 0) | (was_given_out != again);
  }
  return !any_wrong;
}

}  // namespace

// Gives the entities rows at the end of an archetype. Changes are reserved. Returns false, and has done nothing, where
// one of them is not an id that begins here.
bool WriteBuffer::begin_slots(std::span<const Entity> entities, ChunkEditor& editor, DenseRow first, bool again) {
  std::array<SlotStretch, 1U << detail::chunk_row_bits_max>
      stretches;  // NOLINT(*-member-init): filled as far as it is read
  std::size_t stretch_count = 0;
  // First, as it may put a copy in the place of a page.
  for (Entity entity : entities) {
    if (entity.index() < slots_sealed_) (void)edit_slot(entity);
  }
  for (auto left = entities; !left.empty();) {
    const auto some = left.first(count_side_by_side(left));
    const std::uint32_t index = some.front().index();
    auto* page =
        const_cast<EntitySlot*>(static_cast<const EntitySlot*>(detail::find_page(root_.slots, index / page_slots)));
    EntitySlot* slots = page != nullptr ? page + index % page_slots : &edit_slot(some.front());
    if (!all_begin(some, slots, again)) return false;
    stretches[stretch_count++] = {slots, some.size()};
    left = left.subspan(some.size());
  }
  editor.append(entities);  // the last that may fail
  std::uint32_t row = first.row;
  for (const auto [slots, count] : std::span(stretches).first(stretch_count)) {
    const auto some = entities.subspan(row - first.row, count);
    (void)log_.push_many(
        {.kind = Change::Kind::create, .store = first.archetype, .row = root_.slot_count, .entity = {}}, some, slots,
        sizeof(EntitySlot));
    for (std::uint32_t i = 0; i != count; ++i) {
      slots[i] = {some[i].generation(), first.archetype + 1, row + i, std::max(slots[i].floor, some[i].generation())};
    }
    row += static_cast<std::uint32_t>(count);
    root_.slot_count = std::max(root_.slot_count, some.back().index() + 1);
  }
  root_.entity_count += entities.size();
  return true;
}

// Takes entities from one archetype to the end of another, each with the cells that both have. Returns of how many,
// from the first on, as one that is named twice is not there the second time. Changes are reserved. Requires: they are
// in `from`; and no more of them than the other has room for in its last chunk.
std::size_t WriteBuffer::move(std::span<const Entity> entities, std::uint32_t from, std::uint32_t to) {
  ChunkEditor target = archetypes_.edit(to);
  ChunkEditor rows = archetypes_.edit(from);
  const ChunkStore& source = detail::archetype_at(root_, from);
  const StoreShape& shape = archetypes_.shape(to);
  const std::uint32_t first = detail::archetype_at(root_, to).rows;
  target.append(entities);
  std::size_t count = 0;
  const auto take_back_the_rest = [&] {
    for (std::size_t left = entities.size() - count; left != 0; --left) target.pop();
  };
  try {
    for (; count != entities.size(); ++count) {
      const Entity entity = entities[count];
      EntitySlot& slot = edit_slot(entity);
      if (slot.archetype != from + 1) break;
      const DenseRow place{from, slot.row};
      for (std::size_t column = 1; column < shape.columns.size(); ++column) {
        const auto [table, cell_bytes] = shape.columns[column];
        const std::uint16_t shared = source.shape->column(table);
        if (shared == StoreShape::absent) continue;
        std::memcpy(target.edit(first + static_cast<std::uint32_t>(count), column),
                    source.cell(place.row, shared, cell_bytes), cell_bytes);
      }
      leave_row(place.row, rows, source);
      slot.archetype = to + 1;
      slot.row = first + static_cast<std::uint32_t>(count);
      log_.push({.kind = Change::Kind::move, .store = from, .row = place.row, .entity = entity});
    }
  } catch (...) {
    take_back_the_rest();
    throw;
  }
  take_back_the_rest();
  return count;
}

// The row's last occupant takes it; where that is who leaves, the caller writes its slot anew.
void WriteBuffer::leave_row(std::uint32_t row, ChunkEditor& rows, const ChunkStore& store) {
  EntitySlot& moved = edit_slot(store.entity(store.rows - 1));  // first: once the rows have moved, nothing may fail
  rows.swap_remove(row);
  moved.row = row;
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
  std::byte* cells = nullptr;
  if (world_.model(rows.table).bytes != 0) {
    cells = editor.edit(first.row, archetypes_.shape(first.archetype).column(rows.table));
  }
  write_new_rows(entities, rows, cells, detail::no_row);
}

// Returns for how many, from the first on: no further than one that has a row. Changes are reserved.
std::size_t WriteBuffer::insert_sparse(std::span<const Entity> entities, const RowImage& rows) {
  const TableModel& model = world_.model(rows.table);
  SparseEditor set = edit_sparse(rows.table);
  std::size_t done = 0;
  while (done != entities.size()) {
    const std::uint32_t first = detail::sparse_at(root_, world_.tables[to_index(rows.table)].sparse).rows->rows;
    const auto left = entities.subspan(done);
    // One that cannot be filled is taken back by its record, those after it must not be there.
    const std::size_t count = set.insert(is_plain(rows.table) ? left : left.first(1));
    if (count == 0) break;
    write_new_rows(entities.subspan(done, count), {rows.table, rows.bytes + done * model.bytes},
                   model.bytes == 0 ? nullptr : set.edit(first), first);
    done += count;
  }
  return done;
}

// Records them, and fills their cells, which lie side by side. A packed row has a number, from `first` on.
void WriteBuffer::write_new_rows(std::span<const Entity> entities, const RowImage& rows, std::byte* cells,
                                 std::uint32_t first) {
  const TableModel& model = world_.model(rows.table);
  const bool plain = is_plain(rows.table);
  const bool numbered = first != detail::no_row;
  Change change{.kind = Change::Kind::insert, .table = rows.table, .row = first, .entity = {}};
  if (plain) {
    const auto changes = log_.push_many(change, entities);
    for (std::uint32_t i = 0; numbered && i != changes.size(); ++i) changes[i].row = first + i;
    if (model.bytes != 0) std::memcpy(cells, rows.bytes, entities.size() * model.bytes);
    return;
  }
  // Each as it is recorded: the next may fail, and then this one is taken back.
  for (std::size_t i = 0; i != entities.size(); ++i) {
    change.entity = entities[i];
    log_.push(change);
    if (numbered) ++change.row;
    write_new_row(rows.table, entities[i], cells + i * model.bytes, rows.bytes + i * model.bytes);
  }
}

// Requires: it is the entity's row. Changes are reserved, with the row's bytes and blobs.
void WriteBuffer::remove_sparse(const TableModel& model, Entity entity, std::uint32_t row, SparseEditor& set) {
  const std::byte* cell = model.bytes == 0 ? nullptr : set.cell(row, model.bytes);
  const bool is_indexed = indexes_.covers(model.number);
  if (is_indexed) std::memcpy(scratch_.data(), cell, model.bytes);  // aligned, which an image need not be
  log_.push({.kind = Change::Kind::remove, .table = model.number, .row = row, .entity = entity}, cell, model.bytes);
  try {
    set.remove(entity, row);
  } catch (...) {
    log_.drop_last();  // it is as it was
    throw;
  }
  // Only now that the row is gone, and recorded: telling the indexes may fail.
  if (!model.blobs.empty()) let_go_of_blobs(model, log_.image(log_.changes().back()));
  if (is_indexed) indexes_.row_removed(model.number, entity, scratch_.data());
}

}  // namespace stoa::storage
