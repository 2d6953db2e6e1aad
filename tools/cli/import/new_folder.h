// A database folder that a run creates, and takes away again unless the run succeeds.
#pragma once

#include <filesystem>

namespace stoa::cli {

/// Knows what of the path was not there before. Anything that was is left alone.
class NewFolder {
 public:
  /// To be made before the database is opened.
  explicit NewFolder(const std::filesystem::path& folder);

  /// There was no folder, or an empty one: what is in it now is the run's.
  [[nodiscard]] bool is_new() const { return is_new_; }
  /// Takes away what a database consists of, and the folder if it was not there and nothing else is in it.
  /// Requires: is_new(), and the run has it locked and found no version in it. Errors are ignored: something else is
  /// being reported.
  void remove() const;

 private:
  std::filesystem::path folder_;
  bool is_new_ = false;
  bool was_empty_ = false;
};

}  // namespace stoa::cli
