// Between run-time values and the text of one CSV cell; the grammar is the schema's own.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <expected>
#include <string>
#include <string_view>

namespace stoa::schema {
std::expected<Value, Error> parse_value(const SchemaModel& schema, const FieldModel& field, std::string_view cell);
std::string format_value(const SchemaModel& schema, const FieldModel& field, const Value& value);
}  // namespace stoa::schema

namespace stoa::cli {
using schema::format_value;
using schema::parse_value;
}  // namespace stoa::cli
