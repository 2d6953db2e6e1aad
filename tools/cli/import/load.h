// The second pass: the rows that are good become entities. Not here: which these are.
#pragma once

#include <stoa/error.h>
#include <stoa/writer.h>

#include <cstdint>
#include <expected>

#include "cli/import/run.h"
#include "csv/reader.h"

namespace stoa::cli {

/// Inserts a row for each record of a file that is not left out.
///
/// Requires: the run is settled; the reader has read the header.
/// Errors:   the reader's; aborted; conflict — the file is not what the first pass saw.
std::expected<void, Error> load_file(ImportRun& run, std::uint32_t file, csv::Reader& reader, Writer& writer);

}  // namespace stoa::cli
