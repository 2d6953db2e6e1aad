// A row's fields as CSV cells hold them: a reference as the key of what it refers to. Not here: quotes and commas.
#pragma once

#include <stoa/row.h>
#include <stoa/snapshot.h>

#include <string>

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
  [[nodiscard]] std::string text(const FieldView& cell) const;

 private:
  const Snapshot& snapshot_;
};

}  // namespace stoa::cli
