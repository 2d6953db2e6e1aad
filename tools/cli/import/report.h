// What an import tells: to people in lines, with --json to programs.
#pragma once

#include <stoa/entity.h>
#include <stoa/error.h>

#include <vector>

#include "cli/exit_status.h"
#include "cli/import/options.h"
#include "cli/import/problems.h"
#include "cli/import/run.h"

namespace stoa::cli {

struct ImportOutcome {
  Version version = 0;
  double seconds = 0;
  Problems problems{OnError::stop};
};

/// The rows left out go to standard error, the first of them one by one; the rest to standard output.
ExitStatus report_success(const ImportOptions& options, const ImportOutcome& outcome,
                          const std::vector<ImportFile>& files);
void report_failure(const ImportOptions& options, const ImportOutcome& outcome, const Error& error);

}  // namespace stoa::cli
