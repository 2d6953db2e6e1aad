// Texts of what is no field's value.
#pragma once

#include <stoa/entity.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stoa::cli {

/// "12:1", as a cell holds an entity.
[[nodiscard]] std::string entity_text(Entity entity);

/// 32 hexadecimal digits, the high word first.
[[nodiscard]] std::string hash_text(const std::array<std::uint64_t, 2>& hash);

/// Appends one of the texts that stand together for a value of `count` parts. A single one is the value's text as it
/// is; of several each has its length before it, so that different values have different texts.
void append_part(std::string& value, std::size_t count, std::string_view part);

}  // namespace stoa::cli
