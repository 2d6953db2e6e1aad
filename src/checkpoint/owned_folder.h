// A database's folder in its owner's hands: made, locked, taken back and removed. What stands in its files is not known
// here; of what names they are is folder.h's.
#pragma once

#include "base/file.h"

#include <stoa/schema.h>

#include <expected>
#include <memory>
#include <string>
#include <utility>

namespace stoa::checkpoint {

/// Holds the folder's lock. Until keep() it is a creation that may still fail: when it goes, it takes back all that it
/// has made, and the path is as it was. What others put into the folder meanwhile stays, and so does a database that
/// was there.
///
/// Threads: one at a time. Lifetime: the file system outlives it.
class OwnedFolder {
 public:
  /// Locks the folder. With `create` it is made, if there is none.
  /// Errors: not_a_database, if there are other files in it, or it is a file itself; not_found; locked; io; disk_full.
  [[nodiscard]] static std::expected<OwnedFolder, Error> lock(FileSystem& files, const std::string& folder,
                                                              bool create);

  /// Removes the database in the folder, and then the folder if it is empty. What a creation or a removal that was cut
  /// short left of one counts as one.
  /// Errors: locked; not_a_database, if there is something else; not_found, if there is nothing; io.
  [[nodiscard]] static std::expected<void, Error> remove_database(FileSystem& files, const std::string& folder);

  OwnedFolder(OwnedFolder&& other) noexcept
      : files_(std::exchange(other.files_, nullptr)),
        folder_(std::move(other.folder_)),
        lock_(std::move(other.lock_)),
        made_folder_(other.made_folder_),
        had_database_(other.had_database_),
        created_(other.created_),
        kept_(other.kept_) {}
  OwnedFolder& operator=(OwnedFolder&&) = delete;
  ~OwnedFolder();

  /// Whether it has a database.
  [[nodiscard]] bool has_database() const { return had_database_ || created_; }
  /// Whether that was made by create_database().
  [[nodiscard]] bool created() const { return created_; }

  /// As write_schema(). Requires: it has none.
  [[nodiscard]] std::expected<void, Error> create_database(const CompiledSchema& schema);
  void keep() { kept_ = true; }

  /// Removes the files that a database consists of, and the folder if it is empty then, unless create_database() found
  /// the folder there. Nobody has the lock then. Requires: nothing writes to the folder any more.
  /// Errors: io. What is left is no database if schema.toml is gone; remove_database() removes it.
  [[nodiscard]] std::expected<void, Error> remove();

 private:
  OwnedFolder(FileSystem& files, std::string folder) : files_(&files), folder_(std::move(folder)) {}
  std::expected<void, Error> claim(bool create);
  void take_back();

  FileSystem* files_;  // null: moved from
  std::string folder_;
  std::unique_ptr<FolderLock> lock_;  // null until claim() has it
  bool made_folder_ = false;
  bool had_database_ = false;
  bool created_ = false;
  bool kept_ = false;
};

}  // namespace stoa::checkpoint
