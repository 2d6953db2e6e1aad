// One day of the timetable: which trips run on a date, when they call where, and where on the map a train that keeps to
// it is at any moment. Read once from a snapshot; it knows nothing of the live world.
#pragma once

#include "track.h"
#include "world.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace subway {

/// A trip's stop: which platform, when, and how far along the track.
struct Call {
  stoa::Entity stop;
  Seconds arrives = 0;
  Seconds departs = 0;
  double metres = 0;
};

struct PlannedTrip {
  stoa::Entity trip;
  Seconds starts = 0;  ///< the first departure
  Seconds ends = 0;    ///< the last arrival: from `starts` to just before `ends` its train is in service
  std::uint32_t first_call = 0;
  std::uint32_t call_count = 0;
  std::uint32_t track = 0;
};

/// Where a train is, and which call it comes to next.
struct Moment {
  Position position;
  Velocity velocity;
  std::uint32_t next_call;
};

/// Threads: any number; immutable.
class Timetable {
 public:
  /// Errors: invalid_argument, if a time is not written "HH:MM:SS"; not_found, if nothing runs on that date.
  static std::expected<Timetable, stoa::Error> read(const stoa::Snapshot& snapshot, std::chrono::year_month_day date);

  /// In the order in which they start.
  [[nodiscard]] std::span<const PlannedTrip> trips() const { return trips_; }
  /// nullptr where the trip does not run today.
  [[nodiscard]] const PlannedTrip* find(stoa::Entity trip) const;
  [[nodiscard]] std::span<const Call> calls(const PlannedTrip& trip) const {
    return {calls_.data() + trip.first_call, trip.call_count};
  }

  /// Requires: trip.starts <= at < trip.ends.
  [[nodiscard]] Moment moment(const PlannedTrip& trip, Seconds at) const;

  /// Trains in service at that second.
  [[nodiscard]] std::size_t in_service(Seconds at) const;
  /// The first second of the day with the most trains in service.
  [[nodiscard]] Seconds peak() const;

 private:
  void read_trips(const stoa::Snapshot& snapshot, const std::unordered_set<stoa::Entity>& services);
  std::expected<void, stoa::Error> read_calls(const stoa::Snapshot& snapshot);
  void index_trips();

  std::vector<PlannedTrip> trips_;
  std::vector<Call> calls_;
  std::vector<Track> tracks_;
  std::vector<std::uint32_t> by_entity_;  // from a trip's entity index to its place in trips_
  std::vector<Seconds> ends_;             // sorted
};

/// "08:37:30".
[[nodiscard]] std::string to_clock(Seconds at);

}  // namespace subway
