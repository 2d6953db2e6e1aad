#include "cli/import/new_folder.h"

#include <string>
#include <system_error>
#include <vector>

namespace stoa::cli {

NewFolder::NewFolder(const std::filesystem::path& folder) : folder_(folder) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  was_empty_ = std::filesystem::is_directory(status) && std::filesystem::is_empty(folder, error) && !error;
  is_new_ = was_empty_ || status.type() == std::filesystem::file_type::not_found;
}

void NewFolder::remove() const {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(folder_, error), end; at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    // What docs/format.md lists.
    if (name == "LOCK" || name == "schema.toml" || name == "schema.toml.new" || name.starts_with("wal-")) {
      files.push_back(at->path());
    }
  }
  for (const auto& file : files) std::filesystem::remove(file, error);
  if (!was_empty_) std::filesystem::remove(folder_, error);  // if nobody has put anything else there
}

}  // namespace stoa::cli
