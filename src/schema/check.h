// The rules that a schema must keep, wherever it comes from. It reports and, for values, normalises; it derives
// nothing.
#pragma once

#include <stoa/detail/schema_draft.h>

#include "schema/mistakes.h"

namespace stoa::schema {

/// Judges enums, structs and the counts and names of everything.
///
/// Returns: true where lay_out() may be called: no struct contains itself.
[[nodiscard]] bool check_definitions(const detail::SchemaDraft& draft, Mistakes& mistakes);

/// Judges tables: sizes, references, keys, defaults and bounds. Defaults and bounds become what get_field would give.
///
/// Requires: the draft is laid out.
void check_tables(detail::SchemaDraft& draft, Mistakes& mistakes);

/// True where `text` is valid UTF-8: what a TOML text can hold.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace stoa::schema
