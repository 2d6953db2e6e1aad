// From a schema.toml to a draft, with the place of everything that is in it. It knows the words of the format; whether
// what they say is right is judged at compilation.
#pragma once

#include <stoa/detail/schema_draft.h>
#include <stoa/error.h>

#include <expected>
#include <string>
#include <string_view>

namespace stoa::schema {

/// What is wrong with what the text says is in the draft's mistakes; what could be read is in its model.
///
/// Errors:   schema_invalid — the text is no TOML, or goes deeper than toml_nesting_max.
[[nodiscard]] std::expected<detail::SchemaDraft, Error> read_toml(std::string_view text, std::string source);

}  // namespace stoa::schema
