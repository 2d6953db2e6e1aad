// Reads one segment: which of its frames are whole and follow one another, and what the bytes after the last of them
// mean. It changes nothing, and knows no other segment.
#pragma once

#include "base/file.h"
#include "wal/format.h"
#include "wal/segments.h"
#include "wal/window.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>

namespace stoa::wal {

/// Where the chain of frames stands.
struct ChainPoint {
  std::uint32_t crc = 0;
  std::uint64_t version = 0;
};

/// What is behind a segment's last good frame.
struct SegmentTail {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  ///< up to the last byte that is not zero; 0 is a clean end
};

/// Whatever the bytes are, the work is linear in the file's length and the memory is bounded by it.
///
/// Errors:  corrupt, naming file and offset; io.
/// Threads: one at a time.
class SegmentReader {
 public:
  [[nodiscard]] static std::expected<SegmentReader, Error> open(std::unique_ptr<File> file, std::uint64_t number);

  [[nodiscard]] const SegmentHeader& header() const { return start_.header; }
  [[nodiscard]] const std::string& path() const { return file_->path(); }
  /// After the last frame that next() returned.
  [[nodiscard]] const ChainPoint& chain() const { return chain_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// Of that frame.
  [[nodiscard]] std::uint64_t frame_offset() const { return frame_offset_; }
  /// The version before it.
  [[nodiscard]] std::uint64_t frame_base() const { return frame_base_; }

  /// The next frame of the chain; nullopt where there is none, and then tail() says why.
  [[nodiscard]] std::expected<std::optional<FrameHeader>, Error> next();

  /// The payload of the frame that next() returned last, in one piece. Lifetime: until the next call of any kind.
  [[nodiscard]] std::expected<std::span<const std::byte>, Error> payload();

  /// Judges the bytes behind the last good frame. A valid frame there which knows a version above the chain's to be
  /// durable proves damage; otherwise they are the remains of writes that nobody was told had succeeded.
  ///
  /// Errors: corrupt — the proof was found; or more frames claim to be there than bytes could hold.
  [[nodiscard]] std::expected<SegmentTail, Error> tail();

  /// A checksum of the first bytes behind the last good frame, a window's step of them at most: for who looks at the
  /// same end again and again, and need not judge all that follows if this has not changed.
  [[nodiscard]] std::expected<std::uint32_t, Error> glance_behind();

  /// Reads afresh from where the chain stands. Needed where a live owner may have written since.
  void refresh() { window_->forget(); }

 private:
  SegmentReader(std::unique_ptr<File> file, const SegmentStart& start);

  [[nodiscard]] std::expected<std::optional<FrameHeader>, Error> frame_at(std::uint64_t offset,
                                                                          std::uint64_t* checked_bytes);
  [[nodiscard]] bool continues_chain(const FrameHeader& frame) const;
  [[nodiscard]] Error damaged(std::uint64_t witness, const FrameHeader& frame) const;

  std::unique_ptr<File> file_;
  std::unique_ptr<Window> window_;  // apart, so that a reader can be moved
  SegmentStart start_;
  ChainPoint chain_;
  std::uint64_t offset_ = segment_header_bytes;
  std::uint64_t frame_offset_ = 0;
  std::uint64_t frame_base_ = 0;
  std::uint64_t payload_bytes_ = 0;
};

}  // namespace stoa::wal
