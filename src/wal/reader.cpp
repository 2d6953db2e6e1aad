#include "wal/reader.h"

#include "wal/segment_reader.h"
#include "wal/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace stoa::wal {
namespace {

Error failure(ErrorCode code, const SegmentReader& segment, std::uint64_t offset, std::string reason) {
  return {code, Place{.source = segment.path(), .offset = offset}, std::move(reason)};
}

/// The history is not compared here: segments before a fork stay beside those after it.
std::expected<void, Error> check_identity(const SegmentReader& segment, const Identity& expected) {
  const Identity& found = segment.header().identity;
  if (found.database_id != expected.database_id) {
    return std::unexpected(failure(ErrorCode::corrupt, segment, 0, "the log segment is another database's"));
  }
  if (found.schema_hash != expected.schema_hash) {
    return std::unexpected(
        failure(ErrorCode::schema_mismatch, segment, 0, "the log segment was written under another schema"));
  }
  if (found.encoding != expected.encoding || found.compression != expected.compression) {
    return std::unexpected(
        failure(ErrorCode::not_a_database, segment, 0,
                fmt::format("the log segment has encoding {} and compression {}, expected {} and {}", found.encoding,
                            found.compression, expected.encoding, expected.compression)));
  }
  return {};
}

class Recoverer {
 public:
  Recoverer(FileSystem& files, const std::string& folder, const Identity& identity, std::uint64_t from_version,
            Access access, const Visitor& visit)
      : files_(files),
        folder_(folder),
        identity_(identity),
        from_version_(from_version),
        access_(access),
        visit_(visit) {}

  std::expected<Recovery, Error> run() {
    result_.end.version = from_version_;
    const auto numbers = segments_needed();
    if (!numbers) return std::unexpected(numbers.error());
    std::optional<SegmentReader> before;
    for (const std::uint64_t number : *numbers) {
      auto segment = open_segment(number, number == numbers->back());
      if (!segment) return std::unexpected(segment.error());
      if (before) {
        if (auto continues = check_continuation(*before, *segment); !continues) {
          return std::unexpected(continues.error());
        }
      }
      if (auto read = read_segment(*segment); !read) return std::unexpected(read.error());
      result_.end = {.segment_number = number,
                     .crc = segment->chain().crc,
                     .version = std::max(from_version_, segment->chain().version)};
      before.emplace(*std::move(segment));
    }
    return std::move(result_);
  }

 private:
  /// The numbers of the segments that may hold versions above from_version_, rising. Looks from the newest back, so
  /// that what a trim left of older ones does not matter.
  std::expected<std::vector<std::uint64_t>, Error> segments_needed() {
    auto numbers = list_segments(files_, folder_);
    if (!numbers || numbers->empty()) return numbers;
    for (std::size_t i = numbers->size(); i-- > 0;) {
      const std::uint64_t number = (*numbers)[i];
      const auto segment = open_segment(number, false);
      if (!segment) return std::unexpected(segment.error());
      const std::uint64_t base_version = segment->header().base_version;
      if (base_version <= from_version_) {
        numbers->erase(numbers->begin(), numbers->begin() + static_cast<std::ptrdiff_t>(i));
        return numbers;
      }
      if (i == 0 || (*numbers)[i - 1] != number - 1) {
        return std::unexpected(failure(
            ErrorCode::corrupt, *segment, 0,
            fmt::format("the segment before this one is missing: this one starts after version {}, and the log is "
                        "needed from version {} on",
                        base_version, from_version_ + 1)));
      }
    }
    return numbers;
  }

  std::expected<SegmentReader, Error> open_segment(std::uint64_t number, bool will_be_continued) {
    const std::string path = join_path(folder_, segment_name(number));
    const bool make_durable = will_be_continued && access_ == Access::owner;
    auto file = make_durable ? files_.open(path) : files_.open_read_only(path);
    if (!file) return std::unexpected(file.error());
    if (make_durable) {
      // What a killed process wrote may be in the system's cache only, and what a failed sync dropped may still show
      // there: write back the former, forget the latter, and then believe what is read.
      if (auto synced = (*file)->sync(); !synced) return std::unexpected(synced.error());
      (*file)->drop_cache();
    }
    auto segment = SegmentReader::open(*std::move(file), number);
    if (!segment) return segment;
    if (auto known = check_identity(*segment, identity_); !known) return std::unexpected(known.error());
    return segment;
  }

  std::expected<void, Error> check_continuation(const SegmentReader& before, const SegmentReader& after) const {
    const SegmentHeader& header = after.header();
    if (header.previous_crc == before.chain().crc && header.base_version == before.chain().version) return {};
    const std::string_view content = header.base_version == before.chain().version ? " of other content" : "";
    return std::unexpected(
        failure(ErrorCode::corrupt, before, before.offset(),
                fmt::format("durable transactions are damaged or missing: the log is good up to version {} here, and "
                            "{} continues from version {}{}",
                            before.chain().version, segment_name(header.number), header.base_version, content)));
  }

  std::expected<void, Error> read_segment(SegmentReader& segment) {
    ++result_.segment_count;
    while (true) {
      auto frame = segment.next();
      if (frame && !*frame) {
        const auto tail = segment.tail();
        if (tail) {
          result_.dropped.reset();  // an earlier segment's was dropped when the next one was begun
          if (tail->bytes != 0) result_.dropped = {segment.path(), tail->offset, tail->bytes};
          return {};
        }
        // A live owner may have written the frame after it was looked at, and the proof against it after that.
        segment.refresh();
        frame = segment.next();
        if (frame && !*frame) return std::unexpected(tail.error());
      }
      if (!frame) return std::unexpected(frame.error());
      ++result_.frame_count;
      if (auto visited = visit_frame(segment, **frame); !visited) return visited;
    }
  }

  std::expected<void, Error> visit_frame(SegmentReader& segment, const FrameHeader& frame) {
    if (frame.version_count == 0 || frame.last_version() <= from_version_) return {};
    if (segment.header().identity.history_id != identity_.history_id) {
      return std::unexpected(failure(ErrorCode::fork, segment, segment.frame_offset(),
                                     fmt::format("version {} is of another history", frame.last_version())));
    }
    const auto bytes = segment.payload();
    if (!bytes) return std::unexpected(bytes.error());
    // The checksum held, so what is wrong from here on was written so.
    const auto malformed = [&] {
      return std::unexpected(failure(ErrorCode::corrupt, segment, segment.frame_offset(),
                                     "the frame's payload is not the transactions that its header names"));
    };
    std::span<const std::byte> payload = *bytes;
    for (std::uint64_t i = 0; i < frame.version_count; ++i) {
      const auto record = take_record(payload);
      if (!record || record->version != frame.first_version + i) return malformed();
      if (record->version <= from_version_) continue;
      if (auto visited = visit_(*record); !visited) return visited;
      ++result_.transaction_count;
    }
    if (!payload.empty()) return malformed();
    return {};
  }

  FileSystem& files_;
  const std::string& folder_;
  const Identity& identity_;
  const std::uint64_t from_version_;
  const Access access_;
  const Visitor& visit_;
  Recovery result_;
};

}  // namespace

std::expected<Recovery, Error> recover(FileSystem& files, const std::string& folder, const Identity& identity,
                                       std::uint64_t from_version, Access access, const Visitor& visit) {
  return Recoverer(files, folder, identity, from_version, access, visit).run();
}

}  // namespace stoa::wal
