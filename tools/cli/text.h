// Texts of entities, numbers of things and hashes, and those that stand for values where it matters which are the same.
#pragma once

#include <stoa/entity.h>
#include <stoa/schema_model.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stoa::cli {

/// "12:1", as a cell holds an entity.
[[nodiscard]] std::string entity_text(Entity entity);

/// "segment" of one, "segments" of none and of more.
[[nodiscard]] std::string_view noun_for(std::uint64_t count, std::string_view one, std::string_view more);

/// 32 hexadecimal digits, the high word first.
[[nodiscard]] std::string hash_text(const std::array<std::uint64_t, 2>& hash);

/// The value's text as a cell has it, so that different values have different texts, as the unique rules tell them
/// apart: behind "nan" stand the bits of one that the text alone would not read back as.
[[nodiscard]] std::string exact_text(const SchemaModel& schema, const FieldModel& field, const Value& value);

/// Appends one of the texts that stand together for a value of `count` parts. A single one is the value's text as it
/// is; of several each has its length before it, so that different values have different texts.
void append_part(std::string& value, std::size_t count, std::string_view part);

}  // namespace stoa::cli
