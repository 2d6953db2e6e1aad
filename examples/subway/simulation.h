// The trains: each tick of the clock is one transaction that moves them all, lets riders off, takes trains out of
// service that have arrived, and puts those into service that now leave.
#pragma once

#include "timetable.h"
#include "world.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <unordered_map>
#include <vector>

namespace subway {

/// Threads: one at a time. The application's other threads write to the same world meanwhile.
class Simulation {
 public:
  /// Goes on with the day that is in the world, or begins it: with a run for each trip that is not over at `begins`.
  static std::expected<Simulation, stoa::Error> begin(stoa::Database& database, const Timetable& timetable,
                                                      Seconds begins);

  /// Moves the world to that time of the day.
  std::expected<stoa::Commit, stoa::Error> tick(Seconds now);

  [[nodiscard]] Seconds clock() const { return clock_; }
  [[nodiscard]] stoa::Entity network() const { return network_; }
  /// The run of each trip of the timetable, in its order; null where the trip was over before the day began.
  [[nodiscard]] const std::vector<stoa::Entity>& runs() const { return runs_; }

 private:
  Simulation(stoa::Database& database, const Timetable& timetable) : database_(&database), timetable_(&timetable) {}
  std::expected<void, stoa::Error> begin_day(Seconds begins);
  void resume(const stoa::Snapshot& snapshot);

  void move_trains(stoa::Writer& writer, Network& network);
  void let_riders_off(stoa::Writer& writer, Network& network);
  void ease_delays(stoa::Writer& writer, Seconds passed);
  std::size_t start_trains(stoa::Writer& writer, Network& network);

  stoa::Database* database_;
  const Timetable* timetable_;
  stoa::Entity network_;
  std::vector<stoa::Entity> runs_;
  Seconds clock_ = 0;
  std::size_t next_start_ = 0;                              // the first trip of the timetable that has not started
  std::unordered_map<stoa::Entity, std::uint32_t> passed_;  // in this tick: trains that passed a stop, and their next
};

}  // namespace subway
