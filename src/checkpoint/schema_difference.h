// What a folder's schema and one that is given differ in, in words. Not here: whether they may.
#pragma once

#include <stoa/schema_model.h>

#include <string>

namespace stoa::checkpoint {

/// The first difference that the schemas' hashes know of, with its table and field, and what either says there: tables
/// and fields in the order of the folder's. Empty where there is none; indexes are none.
[[nodiscard]] std::string first_difference(const SchemaModel& kept, const SchemaModel& given);

}  // namespace stoa::checkpoint
