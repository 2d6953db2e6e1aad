// The rows that an import leaves out, and whether it may.
#pragma once

#include <stoa/error.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <vector>

#include "cli/import/options.h"
#include "cli/import/unique_rules.h"

namespace stoa::cli {

/// Counts them all, and keeps the first ones in the order of the files and of their lines: a row may turn out to be bad
/// long after those behind it.
class Problems {
 public:
  static constexpr std::size_t kept_max = 20;

  struct Problem {
    RecordNumber record;
    Error reason;
  };

  explicit Problems(OnError on_error) : on_error_(on_error) {}

  /// A row is bad, for a reason that names its place. Errors: the same, where the run must stop at it.
  std::expected<void, Error> leave_out(RecordNumber record, Error reason);

  [[nodiscard]] bool may_leave_out() const { return on_error_ == OnError::skip; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// At most kept_max, rising.
  [[nodiscard]] const std::vector<Problem>& first() const { return first_; }

 private:
  OnError on_error_;
  std::uint64_t count_ = 0;
  std::vector<Problem> first_;
};

}  // namespace stoa::cli
