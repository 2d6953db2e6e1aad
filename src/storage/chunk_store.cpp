#include "storage/chunk_store.h"

#include "base/copy_few.h"
#include "storage/paged_array.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace stoa::storage {
namespace {

using detail::Column;
using memory::header_of;

std::size_t store_bytes(const StoreShape& shape) {
  return sizeof(ChunkStore) + shape.columns.size() * sizeof(detail::PagedArray);
}

// A batch's first append to a page freezes what the batches before it wrote: readers may see those rows.
void note_written(memory::BlockHeader& header, std::uint64_t root_seq, std::uint32_t first,
                  std::uint32_t count) noexcept {
  if (header.retire != root_seq) {
    header.rows_sealed = header.rows_written;
    header.retire = root_seq;
  }
  header.set_rows_written(std::max<std::uint32_t>(header.rows_written, first + count));
}

// Whether the row may be written without a copy: the page is the write buffer's own, or no reader can see the row.
bool writable(const PageWriter& pages, const void* page, std::uint32_t row_in_chunk) noexcept {
  const memory::BlockHeader& header = *header_of(page);
  if (header.birth == pages.root_seq()) return true;
  if (header.revived != 0) return false;  // what else its header says is of the list that it is on
  return row_in_chunk >= (header.retire == pages.root_seq() ? header.rows_sealed : header.rows_written);
}

}  // namespace

const StoreShape* make_shape(PageWriter& pages, const detail::WorldInfo& world, std::uint32_t number,
                             std::span<const TableId> tables) {
  using Place = StoreShape::Place;
  const auto has_cells = [&](TableId table) { return world.tables[to_index(table)].cell_bytes != 0; };
  const std::size_t columns = 1 + static_cast<std::size_t>(std::count_if(tables.begin(), tables.end(), has_cells));
  const std::size_t places = std::bit_ceil(2 * tables.size() + 1);
  static_assert(sizeof(StoreShape) % alignof(Column) == 0 && alignof(Place) <= alignof(StoreShape));
  const std::size_t bytes =
      sizeof(StoreShape) + places * sizeof(Place) + columns * sizeof(Column) + tables.size() * sizeof(TableId);

  auto* shape = new (pages.allocate(bytes)) StoreShape;
  auto* place_at = reinterpret_cast<Place*>(shape + 1);
  auto* column_at = reinterpret_cast<Column*>(place_at + places);
  auto* table_at = reinterpret_cast<TableId*>(column_at + columns);
  std::uninitialized_default_construct_n(place_at, places);
  shape->number = number;
  shape->place_mask = static_cast<std::uint16_t>(places - 1);
  shape->columns = {column_at, columns};
  shape->tables = {table_at, tables.size()};
  std::uninitialized_copy(tables.begin(), tables.end(), table_at);
  std::sort(table_at, table_at + tables.size());

  std::size_t widest = sizeof(Entity);
  new (column_at++) Column{no_table, sizeof(Entity)};
  for (TableId table : shape->tables) {
    std::size_t at = to_index(table) & shape->place_mask;
    while (place_at[at].table != no_table) at = (at + 1) & shape->place_mask;
    place_at[at] = {table, StoreShape::membership};
    if (!has_cells(table)) continue;
    const std::uint32_t cell_bytes = world.tables[to_index(table)].cell_bytes;
    place_at[at].column = static_cast<std::uint16_t>(column_at - shape->columns.data());
    new (column_at++) Column{table, cell_bytes};
    widest = std::max<std::size_t>(widest, cell_bytes);
  }
  const std::size_t rows = std::max<std::size_t>(1, detail::column_page_bytes_max / widest);
  shape->row_bits = static_cast<std::uint16_t>(
      std::min(detail::chunk_row_bits_max, static_cast<std::uint32_t>(std::bit_width(rows)) - 1));
  return shape;
}

ChunkStore* ChunkEditor::make(PageWriter& pages, const StoreShape& shape) {
  auto* store = new (pages.allocate(store_bytes(shape))) ChunkStore{&shape, 0, 0};
  std::uninitialized_value_construct_n(store->columns(), shape.columns.size());
  return store;
}

ChunkStore* ChunkEditor::own(PageWriter& pages, const ChunkStore* store) {
  if (pages.owns(store)) return const_cast<ChunkStore*>(store);
  const std::size_t bytes = store_bytes(*store->shape);
  void* copy = pages.copy(store, bytes, bytes);
  pages.discard(store);
  return static_cast<ChunkStore*>(copy);
}

