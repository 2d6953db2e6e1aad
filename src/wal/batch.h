// Transactions on their way into one frame, and back out of its payload. A body is bytes: its meaning is the owner's.
#pragma once

#include "wal/format.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace stoa::wal {

/// One transaction in the log. Lifetime: `body` borrows.
struct TransactionRecord {
  std::uint64_t version = 0;
  std::int64_t wall_ns = 0;  ///< a label for people
  std::uint64_t tag = 0;     ///< the user's
  std::span<const std::byte> body;
  std::uint64_t step = 1;  ///< from the version before; more where a replica got several in one
};

inline constexpr std::size_t record_header_bytes = 32;

/// Takes the first record off `payload`; nullopt where it is cut off.
/// Lifetime: the record's body is a part of `payload`.
[[nodiscard]] std::optional<TransactionRecord> take_record(std::span<const std::byte>& payload);

/// The frame under construction: one buffer, reused, so that a batch is one write. An owner that fills a batch while
/// another is being written has two.
class Batch {
 public:
  Batch();

  void clear();
  /// Room for so many bytes of frame, header and all, and zeros behind it. Errors: throws std::bad_alloc.
  void reserve(std::size_t bytes);
  /// Copies the body. Requires: the first record of a batch, or it takes() another and this is the version after the
  /// last one's.
  void add(const TransactionRecord& record);

  [[nodiscard]] bool empty() const { return version_count_ == 0; }
  /// Whether a record of that step has room behind what is there: one that leads over several versions is alone.
  [[nodiscard]] bool takes(std::uint64_t step) const { return empty() || (step == 1 && step_ == 1); }
  [[nodiscard]] std::uint64_t first_version() const { return first_version_; }
  [[nodiscard]] std::uint64_t version_count() const { return version_count_; }
  /// What the frame takes in the log.
  [[nodiscard]] std::uint64_t frame_bytes() const { return frame_bytes_; }

 private:
  friend class Writer;

  [[nodiscard]] FrameType frame_type() const { return step_ == 1 ? FrameType::transactions : FrameType::leap; }
  [[nodiscard]] std::uint64_t base_version() const { return first_version_ - step_; }

  /// The room for the header, then the payload, then `padding` zeros that are not of the frame.
  [[nodiscard]] std::span<std::byte> frame_and_zeros(std::size_t padding);

  std::vector<std::byte> buffer_;
  std::size_t frame_bytes_;
  std::uint64_t first_version_ = 0;
  std::uint64_t version_count_ = 0;
  std::uint64_t step_ = 1;  // of the first record
};

}  // namespace stoa::wal
