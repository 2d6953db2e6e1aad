#include "fuzz/harness.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace stoa::fuzz {

void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: it does not hold that %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void fill_if_zero(std::span<std::byte> field, std::span<const std::byte> right) {
  if (std::ranges::all_of(field, [](std::byte byte) { return byte == std::byte{}; })) {
    std::ranges::copy(right, field.begin());
  }
}

}  // namespace stoa::fuzz
