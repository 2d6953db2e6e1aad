// How a command ends: its last output, and the status of the process.
#pragma once

#include <stoa/error.h>

#include "cli/exit_status.h"
#include "cli/output.h"

namespace stoa::cli {

/// Writes what is gathered; `status` unless that fails.
ExitStatus end_command(Output& output, ExitStatus status);

/// The error to standard error, and as {"ok": false, "error": …} to standard output where a program reads it.
ExitStatus end_with_error(const Error& error, bool json = false);

}  // namespace stoa::cli
