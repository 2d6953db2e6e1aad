// A file system in memory that can lose power: for tests of everything that must survive it. It is as unkind as a disk
// may be: bytes are durable only by File::sync, names only by sync_directory, and what is not may be lost in any part.
#pragma once

#include "base/file.h"
#include "base/random.h"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace stoa {

enum class FileOperation : std::uint8_t {
  create,
  open,
  read,
  write,
  preallocate,
  truncate,
  sync,
  rename,
  remove,
  list,
  sync_directory,
  make_directory,
  remove_directory,
  lock
};

/// What becomes of unsynced sectors, lengths and names when everything stops.
enum class Unsynced : std::uint8_t {
  kept,     ///< the process was killed; the system lives
  lost,     ///< power failed before anything was written back
  shuffled  ///< power failed; each sector, length and name change was or was not written back, independently
};

/// Threads: any.
class MemoryFileSystem final : public FileSystem {
 public:
  /// Asked before every operation; an error makes the operation fail with it. A failing write has written its first
  /// half; a failing sync has dropped what it should have written, and a later sync does not bring it back.
  using FaultHook = std::function<std::optional<Error>(FileOperation operation, const std::string& path)>;

  static constexpr std::size_t sector_bytes = 512;

  MemoryFileSystem();
  ~MemoryFileSystem() override;

  void set_fault_hook(FaultHook hook);
  /// Beyond this sum of file lengths every operation that needs more answers disk_full.
  void set_capacity(std::uint64_t bytes);
  /// Everything stops. Open files and locks are dead: each call on them is an io error.
  void crash(Unsynced unsynced, RandomSource& random);
  /// As the system does at any moment of its own choosing: writes some unsynced sectors back.
  void write_back_some(RandomSource& random);

  /// A whole file, as a reader sees it now. Requires: it exists.
  [[nodiscard]] std::vector<std::byte> contents(const std::string& path) const;
  /// Puts a durable file in place: for damaging it by hand.
  void set_contents(const std::string& path, std::vector<std::byte> bytes);

  [[nodiscard]] std::expected<std::unique_ptr<File>, Error> create(const std::string& path) override;
  [[nodiscard]] std::expected<std::unique_ptr<File>, Error> open(const std::string& path) override;
  [[nodiscard]] std::expected<std::unique_ptr<File>, Error> open_read_only(const std::string& path) override;
  [[nodiscard]] std::expected<void, Error> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] std::expected<void, Error> remove(const std::string& path) override;
  [[nodiscard]] std::expected<std::vector<std::string>, Error> list(const std::string& folder) override;
  [[nodiscard]] std::expected<void, Error> sync_directory(const std::string& folder) override;
  [[nodiscard]] std::expected<bool, Error> make_directory(const std::string& folder) override;
  [[nodiscard]] std::expected<bool, Error> remove_directory(const std::string& folder) override;
  [[nodiscard]] std::expected<std::unique_ptr<FolderLock>, Error> lock(const std::string& folder) override;
  [[nodiscard]] std::expected<std::uint64_t, Error> free_bytes(const std::string& folder) override;

 private:
  class Handle;
  class Lock;

  struct Node {
    bool is_folder = false;
    std::vector<std::byte> cache;  // what readers see
    std::vector<std::byte> disk;   // what is left after a power failure
    std::set<std::size_t> dirty;   // sectors of the cache that the disk was not given yet
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  /// A change of a folder that is not synced yet: one name goes, or one comes, or both at once.
  struct NameChange {
    std::string folder;
    std::string gone;
    std::string come;
    std::shared_ptr<Node> node;
    void apply_to(Names& names) const;
  };

  [[nodiscard]] std::optional<Error> fault(FileOperation operation, const std::string& path) const;
  [[nodiscard]] std::expected<std::unique_ptr<File>, Error> open_as(const std::string& path, bool writable);
  void change_names(NameChange change);
  [[nodiscard]] bool folder_exists(const Names& names, const std::string& folder) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  [[nodiscard]] std::expected<void, Error> grow(Node& node, std::uint64_t bytes, const std::string& path);
  static void write_back(Node& node, std::size_t sector);

  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<FaultHook> fault_hook_;
  std::uint64_t capacity_bytes_;
  std::uint64_t run_ = 0;  // one higher after each crash: handles of an earlier run are dead
  Names names_;
  Names durable_names_;
  std::vector<NameChange> pending_;
  std::set<std::shared_ptr<Node>> locked_;
};

}  // namespace stoa
