// What `stoa import` was asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace stoa::cli {

enum class OnError : std::uint8_t {
  stop,  ///< the first bad row ends the run, and nothing of it is kept
  skip,  ///< bad rows are left out, and rows that refer to one of them
};

struct TableFile {
  std::string table;
  std::filesystem::path file;
};

struct ImportOptions {
  std::filesystem::path folder;
  std::optional<std::filesystem::path> schema;  ///< absent: the folder's own
  std::vector<TableFile> files;
  bool ignore_unknown = false;
  OnError on_error = OnError::stop;
  std::size_t line_bytes_max = std::size_t{1} << 20U;
  bool progress = false;  ///< also where standard error is no terminal
  bool json = false;
};

}  // namespace stoa::cli
