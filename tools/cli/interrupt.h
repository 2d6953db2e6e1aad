// Ctrl-C and SIGTERM, while something must be cleaned up before the program goes.
#pragma once

#include <stoa/error.h>

namespace stoa::cli {

/// From here on the two signals are noted instead of ending the program; one that is ignored stays so.
void catch_interrupts();
[[nodiscard]] bool interrupted();
[[nodiscard]] Error interrupted_error();
/// Ends the program by the signal that was noted; returns where none was.
void end_if_interrupted();

}  // namespace stoa::cli
