#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace stoa {
namespace {

class SystemRandom final : public RandomSource {
 public:
  [[nodiscard]] std::uint64_t next() override {
    std::uint64_t value = 0;
    // Up to 256 bytes come whole or not at all, so only a signal (before the pool is ready) is worth a second try.
    while (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
      if (errno != EINTR) std::abort();
    }
    return value;
  }
};

}  // namespace

RandomId RandomSource::next_id() {
  RandomId id;
  while (id == RandomId{}) {
    id.low = next();
    id.high = next();
  }
  return id;
}

RandomSource& system_random() {
  static SystemRandom source;
  return source;
}

// SplitMix64: every seed has the full period.
std::uint64_t SeededRandom::next() {
  std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace stoa
