#include "latency.h"

#include <bit>

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

std::uint64_t Latency::count() const {
  std::uint64_t out = 0;
  for (const auto& bucket : buckets_) out += bucket.load(std::memory_order_relaxed);
  return out;
}

std::chrono::nanoseconds Latency::quantile(double share) const {
  const auto rank = static_cast<std::uint64_t>(static_cast<double>(count()) * share);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket].load(std::memory_order_relaxed);
    if (seen > rank) return std::chrono::nanoseconds(bucket_end(bucket));
  }
  return {};
}

}  // namespace subway
