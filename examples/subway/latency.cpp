#include "latency.h"

#include <bit>
#include <numeric>

namespace subway {

constexpr std::size_t Latency::bucket_of(std::uint64_t nanoseconds) {
  if (nanoseconds < 16) return nanoseconds;
  const auto log2 = static_cast<std::size_t>(std::bit_width(nanoseconds)) - 1;
  return (log2 - 3) * 16 + ((nanoseconds >> (log2 - 4)) & 15U);
}

constexpr std::uint64_t Latency::bucket_end(std::size_t bucket) {
  if (bucket < 16) return bucket + 1;
  const std::size_t log2 = bucket / 16 + 3;
  return (16 + bucket % 16 + 1) << (log2 - 4);
}

void Latency::add(std::chrono::nanoseconds duration) {
  const auto nanoseconds = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
  buckets_[bucket_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
}

Latency::Counts Latency::counts() const {
  Counts out;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    out.buckets_[bucket] = buckets_[bucket].load(std::memory_order_relaxed);
  }
  return out;
}

std::uint64_t Latency::Counts::count() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), std::uint64_t{0});
}

Latency::Counts Latency::Counts::since(const Counts& before) const {
  Counts out;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    out.buckets_[bucket] = buckets_[bucket] - before.buckets_[bucket];
  }
  return out;
}

std::chrono::nanoseconds Latency::Counts::quantile(double share) const {
  const auto rank = static_cast<std::uint64_t>(static_cast<double>(count()) * share);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    seen += buckets_[bucket];
    if (seen > rank) return std::chrono::nanoseconds(bucket_end(bucket));
  }
  return {};
}

}  // namespace subway
