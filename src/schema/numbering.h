// The permanent numbers of tables, fields and enum variants: given, or by the order of the names.
#pragma once

#include <stoa/schema_model.h>

#include "schema/mistakes.h"

namespace stoa::schema {

/// Gives every table, field and variant its number. Within a scope (the tables, one table's fields, one enum's
/// variants) either none is given, or all are and they are 0 to n-1.
void assign_numbers(SchemaModel& schema, Mistakes& mistakes);

}  // namespace stoa::schema
