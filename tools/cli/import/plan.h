// Which column of a file is which field of its table, and what follows from that for every row. Made once, before the
// first row. Not here: the rows.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <vector>

#include "cli/import/unique_rules.h"
#include "csv/reader.h"

namespace stoa::cli {

struct ColumnPlan {
  enum class Use : std::uint8_t { ignored, value, reference };
  Use use = Use::ignored;
  const FieldModel* field = nullptr;
  UniqueRule* target = nullptr;  ///< reference: the key of the table that it refers to
  std::string empty_reason;      ///< why a cell may not be empty; nothing where it may
  bool in_rule = false;          ///< some unique rule of the table needs its text
};

/// A field of a rule: the column that it comes from, or the value that all rows of the file have.
struct RulePart {
  static constexpr std::size_t no_column = std::numeric_limits<std::size_t>::max();
  std::size_t column = no_column;
  bool null_never_collides = false;  ///< a reference
  std::string default_text;          ///< of an empty cell, and where there is no column
};

struct RulePlan {
  UniqueRule* rule = nullptr;
  std::vector<RulePart> parts;
};

struct FilePlan {
  const TableModel* table = nullptr;
  std::vector<ColumnPlan> columns;  ///< one for each cell of a record
  std::vector<RulePlan> rules;      ///< the key's first, if there is one
  bool has_key = false;
  std::uint32_t reference_count = 0;  ///< columns that refer
};

/// Requires: the reader has read the header and nothing else.
/// Errors: invalid_argument with the place of the header — a column without a field, unless those are ignored; a
///         reference that no file can hold; a field without a column though every row must have it.
[[nodiscard]] std::expected<FilePlan, Error> plan_file(const SchemaModel& schema, const TableModel& table,
                                                       const csv::Reader& reader, bool ignore_unknown,
                                                       UniqueRules& rules);

}  // namespace stoa::cli
