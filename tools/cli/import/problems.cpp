#include "cli/import/problems.h"

#include <utility>

namespace stoa::cli {

std::expected<void, Error> Problems::leave_out(Error reason) {
  if (on_error_ == OnError::stop) return std::unexpected(std::move(reason));
  ++count_;
  if (first_.size() < kept_max) first_.push_back(std::move(reason));
  return {};
}

}  // namespace stoa::cli
