// Writes the state of a root as a checkpoint, block by block. The file's name, and when it may be believed, is
// Checkpointer's.
#pragma once

#include "base/file.h"
#include "wal/format.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <expected>

namespace stoa::checkpoint {

inline constexpr std::size_t block_bytes = std::size_t{1} << 20;  // about; one row that is larger makes a larger block

/// Fills the file, which is empty, with all that the root has, but for rows of tables that are not logged. Takes memory
/// for three blocks or so, however large the world is.
///
/// Requires: the root is pinned.
/// Errors:   as File::write, and then the file is of no use; out of memory throws std::bad_alloc.
/// Threads:  any; the database's writer goes on.
[[nodiscard]] std::expected<void, Error> write_checkpoint(File& file, const wal::Identity& identity,
                                                          const detail::Root& root,
                                                          std::size_t bytes_a_block = block_bytes);

}  // namespace stoa::checkpoint
