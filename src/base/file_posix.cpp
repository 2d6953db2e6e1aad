#include "base/file_posix.h"

#include "base/make_error.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <system_error>

namespace stoa {
namespace {

// noexcept: were the memory for its text to run out, a failed sync would look like one that was not tried.
Error failure(std::string_view operation, const std::string& path, int reason = errno) noexcept {
  ErrorCode code = ErrorCode::io;
  if (reason == ENOSPC || reason == EDQUOT) code = ErrorCode::disk_full;
  if (reason == ENOENT) code = ErrorCode::not_found;
  if (reason == EEXIST) code = ErrorCode::already_exists;
  return make_error(code, [&] {
    return Error(code, Place{.source = path},
                 fmt::format("{}: {}", operation, std::generic_category().message(reason)));
  });
}

template <typename Call>
int until_not_interrupted(Call&& call) {
  int result = call();
  while (result != 0 && errno == EINTR) result = call();
  return result;
}

/// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);  // not again after EINTR: Linux has closed it
  }
  [[nodiscard]] int get() const { return value_; }
  [[nodiscard]] bool is_open() const { return value_ >= 0; }

 private:
  int value_;
};

Descriptor open_descriptor(const std::string& path, int flags) {
  int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  while (descriptor < 0 && errno == EINTR) descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  return Descriptor(descriptor);
}

class PosixFile final : public File {
 public:
  PosixFile(std::string path, Descriptor descriptor) : File(std::move(path)), descriptor_(std::move(descriptor)) {}

  [[nodiscard]] std::expected<std::size_t, Error> read(std::uint64_t offset, std::span<std::byte> into) const override {
    const ssize_t done = detail::transfer_all(into.size(), [&](std::size_t at) {
      return ::pread(descriptor_.get(), into.data() + at, into.size() - at, static_cast<off_t>(offset + at));
    });
    if (done < 0) return std::unexpected(failure("read", path()));
    return static_cast<std::size_t>(done);
  }

  [[nodiscard]] std::expected<void, Error> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const ssize_t done = detail::transfer_all(bytes.size(), [&](std::size_t at) {
      return ::pwrite(descriptor_.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(offset + at));
    });
    if (done < 0) return std::unexpected(failure("write", path()));
    if (static_cast<std::size_t>(done) != bytes.size()) return std::unexpected(failure("write", path(), EIO));
    return {};
  }

  [[nodiscard]] std::expected<void, Error> preallocate(std::uint64_t bytes) override {
    const auto length = size();
    if (!length) return std::unexpected(length.error());
    if (bytes <= *length) return {};
    if (bytes > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) {
      return std::unexpected(failure("preallocate", path(), EFBIG));
    }
    // Not ::fallocate: where the file system cannot reserve, the C library writes into every block instead.
    int reason = EINTR;
    while (reason == EINTR) reason = ::posix_fallocate(descriptor_.get(), 0, static_cast<off_t>(bytes));
    if (reason != 0) return std::unexpected(failure("preallocate", path(), reason));
    return {};
  }

  [[nodiscard]] std::expected<void, Error> truncate(std::uint64_t bytes) override {
    if (until_not_interrupted([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(bytes)); }) != 0) {
      return std::unexpected(failure("truncate", path()));
    }
    return {};
  }

  [[nodiscard]] std::expected<void, Error> sync() override {
    // Once: even an interrupted sync may have dropped what it could not write.
    if (::fdatasync(descriptor_.get()) != 0) return std::unexpected(failure("sync", path()));
    return {};
  }

  void drop_cache() override { ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_DONTNEED); }

  [[nodiscard]] std::expected<std::uint64_t, Error> size() const override {
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) return std::unexpected(failure("size", path()));
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Descriptor descriptor_;
};

class PosixFolderLock final : public FolderLock {
 public:
  explicit PosixFolderLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // the lock belongs to the open file and goes with it, also when the process is killed
};

class PosixFileSystem final : public FileSystem {
 public:
  [[nodiscard]] std::expected<std::unique_ptr<File>, Error> create(const std::string& path) override {
    return opened("create", path, O_RDWR | O_CREAT | O_EXCL);
  }
  [[nodiscard]] std::expected<std::unique_ptr<File>, Error> open(const std::string& path) override {
    return opened("open", path, O_RDWR);
  }
  [[nodiscard]] std::expected<std::unique_ptr<File>, Error> open_read_only(const std::string& path) override {
    return opened("open", path, O_RDONLY);
  }

