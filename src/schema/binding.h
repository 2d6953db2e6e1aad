// Whether a C++ type is a table's row, byte for byte.
#pragma once

#include <stoa/detail/schema_draft.h>
#include <stoa/schema_model.h>

#include <string>
#include <vector>

namespace stoa::schema {

/// One line for each difference, with both sides; none where a row may be read as the type.
///
/// Requires: `schema` is laid out and its enums are in the order of their values.
[[nodiscard]] std::vector<std::string> differences(const SchemaModel& schema, const TableModel& table,
                                                   const detail::RowDescription& type);

}  // namespace stoa::schema
