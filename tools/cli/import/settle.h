// Between the passes: which references lead nowhere, and which rows go with those that are left out.
#pragma once

#include <stoa/error.h>

#include <expected>

#include "cli/import/run.h"

namespace stoa::cli {

/// Leaves out every record that refers to nothing, or to a record that is left out, until no such record is left. What
/// a record had that is left out, goes to the first of those that wait for it. A record that fell while nobody had the
/// key that it refers to stays out.
/// Linear in the references, however long their chains, and in those that wait.
///
/// Requires: all files are surveyed. Errors: constraint_violation, where the run must stop at the first.
std::expected<void, Error> settle(ImportRun& run);

}  // namespace stoa::cli
