// Where the seed and the length of a random test come from.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace stoa::test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

/// STOA_TEST_SEED, or new; printed either way.
[[nodiscard]] inline std::uint64_t test_seed() {
  const char* const given = std::getenv("STOA_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  std::cout << "STOA_TEST_SEED=" << seed << "\n";
  return seed;
}

/// STOA_TEST_ROUNDS, or else `otherwise`; with a sanitizer, which makes everything some ten times as slow,
/// `when_sanitized`.
[[nodiscard]] inline std::uint64_t test_rounds(std::uint64_t otherwise, std::uint64_t when_sanitized) {
  const char* const given = std::getenv("STOA_TEST_ROUNDS");
  if (given != nullptr) return std::strtoull(given, nullptr, 0);
  return is_sanitized ? when_sanitized : otherwise;
}

}  // namespace stoa::test
