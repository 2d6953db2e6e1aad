// Durations counted in buckets that are at most 1.6 % wide, from 1 ns to half an hour. It is made before the clock
// runs, and takes no memory then.
#pragma once

#include "report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace bench {

namespace detail {

// Durations below 2^7 have buckets of their own; each further power of two is divided into 64.
inline constexpr unsigned steps_log2 = 6;
inline constexpr std::uint64_t ns_max = (std::uint64_t{1} << 41U) - 1;

[[nodiscard]] constexpr std::size_t bucket_of(std::uint64_t ns) {
  const auto bits = static_cast<unsigned>(std::bit_width(ns));
  const unsigned shift = bits > steps_log2 + 1 ? bits - steps_log2 - 1 : 0;
  return (std::size_t{shift} << steps_log2) + (ns >> shift);
}
[[nodiscard]] constexpr std::uint64_t last_of(std::size_t bucket) {
  const std::size_t row = bucket >> steps_log2;
  const std::size_t shift = row == 0 ? 0 : row - 1;
  return ((std::uint64_t{bucket} - (shift << steps_log2) + 1) << shift) - 1;
}

}  // namespace detail

class Histogram {
 public:
  constexpr void add(std::uint64_t ns) {
    ++counts_[detail::bucket_of(std::min(ns, detail::ns_max))];
    ++count_;
    max_ = std::max(max_, ns);
  }
  [[nodiscard]] constexpr std::uint64_t count() const { return count_; }
  [[nodiscard]] constexpr std::uint64_t max() const { return max_; }
  /// So many ns, or up to 1.6 % fewer, are what `share` (above 0, up to 1) of the durations took at most.
  [[nodiscard]] constexpr std::uint64_t quantile(double share) const {
    const auto wanted = static_cast<double>(count_) * share;
    std::uint64_t below = 0;
    for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
      below += counts_[bucket];
      if (below != 0 && static_cast<double>(below) >= wanted) return std::min(detail::last_of(bucket), max_);
    }
    return max_;
  }

  static constexpr std::size_t bucket_count = detail::bucket_of(detail::ns_max) + 1;

 private:
  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

namespace detail {

constexpr bool holds(std::uint64_t ns) {
  const std::uint64_t last = last_of(bucket_of(ns));
  return last >= ns && (last - ns) * 64 <= ns && bucket_of(last) == bucket_of(ns) &&
         bucket_of(last + 1) == bucket_of(ns) + 1;
}
constexpr bool counts_right() {
  for (std::uint64_t ns : {0, 1, 63, 64, 127, 128, 129, 255, 256, 1000, 123'456, 1'000'000'000}) {
    if (!holds(ns)) return false;
  }
  Histogram histogram;
  for (std::uint64_t ns = 1; ns <= 100; ++ns) histogram.add(ns);
  return histogram.quantile(0.5) == 50 && histogram.quantile(0.99) == 99 && histogram.quantile(1) == 100 &&
         histogram.count() == 100 && histogram.max() == 100;
}
static_assert(counts_right());

}  // namespace detail

/// A subject for each share, in per cent: "…: p99"; with 1 the longest.
[[nodiscard]] inline std::vector<Figure> percentiles(const Histogram& histogram, const std::string& subject,
                                                     const std::string& system, std::initializer_list<double> shares) {
  std::vector<Figure> out;
  for (double share : shares) {
    const std::string name = share == 1 ? "max" : fmt::format("p{:g}", share * 100);
    out.push_back({subject + ": " + name, system, "ns", static_cast<double>(histogram.quantile(share))});
  }
  return out;
}

}  // namespace bench
