#include "database/options.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace stoa::database {
namespace {

constexpr std::size_t segment_bytes_least = std::size_t{4} << 10U;
constexpr std::size_t segment_bytes_most = std::size_t{1} << 40U;

std::unexpected<Error> refuse(std::string_view option, std::string_view rule) {
  return std::unexpected(Error(ErrorCode::invalid_argument, fmt::format("options: {} {}", option, rule)));
}

}  // namespace

std::expected<void, Error> check_options(const Options& options) {
  if (options.durability.interval().count() < 0) return refuse("durability", "has an interval below 0");
  if (options.deadline_default.count() < 0) return refuse("deadline_default", "is below 0");
  if (options.batch_delay < std::chrono::nanoseconds(0) || options.batch_delay > std::chrono::seconds(1)) {
    return refuse("batch_delay", "is not between 0 and 1 s");
  }
  if (options.kept_snapshots_interval.count() < 0) return refuse("kept_snapshots_interval", "is below 0");
  if (options.transaction_bytes_max == 0) return refuse("transaction_bytes_max", "is 0");
  if (options.slab_bytes_first == 0) return refuse("slab_bytes_first", "is 0");
  // So written that what is no number is refused too.
  if (!(options.slab_growth >= 1.0) || !std::isfinite(options.slab_growth)) {
    return refuse("slab_growth", "is not a number from 1 on");
  }
  if (options.slab_bytes_max < options.slab_bytes_first) return refuse("slab_bytes_max", "is below slab_bytes_first");
  if (!(options.compaction_threshold >= 0) || options.compaction_threshold > 1) {
    return refuse("compaction_threshold", "is not between 0 and 1");
  }
  if (options.compaction_budget <= std::chrono::nanoseconds(0) || options.compaction_budget > std::chrono::seconds(1)) {
    return refuse("compaction_budget", "is not above 0, and up to 1 s");
  }
  if (options.segment_bytes_max < segment_bytes_least || options.segment_bytes_max > segment_bytes_most) {
    return refuse("segment_bytes_max", "is not between 4 KiB and 1 TiB");
  }
  return {};
}

}  // namespace stoa::database
