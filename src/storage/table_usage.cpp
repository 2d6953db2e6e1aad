#include "storage/table_usage.h"

#include "memory/page_pool.h"

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

void add_columns(const detail::ChunkStore& store, std::vector<TableUsage>& out) {
  for (std::size_t column = 1; column < store.shape->columns.size(); ++column) {
    TableUsage& usage = out[to_index(store.shape->columns[column].table)];
    usage.used_bytes += std::size_t{store.rows} * store.shape->columns[column].cell_bytes;
    usage.allocated_bytes += bytes_of_pages(store.columns()[column]);
  }
  for (TableId table : store.shape->tables) out[to_index(table)].rows += store.rows;
}

}  // namespace

std::vector<TableUsage> usage_of(const detail::Root& root) {
  std::vector<TableUsage> out(root.world->tables.size());
  std::uint32_t number = 0;
  for (const detail::ChunkStore* store; (store = detail::next_archetype(root, number)) != nullptr; ++number) {
    add_columns(*store, out);
  }
  for (std::size_t table = 0; table < out.size(); ++table) {
    const std::uint16_t sparse = root.world->tables[table].sparse;
    if (sparse == detail::WorldInfo::dense) continue;
    const detail::SparseSet& set = detail::sparse_at(root, sparse);
    add_columns(*set.rows, out);
    out[table].used_bytes += std::size_t{set.rows->rows} * (sizeof(Entity) + sizeof(std::uint32_t));
    out[table].allocated_bytes += bytes_of_pages(set.rows->columns()[0]) + bytes_of_pages(set.leaves);
  }
  return out;
}

}  // namespace stoa::storage
