// The bytes of a checkpoint: the headers of the file and of its blocks, as docs/format.md describes them. Which blocks
// there are, and what they hold, is the writer's and the reader's business.
#pragma once

#include "base/hash.h"
#include "wal/format.h"

#include <stoa/entity.h>
#include <stoa/error.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

namespace stoa::checkpoint {

struct CheckpointHeader {
  wal::Identity identity;
  Version version = 0;  ///< of the state
};

inline constexpr std::size_t checkpoint_header_bytes = 128;
using CheckpointHeaderBytes = std::array<std::byte, checkpoint_header_bytes>;

[[nodiscard]] CheckpointHeaderBytes encode(const CheckpointHeader& header);
/// Errors: corrupt, short, damaged or no checkpoint at all; not_a_database, one of a newer format. They name `path`.
[[nodiscard]] std::expected<CheckpointHeader, Error> decode_checkpoint_header(std::span<const std::byte> bytes,
                                                                              const std::string& path);
/// Where the chain of blocks starts: the header's own checksum. Requires: `bytes` is a whole header.
[[nodiscard]] Hash128 checkpoint_checksum(std::span<const std::byte> bytes);

enum class BlockType : std::uint8_t {
  body = 1,  ///< a delta's body, to be applied after those before it
  end = 2    ///< without a body: all of the state has been told
};

struct BlockHeader {
  BlockType type = BlockType::end;
  std::uint64_t body_bytes = 0;
  Hash128 checksum{};
};

inline constexpr std::size_t block_header_bytes = 32;

/// Writes the header in front of its body and returns the checksum, which covers both, and by `before`, the checksum of
/// what is before it, all of the file up to here. Requires: `block` is a header's room followed by the whole body.
Hash128 encode_block(BlockType type, const Hash128& before, std::span<std::byte> block);
/// nullopt where magic, type or reserved bytes say that it is none. Requires: block_header_bytes in `bytes`.
[[nodiscard]] std::optional<BlockHeader> decode_block_header(std::span<const std::byte> bytes);
/// The checksum that the block must have. Requires: block_header_bytes in `header`.
[[nodiscard]] Hash128 block_checksum(std::span<const std::byte> header, std::span<const std::byte> body,
                                     const Hash128& before);

}  // namespace stoa::checkpoint
