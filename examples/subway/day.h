// The live part: the trains, the city and the observers at once, for as long as it is asked for.
#pragma once

#include "report.h"
#include "timetable.h"
#include "world.h"

namespace subway {

struct DayOptions {
  Seconds from = 0;
  Seconds to = 0;
  double speed = 1;  ///< seconds of the day for each second that passes
};

/// Lives that part of the day and shows it, and checks the trains at the busiest second by what is in the world.
void live(stoa::Database& database, const Timetable& timetable, const DayOptions& options, Report& report);

}  // namespace subway
