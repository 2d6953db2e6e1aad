#include "wal/format.h"

#include "base/crc32c.h"
#include "base/field_bytes.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>

namespace stoa::wal {
namespace {

constexpr std::array<std::byte, 8> segment_magic{std::byte{0xF7}, std::byte{'s'}, std::byte{'t'}, std::byte{'o'},
                                                 std::byte{'a'},  std::byte{'w'}, std::byte{'a'}, std::byte{'l'}};
constexpr std::uint32_t format_version = 1;
constexpr std::uint32_t flag_following = 1;

constexpr std::size_t segment_reserved_bytes = 12;
constexpr std::size_t segment_crc_offset = segment_header_bytes - sizeof(std::uint32_t);
constexpr std::size_t frame_reserved_bytes = 3;

// The layouts on disk, added up as docs/format.md lists them.
static_assert(16 + 16 + 16 + 2 + 2 == identity_bytes);
static_assert(8 + 4 + 4 + identity_bytes + 4 + 8 + 8 + 8 + 16 + segment_reserved_bytes == segment_crc_offset);
static_assert(4 + 1 + frame_reserved_bytes + 8 + 8 + 8 + 8 + 8 + 4 == frame_crc_offset);
static_assert(frame_crc_offset + sizeof(std::uint32_t) == frame_header_bytes);

}  // namespace

void put(FieldWriter& fields, const Identity& identity) {
  fields.put(identity.database_id);
  fields.put(identity.history_id);
  fields.put(identity.schema_hash);
  fields.put(identity.encoding);
  fields.put(identity.compression);
}

Identity take_identity(FieldReader& fields) {
  Identity identity;
  identity.database_id = fields.take_id();
  identity.history_id = fields.take_id();
  identity.schema_hash = fields.take_hash();
  identity.encoding = fields.take<std::uint16_t>();
  identity.compression = fields.take<std::uint16_t>();
  return identity;
}

SegmentHeaderBytes encode(const SegmentHeader& header) {
  SegmentHeaderBytes bytes;
  FieldWriter fields(bytes.data());
  fields.put(segment_magic);
  fields.put(format_version);
  fields.put(header.following ? flag_following : 0);
  put(fields, header.identity);
  fields.put(header.previous_crc);
  fields.put(header.number);
  fields.put(header.base_version);
  fields.put(header.salt);
  fields.put(header.previous_history);
  fields.put_zeros(segment_reserved_bytes);
  fields.put(crc32c(std::span(bytes).first(segment_crc_offset)));
  return bytes;
}

std::expected<SegmentHeader, Error> decode_segment_header(std::span<const std::byte> bytes, const std::string& path) {
  const auto failure = [&](ErrorCode code, std::string reason) {
    return std::unexpected(Error(code, Place{.source = path}, std::move(reason)));
  };
  if (bytes.size() < segment_header_bytes) {
    return failure(ErrorCode::corrupt, fmt::format("the segment's header is cut off after {} bytes", bytes.size()));
  }
  FieldReader fields(bytes.data());
  if (!std::equal(segment_magic.begin(), segment_magic.end(), bytes.begin())) {
    return failure(ErrorCode::corrupt, "this is no log segment of stoa: its first bytes are others");
  }
  fields.skip(segment_magic.size());
  const auto version = fields.take<std::uint32_t>();
  const auto flags = fields.take<std::uint32_t>();
  if (crc32c(bytes.first(segment_crc_offset)) != segment_crc(bytes)) {
    return failure(ErrorCode::corrupt, "the segment's header does not match its checksum");
  }
  if (version != format_version) {
    return failure(ErrorCode::not_a_database,
                   fmt::format("the log has format version {}, and this program reads {}", version, format_version));
  }
  SegmentHeader header;
  header.identity = take_identity(fields);
  header.previous_crc = fields.take<std::uint32_t>();
  header.number = fields.take<std::uint64_t>();
  header.base_version = fields.take<std::uint64_t>();
  header.salt = fields.take<std::uint64_t>();
  header.previous_history = fields.take_id();
  header.following = (flags & flag_following) != 0;
  if ((flags & ~flag_following) != 0 || !fields.take_zeros(segment_reserved_bytes)) {
    return failure(ErrorCode::not_a_database, "the log uses features that this program does not know");
  }
  return header;
}

std::uint32_t segment_crc(std::span<const std::byte> bytes) {
  return load_little_endian<std::uint32_t>(bytes.data() + segment_crc_offset);
}

std::uint32_t encode_frame(const FrameHeader& header, std::span<std::byte> frame) {
  FieldWriter fields(frame.data());
  fields.put(frame_magic);
  fields.put(static_cast<std::uint8_t>(header.type));
  fields.put_zeros(frame_reserved_bytes);
  fields.put(header.payload_bytes);
  fields.put(header.first_version);
  fields.put(header.version_count);
  fields.put(header.synced);
  fields.put(header.salt);
  fields.put(header.previous_crc);
  const std::uint32_t crc = crc32c(frame.subspan(frame_header_bytes), begin_frame_crc(frame));
  fields.put(crc);
  return crc;
}

std::optional<FrameHeader> decode_frame_header(std::span<const std::byte> bytes) {
  if (!std::equal(frame_magic.begin(), frame_magic.end(), bytes.begin())) return std::nullopt;
  FieldReader fields(bytes.data() + frame_magic.size());
  const auto type = fields.take<std::uint8_t>();
  if (type < static_cast<std::uint8_t>(FrameType::transactions) || type > static_cast<std::uint8_t>(FrameType::leap)) {
    return std::nullopt;
  }
  if (!fields.take_zeros(frame_reserved_bytes)) return std::nullopt;
  FrameHeader header;
  header.type = static_cast<FrameType>(type);
  header.payload_bytes = fields.take<std::uint64_t>();
  header.first_version = fields.take<std::uint64_t>();
  header.version_count = fields.take<std::uint64_t>();
  header.synced = fields.take<std::uint64_t>();
  header.salt = fields.take<std::uint64_t>();
  header.previous_crc = fields.take<std::uint32_t>();
  return header;
}

std::uint32_t stored_frame_crc(std::span<const std::byte> bytes) {
  return load_little_endian<std::uint32_t>(bytes.data() + frame_crc_offset);
}

std::uint32_t begin_frame_crc(std::span<const std::byte> bytes) { return crc32c(bytes.first(frame_crc_offset)); }

}  // namespace stoa::wal