std::size_t ChunkEditor::room(std::uint32_t chunk) const noexcept {
  return chunk == 0 ? store_.rows_first : store_.shape->chunk_rows();
}

memory::Account ChunkEditor::account(std::size_t column) const noexcept {
  return account_of(store_.shape->columns[column].table);
}

void ChunkEditor::append(std::span<const Entity> entities) {
  const std::uint32_t row = store_.rows;
  const auto count = static_cast<std::uint32_t>(entities.size());
  make_room(row >> store_.shape->row_bits, row & (store_.shape->chunk_rows() - 1), count);
  store_.rows = row + count;
  std::memcpy(const_cast<std::byte*>(store_.cell(row, 0, sizeof(Entity))), entities.data(), count * sizeof(Entity));
}

// Every column's cells of the new rows can be written in place afterwards.
void ChunkEditor::make_room(std::uint32_t chunk, std::uint32_t in_chunk, std::uint32_t count) {
  if (chunk == 0 && in_chunk + count > store_.rows_first) resize_first_chunk(in_chunk + count);
  for (std::size_t column = 0; column < store_.shape->columns.size(); ++column) {
    const std::size_t cell_bytes = store_.shape->columns[column].cell_bytes;
    const void* page = detail::find_page(store_.columns()[column], chunk);
    if (page == nullptr || !writable(pages_, page, in_chunk)) {
      page = edit_page(pages_, store_.columns()[column], chunk, room(chunk) * cell_bytes, in_chunk * cell_bytes,
                       account(column));
      header_of(page)->set_rows_written(in_chunk);
    }
    note_written(*header_of(page), pages_.root_seq(), in_chunk, count);
  }
}

// By powers of two, from a few rows to those of a full chunk. Which of its pages are there differs by column once
// memory was short; those that are have room for rows_first.
void ChunkEditor::resize_first_chunk(std::uint32_t rows_wanted) {
  const std::uint32_t rows =
      std::min(store_.shape->chunk_rows(), std::max(detail::chunk_rows_first, std::bit_ceil(rows_wanted)));
  const std::uint32_t kept = std::min(store_.rows, store_.rows_first);
  // Whatever may fail comes first: half of it would leave columns of different room. The new pages are linked by
  // their headers, so that taking back needs no memory but the pool's.
  memory::RetiredChain resized;
  const auto take_resized = [&] {
    memory::BlockHeader* header = resized.head;
    resized.head = header->next;
    return memory::payload_of(header);
  };
  try {
    for (std::size_t column = store_.shape->columns.size(); column-- != 0;) {
      const std::size_t cell_bytes = store_.shape->columns[column].cell_bytes;
      detail::PagedArray& array = store_.columns()[column];
      const void* page = detail::find_page(array, 0);
      if (page == nullptr) continue;  // make_room() makes it
      resized.push(header_of(pages_.copy(page, kept * cell_bytes, rows * cell_bytes)));
      resized.head->set_rows_written(kept);
      set_page(pages_, array, 0, page);  // only makes the path our own
    }
  } catch (...) {
    while (resized.head != nullptr) pages_.discard(take_resized());
    throw;
  }
  for (std::size_t column = 0; column < store_.shape->columns.size(); ++column) {
    detail::PagedArray& array = store_.columns()[column];
    const void* page = detail::find_page(array, 0);
    if (page == nullptr) continue;
    set_page(pages_, array, 0, take_resized());
    pages_.discard(page, account(column));
  }
  store_.rows_first = rows;
}

void ChunkEditor::relocate(std::uint32_t chunk) {
  for (std::size_t column = 0; column != store_.shape->columns.size(); ++column) {
    relocate_page(pages_, store_.columns()[column], chunk, account(column));
  }
}

void ChunkEditor::pop() noexcept {
  --store_.rows;
  if ((store_.rows & (store_.shape->chunk_rows() - 1)) == 0) drop_chunk(store_.rows >> store_.shape->row_bits);
}

// The chunk has no rows left. The first one goes only with the store's last row, and gives up its room.
void ChunkEditor::drop_chunk(std::uint32_t chunk) noexcept {
  bool all_gone = true;
  for (std::size_t column = 0; column < store_.shape->columns.size(); ++column) {
    detail::PagedArray& array = store_.columns()[column];
    const void* page = detail::find_page(array, chunk);
    if (page == nullptr) continue;
    try {
      set_page(pages_, array, chunk, nullptr);
    } catch (const std::bad_alloc&) {
      all_gone = false;  // the page stays where it is and serves the next append
      continue;
    }
    pages_.discard(page, account(column));
  }
  if (chunk == 0 && all_gone) store_.rows_first = 0;
}

