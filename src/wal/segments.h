// The segments of a folder as files: their names, their headers, their removal. Not what is in them.
#pragma once

#include "base/file.h"
#include "wal/format.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::wal {

inline constexpr std::uint64_t first_segment_number = 1;

/// "wal-" and 20 digits, so that names sort as numbers do.
[[nodiscard]] std::string segment_name(std::uint64_t number);
/// nullopt: the name of something else.
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name);
/// What a segment is called until it has a durable header.
[[nodiscard]] std::string unfinished_segment_name(std::uint64_t number);
[[nodiscard]] bool is_unfinished_segment_name(std::string_view name);

/// The numbers of the folder's segments, rising.
[[nodiscard]] std::expected<std::vector<std::uint64_t>, Error> list_segments(FileSystem& files,
                                                                             const std::string& folder);

struct SegmentStart {
  SegmentHeader header;
  std::uint32_t crc = 0;  ///< where the segment's chain of frames starts
};

/// Errors: as decode_segment_header; corrupt also where the header has another number than the name.
[[nodiscard]] std::expected<SegmentStart, Error> read_segment_start(const File& file, std::uint64_t number);

/// Removes the segments that hold no version above `through`, oldest first; the newest always stays.
///
/// Requires: a checkpoint of version `through` or above, and its name, are durable.
/// Returns:  how many went.
/// Threads:  beside the log's writer.
[[nodiscard]] std::expected<std::uint64_t, Error> trim(FileSystem& files, const std::string& folder,
                                                       std::uint64_t through);

}  // namespace stoa::wal
