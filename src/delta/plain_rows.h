// Rows of a table whose fields are each a few bytes in one piece: which of them changed is bits of a number then.
#pragma once

#include "schema/row_bytes.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stoa::delta {

/// Prepared once for a table. Threads: any; immutable.
class PlainRows {
 public:
  /// Bit i is for the i-th field as they lie in the row.
  using Fields = std::uint64_t;
  /// That are looked at together, each with a bit of its own.
  static constexpr std::size_t rows_max = 64;

  explicit PlainRows(const schema::RowBytes& row);

  /// Whether the table is one of these; nothing else is to be asked where it is not.
  [[nodiscard]] bool apply() const noexcept { return apply_; }
  [[nodiscard]] Fields changed(const std::byte* before, const std::byte* after) const noexcept;
  /// The same of so many rows that stand side by side, at most rows_max, one by one.
  void changed_each(const std::byte* before, const std::byte* after, std::size_t count, Fields* out) const noexcept;
  /// Of rows that stand side by side, how many from the first one on have the same fields changed: at least 1, and not
  /// always all that do. Requires: there is one.
  [[nodiscard]] std::size_t changed_alike(const std::byte* before, const std::byte* after,
                                          std::size_t count) const noexcept;
  /// Appends those fields of so many rows side by side, row by row.
  void append(Fields fields, const std::byte* first, std::size_t count, std::vector<std::byte>& out) const;
  /// The same of those whose bits are set.
  void append_some(Fields fields, const std::byte* first, std::uint64_t rows, std::vector<std::byte>& out) const;

 private:
  static constexpr std::size_t fields_max = 64;

  template <typename Next>
  void append_each(Fields fields, std::vector<std::byte>& out, Next next) const;

  std::vector<schema::RowBytes::Piece> fields_;  // as they lie in the row
  std::size_t row_bytes_;
  bool apply_ = false;
  bool whole_words_ = false;  // each field is of whole words of 4 bytes
  bool are_the_row_ = false;  // without padding
};

}  // namespace stoa::delta
