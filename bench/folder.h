// A folder of a benchmark's own, and where it lies. What is in it is the benchmark's.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace bench {

/// The file system that the benchmarks were built on: a disk, as a rule.
[[nodiscard]] std::filesystem::path on_disk();
/// A file system in memory where there is one, with room for so many bytes; otherwise where temporary files go.
[[nodiscard]] std::filesystem::path in_memory(std::size_t bytes);
/// What a peer's files may come to. Containers are often given no more than 64 MiB in memory, and a write to a mapped
/// file that finds no room ends the process.
inline constexpr std::size_t peer_bytes = std::size_t{2} << 30U;
/// Says, for a subject's name, that what is on_disk() is on no disk; empty as a rule.
[[nodiscard]] std::string disk_note();

/// Made new, and removed with all that is in it.
class Folder {
 public:
  explicit Folder(const std::filesystem::path& parent);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A file descriptor that closes itself. Errors: throws std::system_error, naming the file.
class OpenFile {
 public:
  OpenFile(const std::filesystem::path& path, int flags);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Brings the folder's files to the disk and has the system forget them, so that they are read from there next.
void make_cold(const std::filesystem::path& folder);

}  // namespace bench
