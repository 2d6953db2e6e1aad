// How the rows of each table become bytes, and where these lie in a row. A database has it of all its tables; a delta
// that travels brings it along for those that it names.
#pragma once

#include "schema/row_bytes.h"

#include <stoa/schema_model.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace stoa::schema {

/// Threads: any; immutable once made.
class TableBytes {
 public:
  TableBytes() = default;
  explicit TableBytes(const SchemaModel& schema);

  /// nullptr where it has no such table.
  [[nodiscard]] const RowBytes* find(TableId table) const {
    return to_index(table) < tables_.size() && tables_[to_index(table)] ? &*tables_[to_index(table)] : nullptr;
  }
  /// Requires: it has the table.
  [[nodiscard]] const RowBytes& operator[](TableId table) const { return *tables_[to_index(table)]; }

  /// Appends what is said of the table.
  void encode(TableId table, std::vector<std::byte>& out) const;
  /// Takes what encode() appended off the front of `in`. False where it is cut off, or no table could be so.
  [[nodiscard]] bool decode(std::span<const std::byte>& in);

 private:
  std::vector<std::optional<RowBytes>> tables_;  // by number
};

}  // namespace stoa::schema
