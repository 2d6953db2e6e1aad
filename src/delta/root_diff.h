// The difference of two roots of one database, in either direction: what of them is the same block is not looked at.
#pragma once

#include "delta/run_writer.h"

#include <stoa/detail/world.h>

#include <cstdint>
#include <vector>

namespace stoa::delta {

/// Adds to `out` what leads from `from` to `to`. A root that was never filled has nothing.
/// Floors rise only: of an older `to` they are left out.
/// Errors: throws std::bad_alloc. Threads: any, the roots being pinned.
void diff_roots(const detail::Root& from, const detail::Root& to, RunWriter& out);

/// Whether a column of a chunk, which is in both, is left out.
using SkipColumn = bool (*)(const detail::WorldInfo& world, const detail::ChunkStore& from,
                            const detail::ChunkStore& to, std::uint32_t chunk, TableId table);
/// The same without those.
void diff_roots_but(SkipColumn skip, const detail::Root& from, const detail::Root& to, RunWriter& out);

/// Sets `out`, which is empty, to the entities that began, ended, or have or had a row which may be different.
/// Errors, threads: as above.
void list_changed(const detail::Root& from, const detail::Root& to, std::vector<Entity>& out);

}  // namespace stoa::delta