  [[nodiscard]] std::expected<void, Error> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return std::unexpected(failure(fmt::format("rename to {}", to), from));
    return {};
  }

  [[nodiscard]] std::expected<void, Error> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return std::unexpected(failure("remove", path));
    return {};
  }

  [[nodiscard]] std::expected<std::vector<std::string>, Error> list(const std::string& folder) override {
    const auto close = [](DIR* open) { ::closedir(open); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(folder.c_str()), close);
    if (directory == nullptr) return std::unexpected(failure("list", folder));
    std::vector<std::string> names;
    errno = 0;  // a null entry is the end or a failure, and only errno tells
    for (const dirent* entry = ::readdir(directory.get()); entry != nullptr; entry = ::readdir(directory.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (const int reason = errno; reason != 0) return std::unexpected(failure("list", folder, reason));
    std::sort(names.begin(), names.end());
    return names;
  }

  [[nodiscard]] std::expected<void, Error> sync_directory(const std::string& folder) override {
    const Descriptor directory = open_descriptor(folder, O_RDONLY | O_DIRECTORY);
    if (!directory.is_open()) return std::unexpected(failure("open", folder));
    if (::fsync(directory.get()) != 0) return std::unexpected(failure("sync directory", folder));
    return {};
  }

  [[nodiscard]] std::expected<bool, Error> make_directory(const std::string& folder) override {
    if (::mkdir(folder.c_str(), 0755) == 0) return true;
    const int reason = errno;
    struct stat status {};
    if (reason == EEXIST && ::stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return false;
    return std::unexpected(failure("make directory", folder, reason));
  }

  [[nodiscard]] std::expected<bool, Error> remove_directory(const std::string& folder) override {
    if (::rmdir(folder.c_str()) == 0) return true;
    const int reason = errno;
    if (reason == ENOTEMPTY || reason == EEXIST || reason == EBUSY) return false;
    struct stat status {};
    // Of a link that is followed by a slash, too, stat() says that it is a folder, and rmdir() that it is none.
    if (reason == ENOTDIR && ::stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return false;
    return std::unexpected(failure("remove directory", folder, reason));
  }

  [[nodiscard]] std::expected<std::unique_ptr<FolderLock>, Error> lock(const std::string& folder) override {
    const std::string path = join_path(folder, lock_file_name);
    // Held until there is a lock: whoever has made its file can list the folder then, and take the file back.
    const Descriptor directory = open_descriptor(folder, O_RDONLY | O_DIRECTORY);
    if (!directory.is_open()) return std::unexpected(failure("open", folder));
    while (true) {
      Descriptor descriptor = open_descriptor(path, O_RDWR | O_CREAT);
      if (!descriptor.is_open()) return std::unexpected(failure("open", path));
      if (until_not_interrupted([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) != 0) {
        if (errno != EWOULDBLOCK) return std::unexpected(failure("lock", path));
        return std::unexpected(Error(ErrorCode::locked, Place{.source = folder},
                                     "another process has the folder open, or this one has it open twice"));
      }
      // Whoever had the lock may have removed the file since it was opened, and a third process locked a new one.
      struct stat held {};
      struct stat named {};
      if (::fstat(descriptor.get(), &held) != 0) return std::unexpected(failure("lock", path));
      if (::stat(path.c_str(), &named) == 0) {
        if (held.st_dev == named.st_dev && held.st_ino == named.st_ino) {
          return std::make_unique<PosixFolderLock>(std::move(descriptor));
        }
      } else if (errno != ENOENT) {
        return std::unexpected(failure("lock", path));
      }
    }
  }

  [[nodiscard]] std::expected<std::uint64_t, Error> free_bytes(const std::string& folder) override {
    struct statvfs status {};
    if (::statvfs(folder.c_str(), &status) != 0) return std::unexpected(failure("free space", folder));
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }

 private:
  static std::expected<std::unique_ptr<File>, Error> opened(std::string_view operation, const std::string& path,
                                                            int flags) {
    Descriptor descriptor = open_descriptor(path, flags);
    if (!descriptor.is_open()) return std::unexpected(failure(operation, path));
    return std::make_unique<PosixFile>(path, std::move(descriptor));
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace stoa
