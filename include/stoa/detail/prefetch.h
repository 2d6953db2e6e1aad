// Asking for memory that is read soon, so that the wait for it passes meanwhile.
#pragma once

#include <algorithm>
#include <cstddef>

namespace stoa::detail {

inline constexpr std::size_t cache_line_bytes = 64;

// Pages that are read as a whole. The hardware sees a page's lines coming, but not the jump to the next page, and takes
// half a microsecond to find the new way. Into the second-level cache: the first has so few lines on their way at a
// time that asking for more makes the core wait.
// Inlined by force: g++ takes a function that only prefetches for one without effect, and drops its calls.

[[gnu::always_inline]] inline void prefetch_page_line(const std::byte* at) noexcept { __builtin_prefetch(at, 0, 2); }

/// `from`: where a line starts.
[[gnu::always_inline]] inline void prefetch_page(const std::byte* from, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += cache_line_bytes) prefetch_page_line(from + at);
}

/// As much of its start as can be asked for at once.
[[gnu::always_inline]] inline void prefetch_page_start(const std::byte* page, std::size_t bytes) noexcept {
  constexpr std::size_t lines_together = 48;
  prefetch_page(page, std::min(bytes, lines_together * cache_line_bytes));
}

}  // namespace stoa::detail
