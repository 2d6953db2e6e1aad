// A process that lives the day is killed in the middle of it, and the world is opened again.
#pragma once

#include "report.h"
#include "timetable.h"

#include <filesystem>

namespace subway {

struct CrashOptions {
  std::filesystem::path world;
  std::filesystem::path receipts;
  double speed = 1;
};

/// Starts this program again as the process that will be killed, kills it, and checks that everything that it was told
/// is committed is in the world when it is opened again, and nothing by halves. Requires: the world is not open.
void check_crash(const CrashOptions& options, const Timetable& timetable, int round, Report& report);

/// What that process does: goes on with the day, every commit synced, and leaves a receipt for each fare, until it is
/// killed. Returns an exit status if something failed before.
int live_until_killed(const CrashOptions& options, std::chrono::year_month_day date);

}  // namespace subway
