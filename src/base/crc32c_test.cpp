#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace stoa {
namespace {

using Function = std::uint32_t (*)(std::span<const std::byte>, std::uint32_t);

std::vector<Function> implementations() {
  std::vector<Function> all{detail::crc32c_portable, crc32c};
  if (detail::crc32c_has_instruction()) all.push_back(detail::crc32c_instruction);
  return all;
}

// RFC 3720, B.4, and the check value of the CRC catalogues.
TEST(Crc32c, GivesThePublishedVectors) {
  std::vector<std::byte> rising(32);
  for (std::size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<std::byte>(i);
  const std::vector<std::byte> falling(rising.rbegin(), rising.rend());
  for (const Function crc : implementations()) {
    EXPECT_EQ(crc({}, 0), 0U);
    EXPECT_EQ(crc(std::as_bytes(std::span(std::string_view("123456789"))), 0), 0xE3069283U);
    EXPECT_EQ(crc(std::vector<std::byte>(32), 0), 0x8A9136AAU);
    EXPECT_EQ(crc(std::vector<std::byte>(32, std::byte{0xFF}), 0), 0x62A8AB43U);
    EXPECT_EQ(crc(rising, 0), 0x46DD794EU);
    EXPECT_EQ(crc(falling, 0), 0x113FDB5CU);
  }
}

TEST(Crc32c, ImplementationsAgreeAtEveryLengthAlignmentAndSplit) {
  std::mt19937_64 random(7);
  std::vector<std::byte> bytes(300);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t length = 0; from + length <= bytes.size(); ++length) {
      const auto piece = std::span(bytes).subspan(from, length);
      const std::uint32_t expected = detail::crc32c_portable(piece, 0);
      const std::size_t split = length == 0 ? 0 : random() % length;
      for (const Function crc : implementations()) {
        ASSERT_EQ(crc(piece, 0), expected) << "from " << from << " length " << length;
        ASSERT_EQ(crc(piece.subspan(split), crc(piece.first(split), 0)), expected) << "split at " << split;
      }
    }
  }
}

}  // namespace
}  // namespace stoa
