#include "cli/import/new_folder.h"

#include <system_error>

namespace stoa::cli {

NewFolder::NewFolder(const std::filesystem::path& folder) : folder_(folder) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  was_empty_ = std::filesystem::is_directory(status) && std::filesystem::is_empty(folder, error) && !error;
  is_new_ = was_empty_ || status.type() == std::filesystem::file_type::not_found;
}

void NewFolder::remove() const {
  std::error_code error;
  if (!was_empty_) {
    std::filesystem::remove_all(folder_, error);
    return;
  }
  for (std::filesystem::directory_iterator at(folder_, error), end; at != end; at.increment(error)) {
    std::error_code ignored;
    std::filesystem::remove_all(at->path(), ignored);
  }
}

}  // namespace stoa::cli
