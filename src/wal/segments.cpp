#include "wal/segments.h"

#include "base/numbered_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace stoa::wal {
namespace {

constexpr std::string_view prefix = "wal-";

}  // namespace

std::string segment_name(std::uint64_t number) { return numbered_name(prefix, number); }

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  const auto number = parse_numbered_name(prefix, name);
  return number && *number >= first_segment_number ? number : std::nullopt;
}

std::string unfinished_segment_name(std::uint64_t number) {
  return segment_name(number) + std::string(unfinished_suffix);
}

bool is_unfinished_segment_name(std::string_view name) {
  const auto finished = without_unfinished_suffix(name);
  return finished && parse_segment_name(*finished);
}

std::expected<std::vector<std::uint64_t>, Error> list_segments(FileSystem& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (!names) return std::unexpected(names.error());
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : *names) {
    if (const auto number = parse_segment_name(name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::expected<SegmentStart, Error> read_segment_start(const File& file, std::uint64_t number) {
  SegmentHeaderBytes bytes;
  const auto length = file.read(0, bytes);
  if (!length) return std::unexpected(length.error());
  auto header = decode_segment_header(std::span(bytes).first(*length), file.path());
  if (!header) return std::unexpected(std::move(header.error()));
  if (header->number != number) {
    return std::unexpected(Error(ErrorCode::corrupt, Place{.source = file.path()},
                                 fmt::format("the file holds segment {}, not the one of its name", header->number)));
  }
  return SegmentStart{.header = *header, .crc = segment_crc(bytes)};
}

std::expected<std::uint64_t, Error> trim(FileSystem& files, const std::string& folder, std::uint64_t through) {
  const auto numbers = list_segments(files, folder);
  if (!numbers) return std::unexpected(numbers.error());
  // A segment ends where the next begins, so the next one's header tells what this one holds.
  std::size_t removable = 0;
  while (removable + 1 < numbers->size()) {
    const std::uint64_t next = (*numbers)[removable + 1];
    const auto file = files.open_read_only(join_path(folder, segment_name(next)));
    if (!file) return std::unexpected(file.error());
    const auto start = read_segment_start(**file, next);
    if (!start) return std::unexpected(start.error());
    if (start->header.base_version > through) break;
    ++removable;
  }
  if (removable == 0) return 0;
  // The writer may have given the next segment its name a moment ago: if that were lost, and the removal of the one
  // before it were not, the log would be gone.
  if (auto synced = files.sync_directory(folder); !synced) return std::unexpected(synced.error());
  for (std::size_t i = 0; i != removable; ++i) {
    if (auto gone = files.remove(join_path(folder, segment_name((*numbers)[i]))); !gone) {
      return std::unexpected(gone.error());
    }
  }
  // If the removals are lost, or only some of them, older segments come back; recovery does not look at them.
  if (auto synced = files.sync_directory(folder); !synced) return std::unexpected(synced.error());
  return removable;
}

}  // namespace stoa::wal
