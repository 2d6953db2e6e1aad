#include "base/file_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace stoa {
namespace {

std::string folder_key(const std::string& folder) { return parent_path(join_path(folder, "x")); }

Error failure(ErrorCode code, const std::string& path, std::string_view operation) {
  return {code, Place{.source = path}, fmt::format("{}: {}", operation, to_string(code))};
}

/// What of the sector is in both.
void copy_sector(const std::vector<std::byte>& from, std::vector<std::byte>& to, std::size_t sector) {
  const std::size_t begin = sector * MemoryFileSystem::sector_bytes;
  const std::size_t end = std::min({begin + MemoryFileSystem::sector_bytes, from.size(), to.size()});
  if (begin < end) std::memcpy(to.data() + begin, from.data() + begin, end - begin);
}

}  // namespace

class MemoryFileSystem::Handle final : public File {
 public:
  Handle(MemoryFileSystem& owner, std::string path, std::shared_ptr<Node> node, bool writable)
      : File(std::move(path)), owner_(owner), node_(std::move(node)), run_(owner.run_), writable_(writable) {}

  [[nodiscard]] std::expected<std::size_t, Error> read(std::uint64_t offset, std::span<std::byte> into) const override {
    if (auto error = owner_.fault(FileOperation::read, path())) return std::unexpected(*std::move(error));
    const std::scoped_lock guard(owner_.mutex_);
    if (run_ != owner_.run_) return std::unexpected(failure(ErrorCode::io, path(), "read after a crash"));
    if (offset >= node_->cache.size()) return 0;
    const std::size_t bytes = std::min(into.size(), node_->cache.size() - static_cast<std::size_t>(offset));
    std::copy_n(node_->cache.begin() + static_cast<std::ptrdiff_t>(offset), bytes, into.begin());
    return bytes;
  }

  [[nodiscard]] std::expected<void, Error> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::optional<Error> error = owner_.fault(FileOperation::write, path());
    if (error) bytes = bytes.first(bytes.size() / 2);
    const std::scoped_lock guard(owner_.mutex_);
    if (auto ready = may_write("write"); !ready) return ready;
    if (auto room = owner_.grow(*node_, offset + bytes.size(), path()); !room) return room;
    std::copy(bytes.begin(), bytes.end(), node_->cache.begin() + static_cast<std::ptrdiff_t>(offset));
    for (std::uint64_t at = offset / sector_bytes; at * sector_bytes < offset + bytes.size(); ++at) {
      node_->dirty.insert(static_cast<std::size_t>(at));
    }
    if (error) return std::unexpected(*error);
    return {};
  }

  [[nodiscard]] std::expected<void, Error> preallocate(std::uint64_t bytes) override {
    if (auto error = owner_.fault(FileOperation::preallocate, path())) return std::unexpected(*std::move(error));
    const std::scoped_lock guard(owner_.mutex_);
    if (auto ready = may_write("preallocate"); !ready) return ready;
    return owner_.grow(*node_, bytes, path());
  }

  [[nodiscard]] std::expected<void, Error> truncate(std::uint64_t bytes) override {
    if (auto error = owner_.fault(FileOperation::truncate, path())) return std::unexpected(*std::move(error));
    const std::scoped_lock guard(owner_.mutex_);
    if (auto ready = may_write("truncate"); !ready) return ready;
    if (bytes > node_->cache.size()) return owner_.grow(*node_, bytes, path());
    node_->cache.resize(static_cast<std::size_t>(bytes));
    return {};
  }

  [[nodiscard]] std::expected<void, Error> sync() override {
    const std::optional<Error> error = owner_.fault(FileOperation::sync, path());
    const std::scoped_lock guard(owner_.mutex_);
    if (auto ready = may_write("sync"); !ready) return ready;
    if (!error) {
      node_->disk.resize(node_->cache.size());
      for (const std::size_t sector : node_->dirty) write_back(*node_, sector);
    }
    node_->dirty.clear();
    if (error) return std::unexpected(*error);
    return {};
  }

  void drop_cache() override {
    const std::scoped_lock guard(owner_.mutex_);
    std::vector<std::byte> fresh = node_->disk;
    fresh.resize(node_->cache.size());
    std::swap(node_->cache, fresh);  // now `fresh` is the old cache, of which the unsynced sectors stay
    for (const std::size_t sector : node_->dirty) copy_sector(fresh, node_->cache, sector);
  }

  [[nodiscard]] std::expected<std::uint64_t, Error> size() const override {
    const std::scoped_lock guard(owner_.mutex_);
    if (run_ != owner_.run_) return std::unexpected(failure(ErrorCode::io, path(), "size after a crash"));
    return node_->cache.size();
  }

 private:
  [[nodiscard]] std::expected<void, Error> may_write(std::string_view operation) const {
    if (run_ != owner_.run_ || !writable_) return std::unexpected(failure(ErrorCode::io, path(), operation));
    return {};
  }

  MemoryFileSystem& owner_;
  std::shared_ptr<Node> node_;  // outlives its name, as an open file does
  std::uint64_t run_;
  bool writable_;
};

