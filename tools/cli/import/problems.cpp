#include "cli/import/problems.h"

#include <algorithm>
#include <utility>

namespace stoa::cli {

std::expected<void, Error> Problems::leave_out(RecordNumber record, Error reason) {
  if (on_error_ == OnError::stop) return std::unexpected(std::move(reason));
  ++count_;
  const auto at = std::ranges::upper_bound(first_, record, {}, &Problem::record);
  if (at == first_.end() && first_.size() == kept_max) return {};
  first_.insert(at, {record, std::move(reason)});
  if (first_.size() > kept_max) first_.pop_back();
  return {};
}

}  // namespace stoa::cli
