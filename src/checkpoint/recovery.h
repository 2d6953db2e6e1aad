// Brings a database in memory to the state that its folder's log describes.
#pragma once

#include "storage/buffer_manager.h"
#include "wal/reader.h"

#include <expected>
#include <string>

namespace stoa::checkpoint {

/// Replays the log into `buffers`, which is new, and makes its entity allocator go on where the log left off.
///
/// Errors: as wal::recover; corrupt also where a transaction does not fit the state, naming its file and version.
[[nodiscard]] std::expected<wal::Recovery, Error> replay_log(FileSystem& files, const std::string& folder,
                                                             const wal::Identity& identity, wal::Access access,
                                                             storage::BufferManager& buffers);

}  // namespace stoa::checkpoint
