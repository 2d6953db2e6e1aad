#include "cli/import/cells.h"

#include <fmt/format.h>
#include <stoa/cell_text.h>

#include "cli/bounds.h"
#include "csv/shown.h"

namespace stoa::cli {

std::expected<Value, Error> parse_cell(const SchemaModel& schema, const FieldModel& field, std::string_view cell) {
  std::expected<Value, Error> value = parse_value(schema, field, cell);
  if (!value) {
    return std::unexpected(Error(value.error().code(), fmt::format("{}: {}", field.name, value.error().reason())));
  }
  if (!is_in_bounds(field, *value)) {
    return std::unexpected(
        Error(ErrorCode::invalid_argument,
              fmt::format("{}: {} is not {}", field.name, csv::shown(cell), format_bounds(schema, field))));
  }
  return value;
}

std::expected<std::string_view, Error> cell_text(const SchemaModel& schema, const FieldModel& field,
                                                 std::string_view cell, std::string& room) {
  if (is_plain_text(field) && cell.size() <= blob_bytes_max) return cell;
  const std::expected<Value, Error> value = parse_cell(schema, field, cell);
  if (!value) return std::unexpected(value.error());
  room = format_value(schema, field, *value);
  return room;
}

}  // namespace stoa::cli
