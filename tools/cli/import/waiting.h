// The rows that are left out for no other reason than that another row of the run has their values. Should that one
// fall in the end, they may have them.
#pragma once

#include <stoa/error.h>

#include <cstdint>
#include <expected>
#include <span>
#include <unordered_map>
#include <vector>

#include "cli/import/plan.h"
#include "cli/import/problems.h"
#include "cli/import/unique_rules.h"

namespace stoa::cli {

struct ImportRun;

/// Why a value is taken: for messages.
[[nodiscard]] Error taken_error(const ImportRun& run, RecordNumber record, const RulePlan& plan, std::uint32_t value);

class WaitingRows {
 public:
  /// A record is left out because `holder` has a value of its own. `values` are its values by rule.
  void add(RecordNumber record, RecordNumber holder, std::span<const std::uint32_t> values);

  /// The record is left out from now on: each row that waits for it, in the order in which they came, gets its values
  /// and is in again, or waits for another that has one of them. Appends those that are in.
  void wake(ImportRun& run, RecordNumber holder, std::vector<RecordNumber>& woken);

  /// Those that are left count as problems, each with who has its value in the end. Errors: none where rows may be left
  /// out, and else nobody waits.
  std::expected<void, Error> give_up(ImportRun& run);

 private:
  static constexpr std::uint32_t nobody = 0xFFFF'FFFF;
  struct Waiting {
    RecordNumber record;
    std::uint32_t next = nobody;  ///< that waits for the same holder
    bool is_in = false;           ///< it waits no more
    std::size_t values_at = 0;
  };
  struct Queue {
    std::uint32_t first = nobody;
    std::uint32_t last = nobody;
  };

  static std::uint64_t key_of(RecordNumber record) { return std::uint64_t{record.file} << 32U | record.record; }
  void enqueue(std::uint32_t at, RecordNumber holder);

  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> values_;
  std::unordered_map<std::uint64_t, Queue> queues_;  // by holder
};

}  // namespace stoa::cli
