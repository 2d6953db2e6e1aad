#include "peers/memory_folder.h"

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace bench {
namespace {

// Containers are often given no more than 64 MiB there, and a write to a mapped file would end the process.
constexpr std::uintmax_t room_min = std::uintmax_t{2} << 30U;

std::filesystem::path parent() {
  const std::filesystem::path shm = "/dev/shm";
  std::error_code none;
  const std::filesystem::space_info space = std::filesystem::space(shm, none);
  return !none && space.available >= room_min ? shm : std::filesystem::temp_directory_path();
}

}  // namespace

MemoryFolder::MemoryFolder() {
  std::string name = parent() / "stoa-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + name);
  path_ = name;
}

MemoryFolder::~MemoryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bench
