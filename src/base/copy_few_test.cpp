#include "base/copy_few.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace stoa {
namespace {

constexpr std::size_t most = 100;
constexpr std::byte untouched{0xEE};

TEST(CopyFew, CopiesAnyLengthAndNothingBesideIt) {
  std::array<std::byte, most> from;
  for (std::size_t i = 0; i != most; ++i) from[i] = static_cast<std::byte>(i + 1);
  for (std::size_t bytes = 0; bytes <= most; ++bytes) {
    for (std::size_t at = 0; at != 8; ++at) {
      std::array<std::byte, most + 16> to;
      to.fill(untouched);
      copy_few(to.data() + at, from.data(), bytes);
      EXPECT_TRUE(std::equal(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(bytes), to.data() + at)) << bytes;
      EXPECT_TRUE(std::all_of(to.data(), to.data() + at, [](std::byte b) { return b == untouched; })) << bytes;
      EXPECT_TRUE(std::all_of(to.data() + at + bytes, to.data() + to.size(), [](std::byte b) {
        return b == untouched;
      })) << bytes;
    }
  }
}

TEST(CopyFew, LooksAtNoAddressWhereThereIsNothingToCopy) { copy_few(nullptr, nullptr, 0); }

}  // namespace
}  // namespace stoa
