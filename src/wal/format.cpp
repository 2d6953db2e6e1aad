#include "wal/format.h"

#include "base/crc32c.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>

namespace stoa::wal {
namespace {

constexpr std::array<std::byte, 8> segment_magic{std::byte{0xF7}, std::byte{'s'}, std::byte{'t'}, std::byte{'o'},
                                                 std::byte{'a'},  std::byte{'w'}, std::byte{'a'}, std::byte{'l'}};
constexpr std::uint32_t format_version = 1;

/// Puts fields one after the other: the order of calls is the layout.
class FieldWriter {
 public:
  explicit FieldWriter(std::byte* to) : at_(to) {}
  template <std::integral T>
  void put(T value) {
    store_little_endian(at_, value);
    at_ += sizeof(T);
  }
  void put(std::span<const std::byte> bytes) { at_ = std::copy(bytes.begin(), bytes.end(), at_); }
  void put(const RandomId& id) { put(id.low), put(id.high); }
  void put(const Hash128& hash) { put(hash[0]), put(hash[1]); }
  void put_zeros(std::size_t bytes) { at_ = std::fill_n(at_, bytes, std::byte{}); }

 private:
  std::byte* at_;
};

class FieldReader {
 public:
  explicit FieldReader(const std::byte* from) : at_(from) {}
  template <std::integral T>
  [[nodiscard]] T take() {
    at_ += sizeof(T);
    return load_little_endian<T>(at_ - sizeof(T));
  }
  [[nodiscard]] RandomId take_id() {
    const auto low = take<std::uint64_t>();
    return {.low = low, .high = take<std::uint64_t>()};
  }
  [[nodiscard]] Hash128 take_hash() {
    const auto low = take<std::uint64_t>();
    return {low, take<std::uint64_t>()};
  }
  [[nodiscard]] bool take_zeros(std::size_t bytes) {
    at_ += bytes;
    return std::all_of(at_ - bytes, at_, [](std::byte byte) { return byte == std::byte{}; });
  }
  void skip(std::size_t bytes) { at_ += bytes; }

 private:
  const std::byte* at_;
};

constexpr std::size_t segment_reserved_bytes = 28;
constexpr std::size_t segment_crc_offset = segment_header_bytes - sizeof(std::uint32_t);
constexpr std::size_t frame_reserved_bytes = 3;

// The layouts on disk, added up as docs/format.md lists them.
static_assert(8 + 4 + 4 + 16 + 16 + 16 + 2 + 2 + 4 + 8 + 8 + 8 + segment_reserved_bytes == segment_crc_offset);
static_assert(4 + 1 + frame_reserved_bytes + 8 + 8 + 8 + 8 + 8 + 4 == frame_crc_offset);
static_assert(frame_crc_offset + sizeof(std::uint32_t) == frame_header_bytes);

}  // namespace

SegmentHeaderBytes encode(const SegmentHeader& header) {
  SegmentHeaderBytes bytes;
  FieldWriter fields(bytes.data());
  fields.put(segment_magic);
  fields.put(format_version);
  fields.put(std::uint32_t{0});  // flags: none are defined
  fields.put(header.identity.database_id);
  fields.put(header.identity.history_id);
  fields.put(header.identity.schema_hash);
  fields.put(header.identity.encoding);
  fields.put(header.identity.compression);
  fields.put(header.previous_crc);
  fields.put(header.number);
  fields.put(header.base_version);
  fields.put(header.salt);
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
  header.identity.database_id = fields.take_id();
  header.identity.history_id = fields.take_id();
  header.identity.schema_hash = fields.take_hash();
  header.identity.encoding = fields.take<std::uint16_t>();
  header.identity.compression = fields.take<std::uint16_t>();
  header.previous_crc = fields.take<std::uint32_t>();
  header.number = fields.take<std::uint64_t>();
  header.base_version = fields.take<std::uint64_t>();
  header.salt = fields.take<std::uint64_t>();
  if (flags != 0 || !fields.take_zeros(segment_reserved_bytes)) {
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
  if (type != static_cast<std::uint8_t>(FrameType::transactions) &&
      type != static_cast<std::uint8_t>(FrameType::seal)) {
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
