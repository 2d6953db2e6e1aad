// Whether a value is within its field's min and max, as the library judges it.
#pragma once

#include <stoa/schema_model.h>

namespace stoa::cli {

/// True where the field has no bounds, or every element is within them; NaN never is.
/// Requires: the value's integers have the signedness of the field's type, as parse_value and FieldView give them.
[[nodiscard]] bool is_in_bounds(const FieldModel& field, const Value& value);

}  // namespace stoa::cli
