// Random numbers of a test: the same from the same seed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace stoa::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}
  [[nodiscard]] std::uint64_t below(std::uint64_t end) { return bits_() % end; }
  [[nodiscard]] bool chance(std::uint64_t percent) { return below(100) < percent; }

 private:
  std::mt19937_64 bits_;
};

/// STOA_TEST_SEED, or else `otherwise`; printed either way.
[[nodiscard]] inline std::uint64_t given_seed(std::uint64_t otherwise) {
  const char* const given = std::getenv("STOA_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : otherwise;
  std::cout << "STOA_TEST_SEED=" << seed << "\n";
  return seed;
}

}  // namespace stoa::test
