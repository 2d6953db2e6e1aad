#include "delta/differing_rows.h"

#include "base/testing/seed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

namespace stoa::delta {
namespace {

// Rows of any width, of any number, with any bytes turned: each that differs once and in order, and no other.
TEST(DifferingRows, AreToldOnceEachAndInOrder) {
  std::mt19937_64 random(test::test_seed());
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round != 20'000; ++round) {
    const std::size_t row_bytes = 1 + below(round % 10 == 0 ? 400 : 24);
    const std::size_t count = below(100);
    std::vector<std::byte> a(count * row_bytes);
    for (std::byte& byte : a) byte = static_cast<std::byte>(random());
    std::vector<std::byte> b = a;
    std::set<std::size_t> expected;
    for (std::size_t turned = count == 0 ? 0 : below(4); turned != 0; --turned) {
      const std::size_t at = below(b.size());
      b[at] ^= std::byte{0x10};
    }
    for (std::size_t at = 0; at != a.size(); ++at) {
      if (a[at] != b[at]) expected.insert(at / row_bytes);
    }
    std::vector<std::size_t> told;
    std::size_t next_ahead = 0;
    for_each_differing_row(
        a.data(), b.data(), count, row_bytes,
        [&](std::size_t at) {
          EXPECT_EQ(at, next_ahead);
          next_ahead += 64;
        },
        [&](std::size_t row) { told.push_back(row); });
    ASSERT_EQ(told, std::vector(expected.begin(), expected.end())) << count << " rows of " << row_bytes;
  }
}

}  // namespace
}  // namespace stoa::delta
