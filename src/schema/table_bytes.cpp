#include "schema/table_bytes.h"

#include "base/varint.h"

#include <stoa/text.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace stoa::schema {
namespace {

using Piece = RowBytes::Piece;

// A piece is said in one number: whether more of its field follow, whether it says where it begins, and its bytes.
constexpr std::uint64_t more_follow = 1;
constexpr std::uint64_t says_where = 2;
constexpr unsigned flag_bits = 2;

constexpr std::uint32_t cell_bytes = sizeof(detail::TextCell);

std::uint32_t bytes_in_row(const Piece& piece) { return piece.bytes == 0 ? cell_bytes : piece.bytes; }

// Where a piece lies that does not say it: behind the one before, as far as numbers of its size are aligned.
std::uint64_t behind(std::uint64_t end, std::uint64_t bytes) {
  const std::uint64_t alignment = std::min<std::uint64_t>(8, bytes == 0 ? 8 : bytes & (~bytes + 1));
  return (end + alignment - 1) / alignment * alignment;
}

// The next one, within the row. False where there is none.
bool take_piece(std::span<const std::byte>& in, std::uint64_t row_bytes, std::uint64_t end, Piece& piece, bool& more) {
  std::uint64_t said = 0;
  if (!take_varint(in, said)) return false;
  const std::uint64_t bytes = said >> flag_bits;
  std::uint64_t offset = behind(end, bytes);
  if ((said & says_where) != 0) {
    const std::uint64_t unsaid = std::exchange(offset, 0);
    if (!take_varint(in, offset) || offset == unsaid) return false;
  }
  if (offset > row_bytes || (bytes == 0 ? cell_bytes : bytes) > row_bytes - offset) return false;
  piece = {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(bytes)};
  more = (said & more_follow) != 0;
  return true;
}

}  // namespace

TableBytes::TableBytes(const SchemaModel& schema) {
  tables_.reserve(schema.tables.size());
  for (const TableModel& table : schema.tables) tables_.emplace_back(RowBytes(table));
}

void TableBytes::encode(TableId table, std::vector<std::byte>& out) const {
  const RowBytes& row = (*this)[table];
  put_varint(out, to_index(table));
  put_varint(out, row.row_bytes());
  put_varint(out, row.field_count());
  std::uint32_t end = 0;
  for (const std::uint16_t field : row.all()) {
    const auto pieces = row.pieces(field);
    for (const Piece& piece : pieces) {
      const bool elsewhere = piece.offset != behind(end, piece.bytes);
      put_varint(out, std::uint64_t{piece.bytes} << flag_bits | (elsewhere ? says_where : 0) |
                          (&piece != &pieces.back() ? more_follow : 0));
      if (elsewhere) put_varint(out, piece.offset);
      end = piece.offset + bytes_in_row(piece);
    }
  }
}

bool TableBytes::decode(std::span<const std::byte>& in) {
  std::uint64_t table = 0;
  std::uint64_t row_bytes = 0;
  std::uint64_t field_count = 0;
  if (!take_varint(in, table) || table >= table_count_max) return false;
  if (!take_varint(in, row_bytes) || row_bytes > row_bytes_max) return false;
  if (!take_varint(in, field_count) || field_count > field_count_max || (field_count == 0) != (row_bytes == 0)) {
    return false;
  }
  std::vector<std::vector<Piece>> fields;
  std::uint64_t bytes = 0;  // of the row, but for padding
  std::uint64_t end = 0;    // of the piece before
  for (; field_count != 0; --field_count) {
    std::vector<Piece>& pieces = fields.emplace_back();
    for (bool more = true; more;) {
      Piece& piece = pieces.emplace_back();
      if (!take_piece(in, row_bytes, end, piece, more)) return false;
      end = std::uint64_t{piece.offset} + bytes_in_row(piece);
      bytes += bytes_in_row(piece);
    }
  }
  // Padding goes up to a multiple of 8 at most, so no byte of a field brings along more than seven. Rows that are told
  // as they lie in memory then cost no more than eight times what came in.
  if (row_bytes > 8 * bytes) return false;
  if (tables_.size() <= table) tables_.resize(table + 1);
  if (tables_[table]) return false;
  tables_[table].emplace(fields, static_cast<std::uint32_t>(row_bytes));
  return true;
}

}  // namespace stoa::schema
