// The list of what is wrong with a schema, and the one error that reports it.
#pragma once

#include <stoa/detail/schema_draft.h>
#include <stoa/error.h>

#include <vector>

namespace stoa::schema {

using Mistakes = std::vector<detail::Mistake>;

/// A line for each mistake: of a TOML text in the order of their places, `file:line:column: reason`; of C++ in the
/// order in which they were made, `path: reason`; whatever is in names, a mistake is one line. Requires: the list is
/// not empty.
[[nodiscard]] Error to_error(const detail::SchemaDraft& draft, const Mistakes& mistakes);

}  // namespace stoa::schema
