// The unique rules that a run must keep and the keys that its references name: who holds each value, among the rows of
// the run and those in the database. Not here: which cells make a value (plan.h).
#pragma once

#include <stoa/schema_model.h>
#include <stoa/snapshot.h>

#include <compare>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "cli/text_index.h"

namespace stoa::cli {

/// A record of the run: the number of its file, and its own in the file, from 0, bad ones counted. Ordered as they are
/// read.
struct RecordNumber {
  std::uint32_t file = 0;
  std::uint32_t record = 0;
  friend auto operator<=>(const RecordNumber&, const RecordNumber&) = default;
};

/// Who has a value.
struct Holder {
  enum class Kind : std::uint8_t { none, record, database };
  Kind kind = Kind::none;
  RecordNumber record;  ///< kind record
  Entity entity;        ///< kind database; of a record: null until it is loaded
};

/// One rule: the values in these fields, together, belong to one row of the table.
struct UniqueRule {
  const TableModel* table = nullptr;
  std::vector<const FieldModel*> fields;
  TextIndex values;             ///< as append_part() makes them of the fields' cells
  std::vector<Holder> holders;  ///< by the value's number
};

/// Lifetime: borrows the snapshot and its schema; rules stay where they are.
class UniqueRules {
 public:
  explicit UniqueRules(const Snapshot& snapshot) : snapshot_(snapshot) {}

  /// The rule of these fields, made where it is new.
  UniqueRule& rule(const TableModel& table, std::vector<const FieldModel*> fields);
  [[nodiscard]] std::deque<UniqueRule>& all() { return rules_; }

  /// The number of a value, which is new or known; a new one is looked for in the database.
  std::uint32_t enter(UniqueRule& rule, std::string_view value) const;

  /// Gives back the memory of all values, and of what no reference needs: who holds a key stays known. No enter() after
  /// it.
  void forget_values();

 private:
  [[nodiscard]] bool has_index(const UniqueRule& rule) const;
  void enter_rows_of_database(UniqueRule& rule) const;
  [[nodiscard]] Entity find_in_database(const UniqueRule& rule, std::string_view value) const;

  const Snapshot& snapshot_;
  std::deque<UniqueRule> rules_;
};

}  // namespace stoa::cli
