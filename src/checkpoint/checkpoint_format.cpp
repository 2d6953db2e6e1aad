#include "checkpoint/checkpoint_format.h"

#include "base/field_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace stoa::checkpoint {
namespace {

constexpr std::array<std::byte, 8> file_magic{std::byte{0xF7}, std::byte{'s'}, std::byte{'t'}, std::byte{'o'},
                                              std::byte{'a'},  std::byte{'c'}, std::byte{'k'}, std::byte{'p'}};
constexpr std::array<std::byte, 4> block_magic{std::byte{0xF7}, std::byte{'s'}, std::byte{'c'}, std::byte{'k'}};
constexpr std::uint32_t format_version = 1;

constexpr std::size_t checksum_bytes = sizeof(Hash128);
constexpr std::size_t file_reserved_bytes = 36;
constexpr std::size_t file_checksum_offset = checkpoint_header_bytes - checksum_bytes;
constexpr std::size_t block_reserved_bytes = 3;
constexpr std::size_t block_checksum_offset = block_header_bytes - checksum_bytes;

// The layouts on disk, added up as docs/format.md lists them.
static_assert(8 + 4 + 4 + wal::identity_bytes + 8 + file_reserved_bytes == file_checksum_offset);
static_assert(4 + 1 + block_reserved_bytes + 8 == block_checksum_offset);

Hash128 load_hash(std::span<const std::byte> bytes) { return FieldReader(bytes.data()).take_hash(); }

}  // namespace

CheckpointHeaderBytes encode(const CheckpointHeader& header) {
  CheckpointHeaderBytes bytes;
  FieldWriter fields(bytes.data());
  fields.put(file_magic);
  fields.put(format_version);
  fields.put(std::uint32_t{0});  // flags: none are defined
  put(fields, header.identity);
  fields.put_zeros(file_reserved_bytes);
  fields.put(header.version);
  fields.put(hash128(std::span(bytes).first(file_checksum_offset)));
  return bytes;
}

std::expected<CheckpointHeader, Error> decode_checkpoint_header(std::span<const std::byte> bytes,
                                                                const std::string& path) {
  const auto failure = [&](ErrorCode code, std::string reason) {
    return std::unexpected(Error(code, Place{.source = path}, std::move(reason)));
  };
  if (bytes.size() < checkpoint_header_bytes) {
    return failure(ErrorCode::corrupt, fmt::format("the checkpoint's header is cut off after {} bytes", bytes.size()));
  }
  if (!std::equal(file_magic.begin(), file_magic.end(), bytes.begin())) {
    return failure(ErrorCode::corrupt, "this is no checkpoint of stoa: its first bytes are others");
  }
  if (hash128(bytes.first(file_checksum_offset)) != checkpoint_checksum(bytes)) {
    return failure(ErrorCode::corrupt, "the checkpoint's header does not match its checksum");
  }
  FieldReader fields(bytes.data() + file_magic.size());
  const auto version = fields.take<std::uint32_t>();
  const auto flags = fields.take<std::uint32_t>();
  if (version != format_version) {
    return failure(
        ErrorCode::not_a_database,
        fmt::format("the checkpoint has format version {}, and this program reads {}", version, format_version));
  }
  CheckpointHeader header;
  header.identity = wal::take_identity(fields);
  if (!fields.take_zeros(file_reserved_bytes) || flags != 0) {
    return failure(ErrorCode::not_a_database, "the checkpoint uses features that this program does not know");
  }
  header.version = fields.take<Version>();
  return header;
}

Hash128 checkpoint_checksum(std::span<const std::byte> bytes) { return load_hash(bytes.subspan(file_checksum_offset)); }

Hash128 encode_block(BlockType type, const Hash128& before, std::span<std::byte> block) {
  const std::span<const std::byte> body = block.subspan(block_header_bytes);
  FieldWriter fields(block.data());
  fields.put(block_magic);
  fields.put(static_cast<std::uint8_t>(type));
  fields.put_zeros(block_reserved_bytes);
  fields.put(std::uint64_t{body.size()});
  const Hash128 checksum = block_checksum(block, body, before);
  fields.put(checksum);
  return checksum;
}

std::optional<BlockHeader> decode_block_header(std::span<const std::byte> bytes) {
  if (!std::equal(block_magic.begin(), block_magic.end(), bytes.begin())) return std::nullopt;
  FieldReader fields(bytes.data() + block_magic.size());
  const auto type = fields.take<std::uint8_t>();
  if (type != std::to_underlying(BlockType::body) && type != std::to_underlying(BlockType::end)) return std::nullopt;
  if (!fields.take_zeros(block_reserved_bytes)) return std::nullopt;
  BlockHeader header;
  header.type = static_cast<BlockType>(type);
  header.body_bytes = fields.take<std::uint64_t>();
  header.checksum = fields.take_hash();
  return header;
}

Hash128 block_checksum(std::span<const std::byte> header, std::span<const std::byte> body, const Hash128& before) {
  std::array<std::byte, checksum_bytes + block_checksum_offset + checksum_bytes> bytes;
  FieldWriter fields(bytes.data());
  fields.put(before);
  fields.put(header.first(block_checksum_offset));
  fields.put(hash128(body));
  return hash128(bytes);
}

}  // namespace stoa::checkpoint
