// A row as bytes that do not depend on its layout: the fields in the order of their numbers, little-endian, texts by
// length and content, no padding. What logs, deltas and hashes are made of.
#pragma once

#include <stoa/schema_model.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stoa::schema {

/// Prepared once for a table. Threads: any; immutable.
class RowBytes {
 public:
  explicit RowBytes(const TableModel& table);

  /// Appends the row's bytes.
  void encode(const std::byte* row, std::vector<std::byte>& out) const;
  /// Appends one field's bytes.
  void encode_field(FieldId field, const std::byte* row, std::vector<std::byte>& out) const;

  /// Fills a row of zeros from the front of `in`, which is advanced. False where `in` is too short or a text too long;
  /// bools and enums are not checked.
  /// Lifetime: texts borrow `in`.
  [[nodiscard]] bool decode(std::span<const std::byte>& in, std::byte* row) const;
  [[nodiscard]] bool decode_field(FieldId field, std::span<const std::byte>& in, std::byte* row) const;

  [[nodiscard]] std::size_t field_count() const { return first_piece_.size() - 1; }

 private:
  struct Piece {
    std::uint32_t offset;
    std::uint32_t bytes;  // 0: a text
  };
  [[nodiscard]] std::span<const Piece> pieces(FieldId field) const {
    const std::size_t at = to_index(field);
    return std::span(pieces_).subspan(first_piece_[at], first_piece_[at + 1] - first_piece_[at]);
  }

  std::vector<Piece> pieces_;             // field by field
  std::vector<std::size_t> first_piece_;  // of each field, by number, and the end
};

}  // namespace stoa::schema
