// Copies of what is short.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>

namespace stoa {
namespace detail {

// Two copies of one length, which overlap, do for all from that length to twice it.
template <std::size_t Bytes>
inline void copy_ends(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  std::array<std::byte, Bytes> first;
  std::array<std::byte, Bytes> last;
  std::memcpy(first.data(), from, Bytes);
  std::memcpy(last.data(), from + bytes - Bytes, Bytes);
  std::memcpy(to, first.data(), Bytes);
  std::memcpy(to + bytes - Bytes, last.data(), Bytes);
}

}  // namespace detail

/// As memcpy(), for a row or a cell: most are so short that a call would take longer than the copy. Of no bytes,
/// neither address is looked at.
inline void copy_few(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  if (bytes > 32) {
    std::memcpy(to, from, bytes);
  } else if (bytes >= 16) {
    detail::copy_ends<16>(to, from, bytes);
  } else if (bytes >= 8) {
    detail::copy_ends<8>(to, from, bytes);
  } else if (bytes >= 4) {
    detail::copy_ends<4>(to, from, bytes);
  } else {
    for (std::size_t i = 0; i != bytes; ++i) to[i] = from[i];
  }
}

}  // namespace stoa
