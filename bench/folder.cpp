#include "folder.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace bench {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

std::filesystem::path on_disk() { return STOA_BENCH_FOLDER; }

std::filesystem::path in_memory(std::size_t bytes) {
  const std::filesystem::path shm = "/dev/shm";
  std::error_code none;
  const bool room = std::filesystem::exists(shm) && std::filesystem::space(shm, none).available >= bytes && !none;
  return room ? shm : std::filesystem::temp_directory_path();
}

std::string disk_note() {
  struct statfs about {};
  const bool memory = ::statfs(on_disk().c_str(), &about) == 0 && about.f_type == TMPFS_MAGIC;
  return memory ? " (in memory: no disk)" : "";
}

Folder::Folder(const std::filesystem::path& parent) {
  std::string name = parent / "stoa-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) fail(errno, "cannot make a folder like " + name);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

OpenFile::OpenFile(const std::filesystem::path& path, int flags)
    : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) fail(errno, "cannot open " + path.string());
}

OpenFile::~OpenFile() { ::close(descriptor_); }

void make_cold(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const OpenFile file(entry.path(), O_RDONLY);
    if (::fsync(file.get()) != 0) fail(errno, "cannot sync " + entry.path().string());
    const int error = ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    if (error != 0) fail(error, "cannot drop the cache of " + entry.path().string());
  }
}

}  // namespace bench
