// Transactions that would break the world, and what the database says to them.
#pragma once

#include "report.h"
#include "world.h"

namespace subway {

/// Requires: trains are in service, and nobody else writes.
void check_refusals(stoa::Database& database, Report& report);

}  // namespace subway
