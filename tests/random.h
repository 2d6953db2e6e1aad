// Random numbers of a test: the same from the same seed.
#pragma once

#include <cstdint>
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

}  // namespace stoa::test
