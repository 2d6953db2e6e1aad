// The bytes of a log segment: its header and the headers of its frames, as docs/format.md describes them. Encodes and
// checks single headers; which frame may follow which is the reader's business.
#pragma once

#include "base/field_bytes.h"
#include "base/hash.h"
#include "base/random.h"

#include <stoa/error.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

namespace stoa::wal {

/// What a log belongs to and how its transactions are encoded. A segment of anything else is refused.
struct Identity {
  RandomId database_id;
  RandomId history_id;  ///< new where history forks: a salvage, a restore to a point in time, a promotion
  Hash128 schema_hash{};
  std::uint16_t encoding = 0;     ///< of the transactions' bodies
  std::uint16_t compression = 0;  ///< of the transactions' bodies
};

inline constexpr std::size_t identity_bytes = 52;
/// As every file of a database has them, whichever kind it is.
void put(FieldWriter& fields, const Identity& identity);
[[nodiscard]] Identity take_identity(FieldReader& fields);

struct SegmentHeader {
  Identity identity;
  std::uint64_t number = 0;
  std::uint64_t base_version = 0;  ///< the last version before this segment; durable when the segment was begun
  std::uint32_t previous_crc = 0;  ///< where the chain stood at the end of the previous segment; 0 in the first
  std::uint64_t salt = 0;          ///< of this segment's frames, so that no byte of another is taken for one
  RandomId previous_history{};     ///< of the previous segment, zeros in the first: a checkpoint there may have it
  bool following = false;          ///< its transactions are another database's: the owner is a replica
};

inline constexpr std::size_t segment_header_bytes = 128;
using SegmentHeaderBytes = std::array<std::byte, segment_header_bytes>;

[[nodiscard]] SegmentHeaderBytes encode(const SegmentHeader& header);

/// Errors: not_a_database, one of a newer format; corrupt, short, damaged or no segment at all. They name `path`.
[[nodiscard]] std::expected<SegmentHeader, Error> decode_segment_header(std::span<const std::byte> bytes,
                                                                        const std::string& path);

/// Where the chain of frames starts: the header's own checksum. Requires: `bytes` is a whole, valid header.
[[nodiscard]] std::uint32_t segment_crc(std::span<const std::byte> bytes);

enum class FrameType : std::uint8_t {
  transactions = 1,
  seal = 2,  ///< nothing but `synced`: written when the log is idle, to protect the frame before it
  leap = 3   ///< one record that leads over more than one version: what a replica got of another database's in one
};

struct FrameHeader {
  FrameType type = FrameType::transactions;
  std::uint64_t payload_bytes = 0;
  std::uint64_t first_version = 0;  ///< of the payload; of what comes next, if there is none
  std::uint64_t version_count = 0;
  std::uint64_t synced = 0;  ///< the highest version that was known to be durable when this was written
  std::uint64_t salt = 0;
  std::uint32_t previous_crc = 0;  ///< of the frame before, or of the segment's header

  [[nodiscard]] std::uint64_t last_version() const { return first_version + version_count - 1; }
};

inline constexpr std::size_t frame_header_bytes = 56;
inline constexpr std::size_t frame_crc_offset = 52;
inline constexpr std::array<std::byte, 4> frame_magic{std::byte{0xF7}, std::byte{'s'}, std::byte{'f'}, std::byte{'r'}};

/// Writes the header in front of its payload and returns the checksum of both, which ends the header.
/// Requires: `frame` is a header's room followed by the whole payload.
std::uint32_t encode_frame(const FrameHeader& header, std::span<std::byte> frame);

/// The fields of what may be a frame's header; nullopt where magic, type or reserved bytes say that it is none.
/// The checksum is not looked at: it needs the payload. Requires: frame_header_bytes in `bytes`.
[[nodiscard]] std::optional<FrameHeader> decode_frame_header(std::span<const std::byte> bytes);
/// The checksum that the header ends with, and that of the header's bytes before it, to be continued by the payload.
[[nodiscard]] std::uint32_t stored_frame_crc(std::span<const std::byte> bytes);
[[nodiscard]] std::uint32_t begin_frame_crc(std::span<const std::byte> bytes);

}  // namespace stoa::wal
