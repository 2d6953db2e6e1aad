// What must be true of the world in every snapshot, because only whole transactions are in it.
#pragma once

#include "timetable.h"
#include "world.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace subway {

/// The trains of one snapshot, counted from its rows.
struct TrainCount {
  Seconds clock = 0;
  std::size_t in_service = 0;
  std::size_t late = 0;       ///< of these, past the end that the timetable has for their trip
  std::size_t cancelled = 0;  ///< not in service, though by the timetable they would be

  /// What the timetable should say of that moment, if no train was lost and none came from nowhere.
  [[nodiscard]] std::size_t by_timetable() const { return in_service - late + cancelled; }
};

[[nodiscard]] TrainCount count_trains(const stoa::Snapshot& snapshot);

/// Checks the trains: their number is the network's and the timetable's, every reference resolves, each train is on the
/// map. Returns the first thing that is wrong; empty where all is right.
[[nodiscard]] std::string check_trains(const stoa::Snapshot& snapshot, const Timetable& timetable);

/// Checks the riders: those of the parties are those of their trains and of the network, and the fares are as many as
/// the network has counted.
[[nodiscard]] std::string check_riders(const stoa::Snapshot& snapshot);

}  // namespace subway
