// One cell of a record, judged by its field. Not here: what a record's cells mean together.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <expected>
#include <string>
#include <string_view>

namespace stoa::cli {

/// True where a cell is the value as it stands, and none but its length can be wrong with it.
[[nodiscard]] inline bool is_plain_text(const FieldModel& field) {
  return field.type.kind == FieldKind::text && field.type.extent == 0;
}

/// The value of a cell that is not empty. Errors: invalid_argument, too_large, naming the field; without a place.
[[nodiscard]] std::expected<Value, Error> parse_cell(const SchemaModel& schema, const FieldModel& field,
                                                     std::string_view cell);

/// The one text that stands for a cell's value: equal values have equal texts. `room` holds it where it is not the cell
/// itself. Errors: as above.
[[nodiscard]] std::expected<std::string_view, Error> cell_text(const SchemaModel& schema, const FieldModel& field,
                                                               std::string_view cell, std::string& room);

}  // namespace stoa::cli
