// Numbers that nobody can guess or repeat, injected so that a run can be replayed from a seed. Not for simulations.
#pragma once

#include <cstdint>

namespace stoa {

/// 128 random bits that name one thing for good: a database, a history. All zeros name nothing.
struct RandomId {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const RandomId&, const RandomId&) = default;
};

/// Threads: any, for the system's; one at a time for a seeded one.
class RandomSource {
 public:
  RandomSource() = default;
  RandomSource(const RandomSource&) = delete;
  RandomSource& operator=(const RandomSource&) = delete;
  virtual ~RandomSource() = default;

  [[nodiscard]] virtual std::uint64_t next() = 0;
  [[nodiscard]] RandomId next_id();
};

/// getrandom(2). Never fails once the machine is up; where the kernel refuses, the process ends rather than reuse an
/// id.
[[nodiscard]] RandomSource& system_random();

/// The same seed gives the same numbers on every platform: for replays and tests.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() override;
  void reseed(std::uint64_t seed) { state_ = seed; }

 private:
  std::uint64_t state_;
};

}  // namespace stoa
