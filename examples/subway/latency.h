// How long calls took: a histogram that many threads add to while another reads it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace subway {

class Latency {
  static constexpr std::size_t bucket_count = 61 * 16;  // 16 for each power of two

 public:
  /// Threads: any, at once.
  void add(std::chrono::nanoseconds duration);
  /// Runs the function, adds the time it took, and returns what it returned.
  template <typename Function>
  auto measure(Function&& function) {
    const auto start = std::chrono::steady_clock::now();
    auto out = function();
    add(std::chrono::steady_clock::now() - start);
    return out;
  }

  /// What was added until some moment, or between two.
  class Counts {
   public:
    [[nodiscard]] std::uint64_t count() const;
    /// The duration below which that share of them lies, to about 6 %; 0 where there are none.
    [[nodiscard]] std::chrono::nanoseconds quantile(double share) const;
    /// What was added since `before`, which was taken earlier from the same Latency.
    [[nodiscard]] Counts since(const Counts& before) const;

   private:
    friend class Latency;
    std::array<std::uint64_t, bucket_count> buckets_{};
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::uint64_t count() const { return counts().count(); }
  [[nodiscard]] std::chrono::nanoseconds quantile(double share) const { return counts().quantile(share); }

 private:
  static constexpr std::size_t bucket_of(std::uint64_t nanoseconds);
  static constexpr std::uint64_t bucket_end(std::size_t bucket);

  // relaxed everywhere: statistics; each count is right, though they are not all of one moment
  std::array<std::atomic<std::uint64_t>, bucket_count> buckets_{};
};

}  // namespace subway
