// `stoa import`: CSV files into the tables of a database, as one transaction. Here: the order of its steps.
#pragma once

#include "cli/exit_status.h"
#include "cli/import/options.h"

namespace stoa::cli {

/// Errors go to standard error, what was done to standard output.
ExitStatus run_import(const ImportOptions& options);

}  // namespace stoa::cli
