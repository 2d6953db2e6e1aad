#include "cli/folder_files.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace stoa::cli {
namespace {

constexpr std::size_t digits = 20;

std::optional<std::uint64_t> number_behind(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + digits) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

}  // namespace

FolderFiles files_in(const std::filesystem::path& folder) {
  FolderFiles out;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const std::uint64_t bytes = entry->file_size(gone);
    if (gone) continue;
    const std::string name = entry->path().filename().string();
    if (const auto version = number_behind("checkpoint-", name)) out.checkpoints.push_back({*version, bytes});
    if (number_behind("wal-", name)) {
      ++out.segments;
      out.segment_bytes += bytes;
    }
  }
  std::ranges::sort(out.checkpoints, {}, &CheckpointFile::version);
  return out;
}

}  // namespace stoa::cli