class MemoryFileSystem::Lock final : public FolderLock {
 public:
  Lock(MemoryFileSystem& owner, std::shared_ptr<Node> file) : owner_(owner), file_(std::move(file)), run_(owner.run_) {}
  ~Lock() override {
    const std::scoped_lock guard(owner_.mutex_);
    if (run_ == owner_.run_) owner_.locked_.erase(file_);
  }

 private:
  MemoryFileSystem& owner_;
  std::shared_ptr<Node> file_;  // the lock is the file's, whether or not it still has its name
  std::uint64_t run_;
};

MemoryFileSystem::MemoryFileSystem() : capacity_bytes_(std::numeric_limits<std::uint64_t>::max()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::set_fault_hook(FaultHook hook) {
  const std::scoped_lock guard(mutex_);
  fault_hook_ = hook ? std::make_shared<FaultHook>(std::move(hook)) : nullptr;
}

void MemoryFileSystem::set_capacity(std::uint64_t bytes) {
  const std::scoped_lock guard(mutex_);
  capacity_bytes_ = bytes;
}

void MemoryFileSystem::crash(Unsynced unsynced, RandomSource& random) {
  const std::scoped_lock guard(mutex_);
  const auto survives = [&] {
    return unsynced == Unsynced::kept || (unsynced == Unsynced::shuffled && random.next() % 2 == 0);
  };
  for (const NameChange& change : pending_) {
    if (survives()) change.apply_to(durable_names_);
  }
  pending_.clear();
  // A folder that was lost takes along what is in it. Parents sort before their children.
  for (auto entry = durable_names_.begin(); entry != durable_names_.end();) {
    entry = folder_exists(durable_names_, parent_path(entry->first)) ? std::next(entry) : durable_names_.erase(entry);
  }
  for (const auto& [path, node] : durable_names_) {
    const std::size_t length = survives() ? node->cache.size() : node->disk.size();
    for (const std::size_t sector : node->dirty) {
      if (survives()) write_back(*node, sector);
    }
    node->dirty.clear();
    node->disk.resize(length);
    node->cache = node->disk;
  }
  names_ = durable_names_;
  locked_.clear();
  ++run_;
}

void MemoryFileSystem::write_back_some(RandomSource& random) {
  const std::scoped_lock guard(mutex_);
  for (const auto& [path, node] : names_) {
    std::erase_if(node->dirty, [&](std::size_t sector) {
      const bool chosen = random.next() % 2 == 0;
      if (chosen) write_back(*node, sector);
      return chosen;
    });
  }
}

std::vector<std::byte> MemoryFileSystem::contents(const std::string& path) const {
  const std::scoped_lock guard(mutex_);
  return names_.at(path)->cache;
}

void MemoryFileSystem::set_contents(const std::string& path, std::vector<std::byte> bytes) {
  const std::scoped_lock guard(mutex_);
  auto node = std::make_shared<Node>();
  node->cache = bytes;
  node->disk = std::move(bytes);
  names_[path] = node;
  durable_names_[path] = node;
}

std::expected<std::unique_ptr<File>, Error> MemoryFileSystem::create(const std::string& path) {
  if (auto error = fault(FileOperation::create, path)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  if (names_.contains(path)) return std::unexpected(failure(ErrorCode::already_exists, path, "create"));
  if (!folder_exists(names_, parent_path(path))) {
    return std::unexpected(failure(ErrorCode::not_found, path, "create"));
  }
  auto node = std::make_shared<Node>();
  change_names({.folder = parent_path(path), .gone = {}, .come = path, .node = node});
  return std::make_unique<Handle>(*this, path, std::move(node), true);
}

std::expected<std::unique_ptr<File>, Error> MemoryFileSystem::open(const std::string& path) {
  return open_as(path, true);
}

std::expected<std::unique_ptr<File>, Error> MemoryFileSystem::open_read_only(const std::string& path) {
  return open_as(path, false);
}

std::expected<void, Error> MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  if (auto error = fault(FileOperation::rename, from)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  const auto found = names_.find(from);
  if (found == names_.end()) return std::unexpected(failure(ErrorCode::not_found, from, "rename"));
  change_names({.folder = parent_path(from), .gone = from, .come = to, .node = found->second});
  return {};
}

std::expected<void, Error> MemoryFileSystem::remove(const std::string& path) {
  if (auto error = fault(FileOperation::remove, path)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  if (!names_.contains(path)) return std::unexpected(failure(ErrorCode::not_found, path, "remove"));
  change_names({.folder = parent_path(path), .gone = path, .come = {}, .node = nullptr});
  return {};
}

std::expected<std::vector<std::string>, Error> MemoryFileSystem::list(const std::string& folder) {
  if (auto error = fault(FileOperation::list, folder)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  const std::string key = folder_key(folder);
  if (!folder_exists(names_, key)) return std::unexpected(failure(ErrorCode::not_found, folder, "list"));
  std::vector<std::string> names;
  for (const auto& [path, node] : names_) {
    if (parent_path(path) == key) names.push_back(path.substr(path.rfind('/') + 1));
  }
  return names;
}

std::expected<void, Error> MemoryFileSystem::sync_directory(const std::string& folder) {
  if (auto error = fault(FileOperation::sync_directory, folder)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  std::erase_if(pending_, [&, key = folder_key(folder)](const NameChange& change) {
    if (change.folder != key) return false;
    change.apply_to(durable_names_);
    return true;
  });
  return {};
}

std::expected<bool, Error> MemoryFileSystem::make_directory(const std::string& folder) {
  if (auto error = fault(FileOperation::make_directory, folder)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  const std::string key = folder_key(folder);
  if (folder_exists(names_, key)) return false;
  if (names_.contains(key)) return std::unexpected(failure(ErrorCode::already_exists, folder, "make directory"));
  if (!folder_exists(names_, parent_path(key))) {
    return std::unexpected(failure(ErrorCode::not_found, folder, "make directory"));
  }
  auto node = std::make_shared<Node>();
  node->is_folder = true;
  change_names({.folder = parent_path(key), .gone = {}, .come = key, .node = std::move(node)});
  return true;
}

std::expected<bool, Error> MemoryFileSystem::remove_directory(const std::string& folder) {
  if (auto error = fault(FileOperation::remove_directory, folder)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  const std::string key = folder_key(folder);
  if (!names_.contains(key)) return std::unexpected(failure(ErrorCode::not_found, folder, "remove directory"));
  for (const auto& [path, node] : names_) {
    if (parent_path(path) == key) return false;
  }
  change_names({.folder = parent_path(key), .gone = key, .come = {}, .node = nullptr});
  return true;
}

std::expected<std::unique_ptr<FolderLock>, Error> MemoryFileSystem::lock(const std::string& folder) {
  if (auto error = fault(FileOperation::lock, folder)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  const std::string key = folder_key(folder);
  if (!folder_exists(names_, key)) return std::unexpected(failure(ErrorCode::not_found, folder, "lock"));
  const std::string path = join_path(key, lock_file_name);
  if (!names_.contains(path)) {
    change_names({.folder = key, .gone = {}, .come = path, .node = std::make_shared<Node>()});
  }
  const std::shared_ptr<Node>& file = names_.at(path);
  if (!locked_.insert(file).second) {
    return std::unexpected(Error(ErrorCode::locked, Place{.source = folder},
                                 "another process has the folder open, or this one has it open twice"));
  }
  return std::make_unique<Lock>(*this, file);
}

std::expected<std::uint64_t, Error> MemoryFileSystem::free_bytes(const std::string& /*folder*/) {
  const std::scoped_lock guard(mutex_);
  const std::uint64_t used = used_bytes();
  return used < capacity_bytes_ ? capacity_bytes_ - used : 0;
}

void MemoryFileSystem::NameChange::apply_to(Names& names) const {
  if (!gone.empty()) names.erase(gone);
  if (!come.empty()) names[come] = node;
}

std::optional<Error> MemoryFileSystem::fault(FileOperation operation, const std::string& path) const {
  std::shared_ptr<FaultHook> hook;  // shared, not copied: a hook may count
  {
    const std::scoped_lock guard(mutex_);
    hook = fault_hook_;
  }
  return hook ? (*hook)(operation, path) : std::nullopt;  // outside the lock, so that a hook may look at the files
}

std::expected<std::unique_ptr<File>, Error> MemoryFileSystem::open_as(const std::string& path, bool writable) {
  if (auto error = fault(FileOperation::open, path)) return std::unexpected(*std::move(error));
  const std::scoped_lock guard(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return std::unexpected(failure(ErrorCode::not_found, path, "open"));
  if (found->second->is_folder) return std::unexpected(failure(ErrorCode::io, path, "open"));
  return std::make_unique<Handle>(*this, path, found->second, writable);
}

void MemoryFileSystem::change_names(NameChange change) {
  change.apply_to(names_);
  pending_.push_back(std::move(change));
}

bool MemoryFileSystem::folder_exists(const Names& names, const std::string& folder) const {
  if (folder == "." || folder == "/") return true;
  const auto found = names.find(folder);
  return found != names.end() && found->second->is_folder;
}

std::uint64_t MemoryFileSystem::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, node] : names_) used += node->cache.size();
  return used;
}

std::expected<void, Error> MemoryFileSystem::grow(Node& node, std::uint64_t bytes, const std::string& path) {
  if (bytes <= node.cache.size()) return {};
  const std::uint64_t more = bytes - node.cache.size();
  const std::uint64_t used = used_bytes();
  if (used > capacity_bytes_ || more > capacity_bytes_ - used) {
    return std::unexpected(failure(ErrorCode::disk_full, path, "write"));
  }
  node.cache.resize(static_cast<std::size_t>(bytes));
  return {};
}

void MemoryFileSystem::write_back(Node& node, std::size_t sector) {
  const std::size_t end = std::min((sector + 1) * sector_bytes, node.cache.size());
  if (node.disk.size() < end) node.disk.resize(end);
  copy_sector(node.cache, node.disk, sector);
}

}  // namespace stoa
