// The enums and structs of a finished schema: those that are used, under names of their own, in the order of the names.
#pragma once

#include <stoa/schema_model.h>

namespace stoa::schema {

/// Drops what no table uses; gives definitions that have the same name (C++ types of different namespaces) or that of a
/// built-in type a number behind it, `state_2`, in the order in which the tables' fields use them; sorts both lists.
///
/// Requires: tables and fields are numbered, and tables are in the order of their numbers.
void settle_definitions(SchemaModel& schema);

}  // namespace stoa::schema
