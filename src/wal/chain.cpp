#include "wal/chain.h"

#include "wal/segments.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace stoa::wal {
namespace {

std::expected<void, Error> check_identity(const SegmentReader& segment, const Identity& expected) {
  const Identity& found = segment.header().identity;
  if (found.database_id != expected.database_id) {
    return std::unexpected(segment_error(ErrorCode::corrupt, segment, 0, "the log segment is another database's"));
  }
  if (found.schema_hash != expected.schema_hash) {
    return std::unexpected(
        segment_error(ErrorCode::schema_mismatch, segment, 0, "the log segment was written under another schema"));
  }
  if (found.encoding != expected.encoding || found.compression != expected.compression) {
    return std::unexpected(
        segment_error(ErrorCode::not_a_database, segment, 0,
                      fmt::format("the log segment has encoding {} and compression {}, expected {} and {}",
                                  found.encoding, found.compression, expected.encoding, expected.compression)));
  }
  return {};
}

}  // namespace

Error segment_error(ErrorCode code, const SegmentReader& segment, std::uint64_t offset, std::string reason) {
  return {code, Place{.source = segment.path(), .offset = offset}, std::move(reason)};
}

std::expected<SegmentReader, Error> open_segment(std::unique_ptr<File> file, std::uint64_t number,
                                                 const Identity& expected) {
  auto segment = SegmentReader::open(std::move(file), number);
  if (!segment) return segment;
  if (auto known = check_identity(*segment, expected); !known) return std::unexpected(known.error());
  return segment;
}

std::expected<void, Error> check_continuation(const SegmentReader& before, const SegmentReader& after) {
  const SegmentHeader& header = after.header();
  if (header.previous_crc == before.chain().crc && header.base_version == before.chain().version) return {};
  const std::string_view content = header.base_version == before.chain().version ? " of other content" : "";
  return std::unexpected(
      segment_error(ErrorCode::corrupt, before, before.offset(),
                    fmt::format("durable transactions are damaged or missing: the log is good up to version {} here, "
                                "and {} continues from version {}{}",
                                before.chain().version, segment_name(header.number), header.base_version, content)));
}

std::expected<std::optional<FrameHeader>, Error> next_frame(SegmentReader& segment, SegmentTail& tail) {
  auto frame = segment.next();
  if (!frame || *frame) return frame;
  const auto judged = segment.tail();
  if (judged) {
    tail = *judged;
    return std::nullopt;
  }
  // A live owner may have written the frame after it was looked at, and the proof against it after that.
  segment.refresh();
  frame = segment.next();
  if (frame && !*frame) return std::unexpected(judged.error());
  return frame;
}

std::expected<std::optional<TransactionRecord>, Error> FrameRecords::next(const SegmentReader& segment) {
  const auto malformed = [&] {
    return std::unexpected(segment_error(ErrorCode::corrupt, segment, segment.frame_offset(),
                                         "the frame's payload is not the transactions that its header names"));
  };
  if (left_ == 0) {
    if (!payload_.empty()) return malformed();
    return std::nullopt;
  }
  std::span<const std::byte> rest = payload_;
  auto record = take_record(rest);
  if (!record || record->version != version_) return malformed();
  record->step = version_ - before_;
  payload_ = rest;
  before_ = version_++;
  --left_;
  return record;
}

std::expected<FrameRecords, Error> read_records(SegmentReader& segment, const FrameHeader& frame) {
  const auto payload = segment.payload();
  if (!payload) return std::unexpected(payload.error());
  return FrameRecords(frame, segment.frame_base(), *payload);
}

}  // namespace stoa::wal
