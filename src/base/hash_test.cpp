#include "base/hash.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

namespace stoa {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// The reference vectors of XXH3 for no input: a change here changes every schema's hash.
TEST(Hash, OfNothingIsTheReferenceValue) {
  EXPECT_EQ(hash128({}), (Hash128{0x6001c324468d497fU, 0x99aa06d3014798d8U}));
  EXPECT_EQ(hash64({}), 0x2d06800538d394c2U);
}

TEST(Hash, DependsOnEveryByteAndOnTheSeed) {
  EXPECT_NE(hash128(bytes_of("stoa")), hash128(bytes_of("stob")));
  EXPECT_NE(hash64(bytes_of("stoa")), hash64(bytes_of("stoa"), 1));
}

}  // namespace
}  // namespace stoa
