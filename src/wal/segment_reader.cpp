#include "wal/segment_reader.h"

#include "base/crc32c.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace stoa::wal {
namespace {

std::optional<std::size_t> find_magic(std::span<const std::byte> bytes) {
  for (std::size_t at = 0; at + frame_magic.size() <= bytes.size(); ++at) {
    const void* const first = std::memchr(bytes.data() + at, std::to_integer<int>(frame_magic[0]),
                                          bytes.size() - at - (frame_magic.size() - 1));
    if (first == nullptr) return std::nullopt;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(first) - bytes.data());
    if (std::memcmp(first, frame_magic.data(), frame_magic.size()) == 0) return at;
  }
  return std::nullopt;
}

/// One past the last byte that is not zero; 0: all are.
std::size_t zeros_begin(std::span<const std::byte> bytes) {
  const auto is_zero = [](std::byte byte) { return byte == std::byte{}; };
  // Preallocated room is the common case: each byte equals the next one, and the first is zero.
  if (bytes.empty()) return 0;
  if (is_zero(bytes[0]) && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0) return 0;
  const auto last = std::find_if_not(bytes.rbegin(), bytes.rend(), is_zero);
  return static_cast<std::size_t>(bytes.rend() - last);
}

}  // namespace

std::expected<SegmentReader, Error> SegmentReader::open(std::unique_ptr<File> file, std::uint64_t number) {
  const auto start = read_segment_start(*file, number);
  if (!start) return std::unexpected(start.error());
  return SegmentReader(std::move(file), *start);
}

SegmentReader::SegmentReader(std::unique_ptr<File> file, const SegmentStart& start)
    : file_(std::move(file)),
      window_(std::make_unique<Window>(*file_)),
      start_(start),
      chain_{.crc = start.crc, .version = start.header.base_version} {}

std::expected<std::optional<FrameHeader>, Error> SegmentReader::next() {
  std::uint64_t checked_bytes = 0;
  auto frame = frame_at(offset_, &checked_bytes);
  if (!frame || !*frame) return frame;
  if (!continues_chain(**frame)) return std::nullopt;
  const auto bytes = window_->at(offset_, frame_header_bytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() < frame_header_bytes) return std::nullopt;
  frame_base_ = chain_.version;
  chain_ = {.crc = stored_frame_crc(*bytes), .version = (*frame)->last_version()};
  frame_offset_ = offset_;
  payload_bytes_ = (*frame)->payload_bytes;
  offset_ += frame_header_bytes + payload_bytes_;
  return frame;
}

std::expected<std::span<const std::byte>, Error> SegmentReader::payload() {
  // The frame was checked to lie in the file, so the allocation is bounded by what is on disk.
  return window_->at(frame_offset_ + frame_header_bytes, static_cast<std::size_t>(payload_bytes_));
}

std::expected<SegmentTail, Error> SegmentReader::tail() {
  SegmentTail tail{.offset = offset_, .bytes = 0};
  const auto size = file_->size();
  if (!size) return std::unexpected(size.error());
  // True frames do not overlap, so the failed checks of torn ones and the passed checks of whole ones add up to no more
  // than twice the rest of the file. What takes more was made to take long.
  const std::uint64_t checks_max = 4 * (*size - std::min(*size, offset_)) + Window::step_bytes;
  std::uint64_t checked_bytes = 0;
  std::uint64_t at = offset_;
  while (true) {
    const auto bytes = window_->at(at, Window::step_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    const std::uint64_t nonzero_end = at + zeros_begin(*bytes);
    const auto found = find_magic(*bytes);
    if (nonzero_end > at) tail.bytes = std::max(tail.bytes, nonzero_end - offset_);
    if (!found) {
      if (bytes->size() < Window::step_bytes) return tail;
      at += bytes->size() - (frame_magic.size() - 1);  // a magic may lie across the edge
      continue;
    }
    at += *found;
    const auto frame = frame_at(at, &checked_bytes);
    if (!frame) return std::unexpected(frame.error());
    if (*frame && (*frame)->synced > chain_.version) return std::unexpected(damaged(at, **frame));
    if (checked_bytes > checks_max) {
      return std::unexpected(Error(ErrorCode::corrupt, Place{.source = path(), .offset = offset_},
                                   "more frames claim to be here than there are bytes for"));
    }
    at += *frame ? frame_header_bytes + (*frame)->payload_bytes : 1;
  }
}

std::expected<std::uint32_t, Error> SegmentReader::glance_behind() {
  const auto bytes = window_->at(offset_, Window::step_bytes);
  if (!bytes) return std::unexpected(bytes.error());
  return crc32c(*bytes);
}

/// A frame that is whole in itself: of this segment, within the file, and as its checksum says.
std::expected<std::optional<FrameHeader>, Error> SegmentReader::frame_at(std::uint64_t offset,
                                                                         std::uint64_t* checked_bytes) {
  const auto bytes = window_->at(offset, frame_header_bytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() < frame_header_bytes) return std::nullopt;
  const auto header = decode_frame_header(*bytes);
  if (!header || header->salt != start_.header.salt) return std::nullopt;
  const auto size = file_->size();
  if (!size) return std::unexpected(size.error());
  const std::uint64_t payload_offset = offset + frame_header_bytes;
  if (payload_offset > *size || header->payload_bytes > *size - payload_offset) return std::nullopt;

  const std::uint32_t expected_crc = stored_frame_crc(*bytes);
  std::uint32_t crc = begin_frame_crc(*bytes);
  *checked_bytes += frame_header_bytes + header->payload_bytes;
  // Piece by piece, so that a length which is wrong allocates nothing.
  for (std::uint64_t done = 0; done < header->payload_bytes;) {
    const std::uint64_t left = header->payload_bytes - done;
    const auto piece =
        window_->at(payload_offset + done, static_cast<std::size_t>(std::min<std::uint64_t>(left, Window::step_bytes)));
    if (!piece) return std::unexpected(piece.error());
    if (piece->empty()) return std::nullopt;  // a live owner gave back the room since
    crc = crc32c(*piece, crc);
    done += piece->size();
  }
  if (crc != expected_crc) return std::nullopt;
  return header;
}

bool SegmentReader::continues_chain(const FrameHeader& frame) const {
  if (frame.previous_crc != chain_.crc) return false;
  if (frame.synced > chain_.version) return false;  // it cannot know what comes after it
  if (frame.type == FrameType::leap) return frame.version_count == 1 && frame.first_version > chain_.version + 1;
  if (frame.first_version != chain_.version + 1) return false;
  if (frame.type == FrameType::seal) return frame.version_count == 0 && frame.payload_bytes == 0;
  return frame.version_count != 0 && frame.last_version() > chain_.version;
}

Error SegmentReader::damaged(std::uint64_t witness, const FrameHeader& frame) const {
  return {ErrorCode::corrupt, Place{.source = path(), .offset = offset_},
          fmt::format("the frame here is damaged, though its transactions were durable: the frame at byte {} knows of "
                      "version {}, and the log is good up to version {} only",
                      witness, frame.synced, chain_.version)};
}

}  // namespace stoa::wal
