// The file system as the log and the checkpoints need it: an interface, so that tests replace it by one that loses
// power. It knows nothing of what is stored. Paths are joined with '/'; a name is the last part of a path.
#pragma once

#include <stoa/error.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoa {

/// An open file. Writing makes bytes visible to every reader; only sync() makes them outlive a power failure, and only
/// FileSystem::sync_directory() makes the file's name outlive one.
///
/// Errors:  disk_full, no room; io, anything else that the system refuses. Each names the operation, path and reason.
/// Threads: reads from any thread; one writer at a time.
class File {
 public:
  explicit File(std::string path) : path_(std::move(path)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  /// Closes, without a word if that fails: nothing is durable by closing.
  virtual ~File() = default;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The file was renamed: errors name it so from here on.
  void renamed(std::string path) noexcept { path_ = std::move(path); }

  /// Fills `into` from `offset` on. Returns the bytes read: fewer than asked for only at the end of the file.
  [[nodiscard]] virtual std::expected<std::size_t, Error> read(std::uint64_t offset,
                                                               std::span<std::byte> into) const = 0;
  /// Writes all of `bytes` at `offset`, past the end too (the gap reads as zeros). After an error any part may be
  /// written.
  [[nodiscard]] virtual std::expected<void, Error> write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  /// Makes the file at least `bytes` long, with zeros for which the disk has room: a later write there is never
  /// disk_full.
  [[nodiscard]] virtual std::expected<void, Error> preallocate(std::uint64_t bytes) = 0;
  [[nodiscard]] virtual std::expected<void, Error> truncate(std::uint64_t bytes) = 0;
  /// fdatasync: the bytes, and the length if it is needed to read them. Never retry a failed one: the system may have
  /// dropped the bytes and report success the next time.
  [[nodiscard]] virtual std::expected<void, Error> sync() = 0;
  /// Asks the system to forget what it caches of the synced part, so that the next read shows what the disk holds.
  virtual void drop_cache() = 0;
  [[nodiscard]] virtual std::expected<std::uint64_t, Error> size() const = 0;

 private:
  std::string path_;
};

/// Holds a folder until destroyed.
class FolderLock {
 public:
  FolderLock() = default;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  virtual ~FolderLock() = default;
};

/// Errors:  not_found and already_exists besides those of File.
/// Threads: any.
class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  /// For reading and writing; the file must not exist.
  [[nodiscard]] virtual std::expected<std::unique_ptr<File>, Error> create(const std::string& path) = 0;
  /// For reading and writing; the file must exist.
  [[nodiscard]] virtual std::expected<std::unique_ptr<File>, Error> open(const std::string& path) = 0;
  [[nodiscard]] virtual std::expected<std::unique_ptr<File>, Error> open_read_only(const std::string& path) = 0;

  /// Atomically gives the file its new name, in place of another that had it.
  [[nodiscard]] virtual std::expected<void, Error> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual std::expected<void, Error> remove(const std::string& path) = 0;
  /// The names in a folder, sorted.
  [[nodiscard]] virtual std::expected<std::vector<std::string>, Error> list(const std::string& folder) = 0;
  /// Makes the names that were created, renamed and removed in the folder outlive a power failure.
  [[nodiscard]] virtual std::expected<void, Error> sync_directory(const std::string& folder) = 0;
  /// One folder, whose parent exists. False: it was there already.
  [[nodiscard]] virtual std::expected<bool, Error> make_directory(const std::string& folder) = 0;
  /// False: it stays, because something is in it, or because it is a link or where a disk is mounted.
  [[nodiscard]] virtual std::expected<bool, Error> remove_directory(const std::string& folder) = 0;
  /// Takes the folder's file LOCK, which it makes if need be, for this handle alone, in this process and all others.
  /// Does not wait. Who has the lock may remove the file: a lock on a file that has lost its name is given to nobody.
  ///
  /// Errors: locked, somebody has it.
  [[nodiscard]] virtual std::expected<std::unique_ptr<FolderLock>, Error> lock(const std::string& folder) = 0;
  /// What an ordinary user may still write to the folder's disk.
  [[nodiscard]] virtual std::expected<std::uint64_t, Error> free_bytes(const std::string& folder) = 0;
};

inline constexpr std::string_view lock_file_name = "LOCK";

/// "world", "wal-1" and "world/", "wal-1" alike give "world/wal-1".
[[nodiscard]] std::string join_path(std::string_view folder, std::string_view name);
/// The folder that holds `path`: "." for a bare name.
[[nodiscard]] std::string parent_path(std::string_view path);

}  // namespace stoa
