// For tests: where the seed of a random test comes from.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace stoa::test {

/// From the environment, or new; printed either way.
[[nodiscard]] inline std::uint64_t test_seed() {
  const char* given = std::getenv("STOA_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  std::cout << "STOA_TEST_SEED=" << seed << "\n";
  return seed;
}

}  // namespace stoa::test
