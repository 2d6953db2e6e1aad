#include "storage/table_usage.h"

#include "memory/page_pool.h"

#include <stoa/text.h>

#include <cstring>

namespace stoa::storage {
namespace {

// A block's size stays what it is as long as the block is in use: readers may look at it.
std::size_t bytes_of_pages(const detail::PagedArray& array) {
  std::size_t out = 0;
  std::uint64_t number = 0;
  for (const void* page; (page = detail::next_page(array, number)) != nullptr; ++number) {
    out += memory::PagePool::block_bytes(page);
  }
  return out;
}

// Texts that do not fit in their cells. Their blocks are not looked at: a miss for each would be too much.
void add_blobs(const detail::ChunkStore& store, std::size_t column, const TableModel& table, TableUsage& usage) {
  const std::size_t cell_bytes = store.shape->columns[column].cell_bytes;
  for (std::uint32_t chunk = 0; chunk != store.chunk_count(); ++chunk) {
    const std::byte* row = store.chunk_column(chunk, column);
    for (const std::byte* end = row + store.rows_in(chunk) * cell_bytes; row != end; row += cell_bytes) {
      for (std::uint32_t at : table.blobs) {
        detail::TextCell text;
        std::memcpy(static_cast<void*>(&text), row + at, sizeof text);
        if (text.is_inline()) continue;
        usage.used_bytes += text.size();
        usage.allocated_bytes += memory::PagePool::block_bytes_for(text.size());
      }
    }
  }
}

void add_columns(const detail::Root& root, const detail::ChunkStore& store, std::vector<TableUsage>& out) {
  for (std::size_t column = 1; column < store.shape->columns.size(); ++column) {
    const TableModel& table = root.world->model(store.shape->columns[column].table);
    TableUsage& usage = out[to_index(table.number)];
    usage.used_bytes += std::size_t{store.rows} * store.shape->columns[column].cell_bytes;
    usage.allocated_bytes += bytes_of_pages(store.columns()[column]);
    if (!table.blobs.empty()) add_blobs(store, column, table, usage);
  }
  for (TableId table : store.shape->tables) out[to_index(table)].rows += store.rows;
}

}  // namespace

std::vector<TableUsage> usage_of(const detail::Root& root) {
  std::vector<TableUsage> out(root.world->tables.size());
  std::uint32_t number = 0;
  for (const detail::ChunkStore* store; (store = detail::next_archetype(root, number)) != nullptr; ++number) {
    add_columns(root, *store, out);
  }
  for (std::size_t table = 0; table < out.size(); ++table) {
    const std::uint16_t sparse = root.world->tables[table].sparse;
    if (sparse == detail::WorldInfo::dense) continue;
    const detail::SparseSet& set = detail::sparse_at(root, sparse);
    add_columns(root, *set.rows, out);
    out[table].used_bytes += std::size_t{set.rows->rows} * (sizeof(Entity) + sizeof(std::uint32_t));
    out[table].allocated_bytes += bytes_of_pages(set.rows->columns()[0]) + bytes_of_pages(set.leaves);
  }
  return out;
}

}  // namespace stoa::storage
