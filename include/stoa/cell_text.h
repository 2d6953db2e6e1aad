// Between run-time values and the text of one CSV cell, exactly and without a locale. Quoting of cells is CSV's own
// matter; which entity a key names is the importer's.
//
//   bool     true, false; also 1, 0            enum    the variant's name, or its value
//   numbers  decimal; floats also inf, nan     entity  index:generation; nothing is null
//   text     as it is                          bytes   hexadecimal digits, two a byte
//   arrays and structs: the elements, or the fields in order, between semicolons: 1;2;3. A list inside a list is in
//   parentheses: (1;2);(3;4). In a list, a text's characters \ ; ( ) have a backslash before them.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <expected>
#include <string>
#include <string_view>

namespace stoa {

/// The value of a whole cell: no blanks around it, nothing after it.
///
/// Errors:   invalid_argument; the text is the reason alone. An integer out of the field's range is one.
std::expected<Value, Error> parse_value(const SchemaModel& schema, const FieldModel& field, std::string_view cell);

/// The inverse; floats as the shortest text that reads back equal. Requires: `value` is as get_field gives it.
[[nodiscard]] std::string format_value(const SchemaModel& schema, const FieldModel& field, const Value& value);

/// What a field's min and max allow, as in "between 0 and 99", "at least 1"; empty where it has neither.
[[nodiscard]] std::string format_bounds(const SchemaModel& schema, const FieldModel& field);

}  // namespace stoa
