// The difference of two roots of one database, in either direction: what of them is the same block is not looked at.
#pragma once

#include "delta/run_writer.h"

#include <stoa/detail/world.h>

namespace stoa::delta {

/// Adds to `out` what leads from `from` to `to`. A root that was never filled has nothing.
/// Floors rise only: of an older `to` they are left out.
/// Errors: throws std::bad_alloc. Threads: any, the roots being pinned.
void diff_roots(const detail::Root& from, const detail::Root& to, RunWriter& out);

}  // namespace stoa::delta
