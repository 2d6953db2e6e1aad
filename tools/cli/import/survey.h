// The first pass over a file: every record is judged by itself, and its keys and references are noted. Not here:
// whether references lead anywhere (settle.h), writing (load.h).
#pragma once

#include <stoa/error.h>

#include <cstdint>
#include <expected>

#include "cli/import/run.h"
#include "csv/reader.h"

namespace stoa::cli {

/// Notes all records of a file and leaves out those that are wrong.
///
/// A unique value belongs to the first record that is right but for its references; a later one with the same is left
/// out, and waits for the case that the first is left out in the end.
///
/// Requires: the reader has read the header; the files before this one are surveyed.
/// Errors:   those of a bad record where the run must stop at it; the reader's own; aborted.
std::expected<void, Error> survey_file(ImportRun& run, std::uint32_t file, csv::Reader& reader);

}  // namespace stoa::cli
