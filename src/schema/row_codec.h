// Rows as bytes, by their table's model: copying, checking what a program hands in, and access by field name. It does
// not own texts (cells borrow) and judges no constraint but, on request, a field's bounds.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <cstdint>
#include <expected>
#include <vector>

namespace stoa::schema {

/// Copies a row and zeroes its padding, so that equal rows are equal bytes but for texts.
///
/// Requires: both are of table.bytes and do not overlap.
void copy_row(const TableModel& table, const void* from, void* to);

/// Rows as copy_row() leaves them: those given where nothing is between their fields, else copies in `room`.
///
/// Lifetime: as `rows`, or until `room` changes.
/// Errors:   throws std::bad_alloc.
[[nodiscard]] const std::byte* canonical_rows(const TableModel& table, const std::byte* rows, std::size_t count,
                                              std::vector<std::byte>& room);

/// The texts of one row together: far below what 32 bits tell, in which an operation's length is kept.
inline constexpr std::uint64_t row_blob_bytes_max = std::uint64_t{1} << 30U;

/// Refuses a row with a bool that is neither 0 nor 1, an enum that is no variant, a text longer than blob_bytes_max, or
/// texts of more than row_blob_bytes_max.
/// With nothing in table.checked and table.blobs every row is right, and the call can be left out.
///
/// Errors:   invalid_argument, too_large, naming table.field.
std::expected<void, Error> check_row(const SchemaModel& schema, const TableModel& table, const void* row);

/// The same for one field, whose bytes are at `cell`.
std::expected<void, Error> check_field(const SchemaModel& schema, const TableModel& table, const FieldModel& field,
                                       const void* cell);

/// Copies one field's bytes and zeroes what is padding within it.
void copy_field(const TableModel& table, const FieldModel& field, const void* from, void* to);

/// True where every element of the cell is within the field's min and max; NaN never is.
[[nodiscard]] bool in_range(const FieldModel& field, const void* cell);

/// Sets one field of a row; see write_value.
///
/// Errors:   invalid_argument, too_large, naming table.field.
/// Lifetime: a text borrows `value`.
std::expected<void, Error> set_field(const SchemaModel& schema, const TableModel& table, const FieldModel& field,
                                     void* row, const Value& value);

/// One field of a row as a value; see read_value.
[[nodiscard]] Value get_field(const SchemaModel& schema, const FieldModel& field, const void* row);

/// A row of zeros and declared defaults.
///
/// Lifetime: texts borrow the schema.
void default_row(const SchemaModel& schema, const TableModel& table, void* row);

}  // namespace stoa::schema
