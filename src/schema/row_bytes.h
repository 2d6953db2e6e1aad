// A row as bytes that do not depend on its layout: the fields in the order of their numbers, little-endian, texts by
// length and content, no padding. What logs, deltas and hashes are made of.
#pragma once

#include <stoa/schema_model.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace stoa::schema {

/// Prepared once for a table. Threads: any; immutable.
class RowBytes {
 public:
  /// A part of a row that is stored as it lies there, or a text.
  struct Piece {
    std::uint32_t offset;
    std::uint32_t bytes;  ///< 0: a text, whose cell is there
    friend bool operator==(const Piece&, const Piece&) = default;
  };
  /// By their numbers, in the order in which their bytes come.
  using Fields = std::span<const std::uint16_t>;

  explicit RowBytes(const TableModel& table);
  /// Of a table that is known by the pieces of its fields only.
  RowBytes(std::span<const std::vector<Piece>> fields, std::uint32_t row_bytes);

  [[nodiscard]] std::uint32_t row_bytes() const { return row_bytes_; }
  [[nodiscard]] std::uint32_t field_count() const { return static_cast<std::uint32_t>(by_number_.size()); }
  /// All fields, in the order of their numbers.
  [[nodiscard]] Fields all() const { return by_number_; }
  /// All fields, as they lie in the row.
  [[nodiscard]] Fields by_place() const { return by_place_; }
  [[nodiscard]] std::span<const Piece> pieces(std::uint16_t field) const {
    return std::span(pieces_).subspan(first_piece_[field], first_piece_[field + 1U] - first_piece_[field]);
  }
  /// What the fields' bytes come to, where it is the same for every row: where none of them has a text.
  [[nodiscard]] std::optional<std::size_t> fixed_bytes(Fields fields) const;
  /// Whether the bytes of all fields are the row as it lies in memory.
  [[nodiscard]] bool are_the_row() const { return are_the_row_; }

  /// Appends the fields' bytes.
  void encode(Fields fields, const std::byte* row, std::vector<std::byte>& out) const;
  /// The same of all fields, faster.
  void encode_row(const std::byte* row, std::vector<std::byte>& out) const;
  /// The same of so many rows side by side.
  void encode_rows(const std::byte* first, std::size_t count, std::vector<std::byte>& out) const;
  /// Fills the fields in a row from the front of `in`, which is advanced. False where `in` is too short or a text too
  /// long; bools and enums are not checked.
  /// Lifetime: texts borrow `in`.
  [[nodiscard]] bool decode(Fields fields, std::span<const std::byte>& in, std::byte* row) const;
  /// The same, and fills nothing.
  [[nodiscard]] bool skip(Fields fields, std::span<const std::byte>& in) const;

 private:
  void find_out();

  std::uint32_t row_bytes_;
  std::vector<Piece> pieces_;             // field by field
  std::vector<std::size_t> first_piece_;  // of each field, by number, and the end
  std::vector<std::uint16_t> by_number_;
  std::vector<std::uint16_t> by_place_;
  bool are_the_row_ = false;
  std::vector<Piece> row_pieces_;  // all fields in the order of their numbers, as few as they lie in; none with texts
};

/// Takes a text's bytes, which its length leads, off the front of `in`. False where `in` is too short or it is too
/// long.
[[nodiscard]] bool take_text(std::span<const std::byte>& in, std::span<const std::byte>& text);

}  // namespace stoa::schema
