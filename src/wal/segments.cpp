#include "wal/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace stoa::wal {
namespace {

constexpr std::string_view prefix = "wal-";
constexpr std::string_view unfinished_suffix = ".tmp";
constexpr std::size_t digits = 20;  // of the highest 64-bit number

}  // namespace

std::string segment_name(std::uint64_t number) { return fmt::format("{}{:020}", prefix, number); }

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + digits) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, number);
  if (error != std::errc() || stop != end || number < first_segment_number) return std::nullopt;
  return number;
}

std::string unfinished_segment_name(std::uint64_t number) {
  return segment_name(number) + std::string(unfinished_suffix);
}

bool is_unfinished_segment_name(std::string_view name) {
  if (!name.ends_with(unfinished_suffix)) return false;
  name.remove_suffix(unfinished_suffix.size());
  return parse_segment_name(name).has_value();
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
  std::uint64_t removed = 0;
  // A segment ends where the next begins, so the next one's header tells what this one holds.
  for (std::size_t i = 0; i + 1 < numbers->size(); ++i) {
    const std::uint64_t next = (*numbers)[i + 1];
    const auto file = files.open_read_only(join_path(folder, segment_name(next)));
    if (!file) return std::unexpected(file.error());
    const auto start = read_segment_start(**file, next);
    if (!start) return std::unexpected(start.error());
    if (start->header.base_version > through) break;
    if (auto gone = files.remove(join_path(folder, segment_name((*numbers)[i]))); !gone) {
      return std::unexpected(gone.error());
    }
    ++removed;
  }
  // If the removals are lost, or only some of them, older segments come back; recovery does not look at them.
  if (removed != 0) {
    if (auto synced = files.sync_directory(folder); !synced) return std::unexpected(synced.error());
  }
  return removed;
}

}  // namespace stoa::wal
