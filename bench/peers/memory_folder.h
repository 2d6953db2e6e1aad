// Where peers keep the files that they cannot do without, so that no disk is measured.
#pragma once

#include <string>

namespace bench {

/// A folder in memory where the system has room for one there, otherwise among the temporary files. It goes with this
/// object, and all that is in it.
///
/// Errors: throws std::runtime_error.
class MemoryFolder {
 public:
  MemoryFolder();
  ~MemoryFolder();
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace bench
