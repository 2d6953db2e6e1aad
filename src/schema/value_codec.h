// Between run-time values and the native bytes of one field. Strict: a value that the field cannot hold exactly is
// refused.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <expected>
#include <string>

namespace stoa::schema {

/// Writes `value` as a cell of `type`. Integers fit or are refused, whichever sign they come with; a floating-point
/// field takes an integer that it represents exactly; f32 rounds a double but never turns a finite one infinite, and of
/// a NaN it takes sign and payload, so that what read_value gave comes back in every bit; an enum takes a variant's
/// name or its value; arrays and structs take a list with exactly their elements; null is for entities.
///
/// Requires: `cell` has the field's bytes; padding inside structs is left alone.
/// Errors:   invalid_argument, too_large; the text is the reason alone, the cell may be written in part.
/// Lifetime: a text or bytes cell borrows `value`.
std::expected<void, Error> write_value(const SchemaModel& schema, const FieldType& type, void* cell,
                                       const Value& value);

/// The inverse: signed and unsigned integers, doubles, a variant's name (its number where it has none), an entity (null
/// where it is null), strings, lists.
[[nodiscard]] Value read_value(const SchemaModel& schema, const FieldType& type, const void* cell);

/// The variant with that value; nullptr where the enum has none. Requires: the schema is complete.
[[nodiscard]] const EnumVariant* find_variant(const EnumModel& model, std::int64_t value);

/// The value of an enum's cell, as EnumVariant::value holds it.
[[nodiscard]] std::int64_t load_enum(FieldKind base, const void* cell);

}  // namespace stoa::schema
