#include "schema/table_bytes.h"

#include "base/varint.h"

#include <stoa/text.h>

#include <cstdint>
#include <utility>

namespace stoa::schema {
namespace {

using Piece = RowBytes::Piece;

// Within the row.
bool take_piece(std::span<const std::byte>& in, std::uint32_t row_bytes, Piece& piece) {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  if (!take_varint(in, offset) || !take_varint(in, bytes) || offset > row_bytes) return false;
  const std::uint64_t room = row_bytes - offset;
  if (bytes == 0 ? room < sizeof(detail::TextCell) : room < bytes) return false;
  piece = {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(bytes)};
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
  for (const std::uint16_t field : row.all()) {
    const auto pieces = row.pieces(field);
    put_varint(out, pieces.size());
    for (const Piece& piece : pieces) {
      put_varint(out, piece.offset);
      put_varint(out, piece.bytes);
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
  for (; field_count != 0; --field_count) {
    std::uint64_t count = 0;
    if (!take_varint(in, count) || count == 0 || count > in.size()) return false;
    std::vector<Piece>& pieces = fields.emplace_back();
    for (; count != 0; --count) {
      if (!take_piece(in, static_cast<std::uint32_t>(row_bytes), pieces.emplace_back())) return false;
      bytes += pieces.back().bytes == 0 ? sizeof(detail::TextCell) : pieces.back().bytes;
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
