// A row's fields as CSV cells hold them: a reference as the key of what it refers to. Not here: quotes and commas.
#pragma once

#include <stoa/cell_text.h>
#include <stoa/row.h>
#include <stoa/snapshot.h>

#include <string>

#include "cli/text.h"

namespace stoa::cli {

/// Lifetime: borrows the snapshot.
class CellPrinter {
 public:
  explicit CellPrinter(const Snapshot& snapshot) : snapshot_(snapshot) {}

  /// The key field of the table that the field refers to; nullptr where it is no reference or the table has no key.
  [[nodiscard]] const FieldModel* target_key(const FieldModel& field) const;

  /// The key's value of the row that `target` has in the field's referenced table; null where it is null, or has none.
  /// Requires: target_key(field).
  [[nodiscard]] Value key_of(const FieldModel& field, Entity target) const;

  /// Nothing for null. A reference to a table without key is index:generation.
  [[nodiscard]] std::string text(const FieldView& cell) const { return printed(cell, format_value); }
  /// The same, but as exact_text() has it: different values have different texts.
  [[nodiscard]] std::string exact(const FieldView& cell) const { return printed(cell, exact_text); }

 private:
  using Print = std::string(const SchemaModel& schema, const FieldModel& field, const Value& value);
  [[nodiscard]] std::string printed(const FieldView& cell, Print& print) const;

  const Snapshot& snapshot_;
};

}  // namespace stoa::cli