Entity ChunkEditor::swap_remove(std::uint32_t row) {
  const std::uint32_t last = store_.rows - 1;
  Entity moved;
  if (row != last) {
    moved = store_.entity(last);
    copy_row(last, row);
  }
  pop();
  return moved;
}

Entity ChunkEditor::swap_insert(std::uint32_t row, Entity entity) {
  if (row == store_.rows) {
    append(entity);
    return {};
  }
  const Entity occupant = store_.entity(row);
  const std::uint32_t last = append(occupant);
  for (std::size_t column = 1; column < store_.shape->columns.size(); ++column) {
    const std::size_t cell_bytes = store_.shape->columns[column].cell_bytes;
    std::memcpy(edit(last, column), store_.cell(row, column, cell_bytes), cell_bytes);
  }
  std::memcpy(edit(row, 0), &entity, sizeof entity);
  return occupant;
}

void ChunkEditor::copy_row(std::uint32_t from, std::uint32_t to) {
  constexpr std::size_t known_max = 8;
  std::array<std::byte*, known_max> cells;  // NOLINT(*-member-init): filled as far as it is read
  const std::span<const Column> columns = store_.shape->columns;
  // Every page is made writable before the first byte changes.
  for (std::size_t column = 0; column != columns.size(); ++column) {
    std::byte* cell = edit(to, column);
    if (column < known_max) cells[column] = cell;
  }
  for (std::size_t column = 0; column != columns.size(); ++column) {
    const std::size_t cell_bytes = columns[column].cell_bytes;
    copy_few(column < known_max ? cells[column] : edit(to, column), store_.cell(from, column, cell_bytes), cell_bytes);
  }
}

std::byte* ChunkEditor::edit(std::uint32_t row, std::size_t column) {
  const std::uint32_t chunk = row >> store_.shape->row_bits;
  const std::uint32_t in_chunk = row & (store_.shape->chunk_rows() - 1);
  const std::size_t cell_bytes = store_.shape->columns[column].cell_bytes;
  detail::PagedArray& array = store_.columns()[column];
  const void* page = detail::page_unchecked(array, chunk);
  if (!writable(pages_, page, in_chunk)) {
    const std::uint32_t rows = store_.rows_in(chunk);
    page = edit_page(pages_, array, chunk, room(chunk) * cell_bytes, rows * cell_bytes, account(column));
    header_of(page)->set_rows_written(rows);
  }
  return static_cast<std::byte*>(const_cast<void*>(page)) + in_chunk * cell_bytes;
}

std::byte* ChunkEditor::replace(std::uint32_t chunk, std::size_t column, const void*& replaced) {
  const std::size_t cell_bytes = store_.shape->columns[column].cell_bytes;
  const std::uint32_t rows = store_.rows_in(chunk);
  detail::PagedArray& array = store_.columns()[column];
  replaced = detail::page_unchecked(array, chunk);
  void* page = pages_.copy(replaced, rows * cell_bytes, room(chunk) * cell_bytes);
  header_of(page)->set_rows_written(rows);
  try {
    set_page(pages_, array, chunk, page);
  } catch (...) {
    pages_.discard(page);
    throw;
  }
  return static_cast<std::byte*>(page);
}

void ChunkEditor::adopt(std::uint32_t chunk, std::size_t column, const void* page) {
  set_page(pages_, store_.columns()[column], chunk, page);
  if (chunk == 0) bound_first_chunk(column, page);
}

void ChunkEditor::put_back(std::uint32_t chunk, std::size_t column, const void* replaced) noexcept {
  detail::PagedArray& array = store_.columns()[column];
  set_page(pages_, array, chunk, replaced);  // allocates nothing: replace() made the path the write buffer's own
  if (chunk == 0) bound_first_chunk(column, replaced);
}

// The first chunk may have grown since, and has no more room than the least of its pages.
void ChunkEditor::bound_first_chunk(std::size_t column, const void* replaced) noexcept {
  const std::size_t payload_bytes = memory::PagePool::block_bytes(replaced) - sizeof(memory::BlockHeader);
  const std::size_t rows = std::bit_floor(payload_bytes / store_.shape->columns[column].cell_bytes);
  store_.rows_first = static_cast<std::uint32_t>(std::min<std::size_t>(store_.rows_first, rows));
}

}  // namespace stoa::storage
