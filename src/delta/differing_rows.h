// Which rows of two columns are not the same, as fast as memory gives them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace stoa::delta {

/// The first row from `row` on that has other bytes in `b` than in `a`; `count` where there is none.
inline std::size_t next_differing_row(const std::byte* a, const std::byte* b, std::size_t row, std::size_t count,
                                      std::size_t row_bytes) noexcept {
  constexpr std::size_t block = 64;  // as below
  const std::size_t bytes = count * row_bytes;
  std::size_t at = row * row_bytes;
  while (at + block <= bytes && std::memcmp(a + at, b + at, block) == 0) at += block;
  while (at != bytes && a[at] == b[at]) ++at;
  return at / row_bytes;
}

/// Calls function(row) for each of `count` rows, which stand side by side, that has other bytes in `b` than in `a`; and
/// ahead(offset) before each 64 bytes: most are equal, and what comes after them may be asked for meanwhile.
template <typename Ahead, typename Function>
void for_each_differing_row(const std::byte* a, const std::byte* b, std::size_t count, std::size_t row_bytes,
                            Ahead&& ahead, Function&& function) {
  constexpr std::size_t block = 64;  // a constant, so that the compiler compares it in wide registers, without a call
  const std::size_t bytes = count * row_bytes;
  std::size_t row = 0;  // the first that was not looked at
  const auto look = [&](std::size_t from, std::size_t end) {
    for (row = std::max(row, from / row_bytes); row < std::min(count, (end - 1) / row_bytes + 1); ++row) {
      if (std::memcmp(a + row * row_bytes, b + row * row_bytes, row_bytes) != 0) function(row);
    }
  };
  std::size_t at = 0;
  for (; at + block <= bytes; at += block) {
    ahead(at);
    if (std::memcmp(a + at, b + at, block) != 0) look(at, at + block);
  }
  if (at != bytes && std::memcmp(a + at, b + at, bytes - at) != 0) look(at, bytes);
}

}  // namespace stoa::delta
