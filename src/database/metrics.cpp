#include <stoa/metrics.h>

#include <cmath>
#include <numeric>

namespace stoa {

std::uint64_t LatencyHistogram::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::chrono::nanoseconds LatencyHistogram::quantile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count())));
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
    below += buckets[bucket];
    if (below != 0 && below >= wanted) return std::chrono::nanoseconds(std::int64_t{1} << bucket);
  }
  return {};
}

}  // namespace stoa
