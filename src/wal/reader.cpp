#include "wal/reader.h"

#include "wal/chain.h"
#include "wal/segment_reader.h"
#include "wal/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace stoa::wal {
namespace {

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
                     .version = std::max(from_version_, segment->chain().version),
                     .base_version = segment->header().base_version};
      result_.history_id = segment->header().identity.history_id;
      result_.following = segment->header().following;
      result_.file = segment->path();
      result_.offset = segment->offset();
      result_.version = segment->chain().version;
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
        return std::unexpected(segment_error(
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
    return wal::open_segment(*std::move(file), number, identity_);
  }

  std::expected<void, Error> read_segment(SegmentReader& segment) {
    ++result_.segment_count;
    while (true) {
      SegmentTail tail;
      const auto frame = next_frame(segment, tail);
      if (!frame) return std::unexpected(frame.error());
      if (!*frame) {
        result_.dropped.reset();  // an earlier segment's was dropped when the next one was begun
        if (tail.bytes != 0) result_.dropped = {segment.path(), tail.offset, tail.bytes};
        return {};
      }
      ++result_.frame_count;
      if (auto visited = visit_frame(segment, **frame); !visited) return visited;
    }
  }

  std::expected<void, Error> visit_frame(SegmentReader& segment, const FrameHeader& frame) {
    if (frame.version_count == 0 || frame.last_version() <= from_version_) return {};
    auto records = read_records(segment, frame);
    if (!records) return std::unexpected(records.error());
    while (true) {
      const auto record = records->next(segment);
      if (!record) return std::unexpected(record.error());
      if (!*record) return {};
      if ((*record)->version <= from_version_) continue;
      if ((*record)->version - (*record)->step < from_version_) {
        return std::unexpected(segment_error(ErrorCode::corrupt, segment, segment.frame_offset(),
                                             fmt::format("the transaction here leads over version {}, which the log is "
                                                         "needed from",
                                                         from_version_)));
      }
      if (auto visited = visit_(**record); !visited) return visited;
      ++result_.transaction_count;
    }
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
