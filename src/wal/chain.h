// What holds a log together: which segment may follow which, which transactions a frame's payload is. Recovery and
// the cursor both hold a log to it. Not here: where either begins, and what it does with what it reads.
#pragma once

#include "base/file.h"
#include "wal/batch.h"
#include "wal/segment_reader.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace stoa::wal {

/// An error about that place in the segment.
[[nodiscard]] Error segment_error(ErrorCode code, const SegmentReader& segment, std::uint64_t offset,
                                  std::string reason);

/// The history is not compared: what the log has of before a promotion stays beside what came after, and the chain of
/// checksums goes through both.
/// Errors: as SegmentReader::open; corrupt, of another database; schema_mismatch; not_a_database, another encoding.
[[nodiscard]] std::expected<SegmentReader, Error> open_segment(std::unique_ptr<File> file, std::uint64_t number,
                                                               const Identity& expected);

/// Whether the log goes on in `after` where `before`, which was read to its end, has ended.
/// Errors: corrupt, at that end.
[[nodiscard]] std::expected<void, Error> check_continuation(const SegmentReader& before, const SegmentReader& after);

/// The segment's next frame; nullopt at its end, of which `tail` then says what is behind it.
/// Errors: as SegmentReader::tail, unless it is but a live owner who has written meanwhile.
[[nodiscard]] std::expected<std::optional<FrameHeader>, Error> next_frame(SegmentReader& segment, SegmentTail& tail);

/// The transactions of the frame that a segment's reader came to last, one by one.
class FrameRecords {
 public:
  /// Lifetime: borrows the payload.
  FrameRecords(const FrameHeader& frame, std::uint64_t base_version, std::span<const std::byte> payload)
      : payload_(payload), before_(base_version), version_(frame.first_version), left_(frame.version_count) {}

  /// nullopt: there were as many as the frame's header says, and nothing behind them.
  /// Errors: corrupt, time and again, where they are not what the header says. The checksum held: it was written so.
  [[nodiscard]] std::expected<std::optional<TransactionRecord>, Error> next(const SegmentReader& segment);

 private:
  std::span<const std::byte> payload_;
  std::uint64_t before_;
  std::uint64_t version_;
  std::uint64_t left_;
};

/// The records of that frame. Errors: io.
[[nodiscard]] std::expected<FrameRecords, Error> read_records(SegmentReader& segment, const FrameHeader& frame);

}  // namespace stoa::wal
