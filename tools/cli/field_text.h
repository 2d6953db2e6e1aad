// Fields as people read them on a line: name=value, whatever is in the value. Not here: cells that are read again.
#pragma once

#include <stoa/schema_model.h>

#include <cstddef>
#include <string>

namespace stoa::cli {

/// How much of a value's text is shown where not all of it is asked for.
inline constexpr std::size_t shown_bytes_max = 100;
/// How many lines of a kind are shown where not all are asked for.
inline constexpr std::size_t shown_lines_max = 20;

/// Appends the value in one line: texts in quotes, with what a terminal would act on escaped. Different values have
/// different texts, but for what is beyond `bytes_max`, of which is said how much there is.
void append_value_text(std::string& out, const SchemaModel& schema, const FieldModel& field, const Value& value,
                       std::size_t bytes_max);

}  // namespace stoa::cli
