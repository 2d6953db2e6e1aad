// A field type written out in full: enums and structs by what they are, whatever they are called. Two types are the
// same where these texts are equal.
#pragma once

#include <stoa/schema_model.h>

#include <string>

namespace stoa::schema {

/// As it is in memory: "enum u8 {off=0, on=1}", "struct 12 {f32 x@0, f32 y@4, f32 z@8}[2]". For comparison with a C++
/// type.
/// Puts the variants of enums that C++ describes into the order that a schema has them in.
void order_variants(SchemaModel& described);

[[nodiscard]] std::string memory_form(const SchemaModel& schema, const FieldType& type);

/// As it is stored, on every platform: with the variants' numbers, without offsets. For the schema's hash.
[[nodiscard]] std::string stored_form(const SchemaModel& schema, const FieldType& type);

}  // namespace stoa::schema
