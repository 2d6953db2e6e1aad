// Text as CSV (RFC 4180), as csv::Reader reads it back. Not here: how a field's value becomes text.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace stoa::csv {

/// Appends one cell, in quotes only where it needs them. The commas between cells are the caller's.
///
/// The text is written as it is: one that is not UTF-8 or holds a NUL byte makes a record that the Reader refuses.
void append_cell(std::string& out, std::string_view cell);

/// Appends a record of at least one cell and its line break, "\n". A single empty cell is written as "", for an empty
/// line is no record.
void append_record(std::string& out, std::span<const std::string_view> cells);

}  // namespace stoa::csv
