// Pages of an older root put back as they are: where a chunk has the same rows as it had there, its columns need not be
// written again. What else is different is not looked at.
#pragma once

#include "storage/write_buffer.h"

#include <stoa/detail/world.h>

#include <cstdint>

namespace stoa::storage {

/// Whether the chunk's column of the table can be put back as a page: the chunk has the same entities in both, and
/// nothing but the page follows from the column's bytes, neither an index nor texts.
[[nodiscard]] bool can_adopt(const detail::WorldInfo& world, const detail::ChunkStore& now,
                             const detail::ChunkStore& kept, std::uint32_t chunk, TableId table);

/// Does so, for all that differ and can. Requires: the root is pinned, and of the same database.
/// Errors: throws std::bad_alloc; the transaction is then to be taken back.
void adopt_pages(WriteBuffer& buffer, const detail::Root& kept);

}  // namespace stoa::storage
