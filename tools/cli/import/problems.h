// The rows that an import leaves out, and whether it may.
#pragma once

#include <stoa/error.h>

#include <cstdint>
#include <expected>
#include <vector>

#include "cli/import/options.h"

namespace stoa::cli {

class Problems {
 public:
  static constexpr std::size_t kept_max = 20;

  explicit Problems(OnError on_error) : on_error_(on_error) {}

  /// A row is bad, for a reason that names its place. Errors: the same, where the run must stop at it.
  std::expected<void, Error> leave_out(Error reason);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] const std::vector<Error>& first() const { return first_; }

 private:
  OnError on_error_;
  std::uint64_t count_ = 0;
  std::vector<Error> first_;
};

}  // namespace stoa::cli
