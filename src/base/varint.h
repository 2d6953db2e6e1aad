// Numbers in as few bytes as they need: seven bits a byte, low bits first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stoa {

/// How many bytes put_varint() appends.
[[nodiscard]] constexpr std::size_t varint_bytes(std::uint64_t value) noexcept {
  return value == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

inline constexpr std::size_t varint_bytes_max = 10;

/// Returns where its bytes end. Requires: room for varint_bytes_max.
inline std::byte* store_varint(std::byte* at, std::uint64_t value) noexcept {
  for (; value >= 0x80; value >>= 7U) *at++ = static_cast<std::byte>(value | 0x80U);
  *at++ = static_cast<std::byte>(value);
  return at;
}

inline void put_varint(std::vector<std::byte>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<std::byte>(value | 0x80U));
  out.push_back(static_cast<std::byte>(value));
}

/// A signed number as an unsigned one, small where it is near 0, and back.
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1));
}

/// Takes a number off the front of `in`. False where it is cut off, longer than it need be, or beyond 64 bits.
[[nodiscard]] inline bool take_varint(std::span<const std::byte>& in, std::uint64_t& value) {
  value = 0;
  for (std::size_t at = 0; at < in.size() && at < varint_bytes_max; ++at) {
    const auto bits = std::to_integer<std::uint64_t>(in[at]);
    if (at == 9 && bits > 1) return false;
    value |= (bits & 0x7FU) << (7 * at);
    if ((bits & 0x80U) == 0) {
      if (bits == 0 && at != 0) return false;
      in = in.subspan(at + 1);
      return true;
    }
  }
  return false;
}

}  // namespace stoa
