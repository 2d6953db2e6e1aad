// Integers to and from bytes as the files have them: little-endian, at any alignment. Compilers turn each of these into
// one move where the machine is little-endian, so there is nothing to choose at run time.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace stoa {

/// Requires: sizeof(T) writable bytes at `to`.
template <std::integral T>
constexpr void store_little_endian(std::byte* to, T value) {
  const auto bits = static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<T>>(value));
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::byte>((bits >> (8 * i)) & 0xFFU);
}

/// Requires: sizeof(T) readable bytes at `from`.
template <std::integral T>
[[nodiscard]] constexpr T load_little_endian(const std::byte* from) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) bits |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(bits));
}

}  // namespace stoa
