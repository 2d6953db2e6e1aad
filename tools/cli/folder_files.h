// The files of a database's folder, by their names as docs/format.md has them. Not here: what is in them.
#pragma once

#include <stoa/entity.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace stoa::cli {

struct CheckpointFile {
  Version version = 0;
  std::uint64_t bytes = 0;
};

struct FolderFiles {
  std::vector<CheckpointFile> checkpoints;  ///< rising; whether they are good is not known
  std::uint64_t segments = 0;               ///< of the log
  std::uint64_t segment_bytes = 0;
};

/// What is there now. A file that goes meanwhile is left out, and so is all of a folder that cannot be read.
[[nodiscard]] FolderFiles files_in(const std::filesystem::path& folder);

}  // namespace stoa::cli
