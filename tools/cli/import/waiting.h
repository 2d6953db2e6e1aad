// The rows that are left out for no other reason than that another row of the run has their values. Should that one
// fall in the end, they may have them.
#pragma once

#include <stoa/error.h>

#include <cstdint>
#include <expected>
#include <functional>
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

/// Each waits for one value at a time, in a queue of all that wait for it: when its holder falls the first of them that
/// can takes it, and the queue waits for that one, however long it is.
class WaitingRows {
 public:
  /// A record is left out because another one has this value of a rule. `values` are its values by rule.
  void add(RecordNumber record, const UniqueRule& rule, std::uint32_t value, std::span<const std::uint32_t> values);

  /// The record is left out from now on: of the rows that wait for its values, those get theirs that are the first, and
  /// are in again; who wants another value besides, which is taken, waits for that. Appends those that are in.
  void wake(ImportRun& run, RecordNumber holder, std::vector<RecordNumber>& woken);

  /// Those that are left count as problems, each with who has its value in the end. Errors: none where rows may be left
  /// out, and else nobody waits.
  std::expected<void, Error> give_up(ImportRun& run);

 private:
  static constexpr std::uint32_t nobody = 0xFFFF'FFFF;
  struct Waiting {
    RecordNumber record;
    std::uint32_t next = nobody;  ///< in its queue
    bool is_in = false;           ///< it waits no more
    std::size_t values_at = 0;
  };
  struct Wanted {
    const UniqueRule* rule = nullptr;
    std::uint32_t value = 0;
    friend bool operator==(const Wanted&, const Wanted&) = default;
    [[nodiscard]] const Holder& holder() const { return rule->holders[value]; }
  };
  struct HashWanted {
    std::size_t operator()(const Wanted& wanted) const {
      return std::hash<const void*>()(wanted.rule) * 31 + std::size_t{wanted.value} * 0x9E37'79B9'7F4A'7C15U;
    }
  };
  struct Queue {
    std::uint32_t first = nobody;
    std::uint32_t last = nobody;
  };

  static std::uint64_t key_of(RecordNumber record) { return std::uint64_t{record.file} << 32U | record.record; }
  void enqueue(std::uint32_t at, const Wanted& wanted);
  void hand_on(ImportRun& run, const Wanted& wanted, std::vector<RecordNumber>& woken);
  /// The first of the row's values that somebody has; no rule where it may have them all.
  [[nodiscard]] Wanted find_taken(const ImportRun& run, const Waiting& row) const;
  void take_values(ImportRun& run, Waiting& row);

  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> values_;
  std::unordered_map<Wanted, Queue, HashWanted> queues_;
  std::unordered_map<std::uint64_t, std::vector<Wanted>> wanted_;  // by record: those of its values that have a queue
};

}  // namespace stoa::cli
