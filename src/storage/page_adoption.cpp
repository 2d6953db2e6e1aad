#include "storage/page_adoption.h"

#include "storage/paged_diff.h"

#include <vector>

namespace stoa::storage {
namespace {

struct Adoption {
  std::uint32_t archetype;
  std::uint32_t chunk;
  TableId table;
  const void* page;
};

void list_columns(const detail::WorldInfo& world, std::uint32_t archetype, const ChunkStore& now,
                  const ChunkStore& kept, std::vector<Adoption>& out) {
  for (std::size_t column = 1; column != kept.shape->columns.size(); ++column) {
    const TableId table = kept.shape->columns[column].table;
    for_each_differing_page(now.columns()[column], kept.columns()[column],
                            [&](std::uint64_t number, const void*, const void* page) {
                              const auto chunk = static_cast<std::uint32_t>(number);
                              if (!can_adopt(world, now, kept, chunk, table)) return;
                              out.push_back({archetype, chunk, table, page});
                            });
  }
}

}  // namespace

bool can_adopt(const detail::WorldInfo& world, const ChunkStore& now, const ChunkStore& kept, std::uint32_t chunk,
               TableId table) {
  if (now.shape != kept.shape || chunk >= now.chunk_count() || chunk >= kept.chunk_count()) return false;
  if (now.rows_in(chunk) != kept.rows_in(chunk)) return false;
  if (now.chunk_column(chunk, 0) != kept.chunk_column(chunk, 0)) return false;
  return world.tables[to_index(table)].index_count == 0 && world.model(table).blobs.empty();
}

// Found first, and done then: what is walked must not change meanwhile.
void adopt_pages(WriteBuffer& buffer, const detail::Root& kept) {
  std::vector<Adoption> found;
  constexpr std::uint32_t directory_page_size = 1U << detail::directory_page_bits;
  const detail::Root& now = buffer.root();
  for_each_differing_page(now.archetypes, kept.archetypes, [&](std::uint64_t page, const void* a, const void* b) {
    if (a == nullptr || b == nullptr) return;
    for (std::uint32_t i = 0; i != directory_page_size; ++i) {
      const ChunkStore* was = static_cast<const ChunkStore* const*>(b)[i];
      const ChunkStore* is = static_cast<const ChunkStore* const*>(a)[i];
      if (was == is || was == nullptr || is == nullptr || was->shape != is->shape) continue;
      list_columns(*kept.world, static_cast<std::uint32_t>(page * directory_page_size + i), *is, *was, found);
    }
  });
  for (const Adoption& one : found) buffer.adopt_column(one.archetype, one.chunk, one.table, one.page);
}

}  // namespace stoa::storage
