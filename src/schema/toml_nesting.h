// How deep the tables and arrays of a TOML text lie in one another, known before they are made: the parser makes, and
// later frees, each dotted part of a name by a call within a call, as many as the text asks for.
#pragma once

#include <stoa/detail/schema_draft.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace stoa::schema {

/// No schema that is right comes near it: a struct's default is a list in a list for each of struct_depth_max structs.
inline constexpr std::uint32_t toml_nesting_max = 256;

/// Where the text first goes deeper than toml_nesting_max: each dot of a name, and each bracket that is open, is a
/// level. Of a text that is no TOML, what is behind its first mistake may be misjudged: the parser does not get there.
///
/// Returns: the place, its column counted in characters; nullopt where the text keeps to the bound.
[[nodiscard]] std::optional<detail::Mark> find_deep_nesting(std::string_view text);

}  // namespace stoa::schema
