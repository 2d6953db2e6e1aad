// CRC32C (Castagnoli): the checksum of log frames. It finds torn writes and flipped bits; it is no defence against an
// attacker, and no content hash (that is base/hash.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa {

/// Returns the checksum of what `crc` covers followed by `bytes`; 0 covers nothing, so pieces can be chained:
/// crc32c(b, crc32c(a)) is the checksum of a and b in one. Uses the processor's instruction where it has one.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0);

namespace detail {

/// By table, on any processor.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc);

/// By the SSE4.2 instruction. Requires: crc32c_has_instruction().
[[nodiscard]] std::uint32_t crc32c_instruction(std::span<const std::byte> bytes, std::uint32_t crc);
[[nodiscard]] bool crc32c_has_instruction();

}  // namespace detail
}  // namespace stoa
