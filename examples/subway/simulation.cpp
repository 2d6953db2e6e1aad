#include "simulation.h"

#include <algorithm>
#include <span>

namespace subway {

std::expected<Simulation, stoa::Error> Simulation::begin(stoa::Database& database, const Timetable& timetable,
                                                         Seconds begins) {
  Simulation out(database, timetable);
  if (!find_network(database.snapshot())) {
    if (auto begun = out.begin_day(begins); !begun) return std::unexpected(begun.error());
  }
  out.resume(database.snapshot());
  return out;
}

std::expected<void, stoa::Error> Simulation::begin_day(Seconds begins) {
  std::vector<Run> runs;
  for (const PlannedTrip& trip : timetable_->trips()) {
    if (trip.ends > begins) runs.push_back({.trip = trip.trip, .train = {}, .starts = trip.starts, .ends = trip.ends});
  }
  stoa::Transaction day = database_->begin();
  day.insert(day.create(runs.size()), runs);
  // The clock stands just before the day begins, and the first tick puts the trains that are already under way into
  // service.
  day.insert(day.create(), Network{.clock = begins - 1, .trains = 0, .cancelled = 0, .riders = 0, .fares = 0});
  if (auto done = std::move(day).commit(); !done) return std::unexpected(done.error());
  return {};
}

void Simulation::resume(const stoa::Snapshot& snapshot) {
  network_ = find_network(snapshot);
  clock_ = snapshot.get<Network>(network_)->clock;
  runs_.assign(timetable_->trips().size(), stoa::Entity{});
  bool started = false;
  snapshot.each<Run>([&](stoa::Entity entity, const Run& run) {
    if (const PlannedTrip* trip = timetable_->find(run.trip)) {
      runs_[static_cast<std::size_t>(trip - timetable_->trips().data())] = entity;
    }
    started = started || run.train;
  });
  if (!started) return;
  next_start_ = static_cast<std::size_t>(
      std::ranges::upper_bound(timetable_->trips(), clock_, {}, &PlannedTrip::starts) - timetable_->trips().begin());
}

std::expected<stoa::Commit, stoa::Error> Simulation::tick(Seconds now) {
  std::size_t next_start = next_start_;
  auto done = database_->write([&](stoa::Writer& writer) {
    Network network = *writer.get<Network>(network_);
    const Seconds passed = now - network.clock;
    network.clock = now;
    passed_.clear();
    move_trains(writer, network);
    let_riders_off(writer, network);
    ease_delays(writer, passed);
    next_start = start_trains(writer, network);
    writer.update(network_, network);
  });
  if (done) {
    clock_ = now;
    next_start_ = next_start;
  }
  return done;
}

void Simulation::move_trains(stoa::Writer& writer, Network& network) {
  writer.each<Position, Velocity, Progress, const OnTrip>(
      [&](stoa::Entity train, Position& position, Velocity& velocity, Progress& progress, const OnTrip& on_trip) {
        const PlannedTrip& trip = *timetable_->find(on_trip.trip);
        const Delay* delay = writer.get<Delay>(train);
        // A train that is held stands still until its timetable, moved by the delay, has caught up with it.
        progress.at = std::max(progress.at, network.clock - (delay ? delay->seconds : 0));
        if (progress.at >= trip.ends) {
          --network.trains;
          network.riders -= writer.get<Load>(train)->riders;
          writer.destroy(on_trip.run);  // and with it the train, and with that the parties on it: on_delete = "cascade"
          return;
        }
        const Moment moment = timetable_->moment(trip, progress.at);
        position = moment.position;
        velocity = moment.velocity;
        if (moment.next_call != writer.get<NextStop>(train)->call) {
          writer.update(train, NextStop{timetable_->calls(trip)[moment.next_call].stop, moment.next_call});
          passed_.emplace(train, moment.next_call);
        }
      });
}

void Simulation::let_riders_off(stoa::Writer& writer, Network& network) {
  if (passed_.empty()) return;
  std::unordered_map<stoa::Entity, std::uint32_t> left;
  writer.each<const Party>([&](stoa::Entity entity, const Party& party) {
    const auto train = passed_.find(party.train);
    if (train == passed_.end() || party.call >= train->second) return;
    left[party.train] += party.riders;
    writer.destroy(entity);
  });
  for (const auto& [train, riders] : left) {
    writer.set<&Load::riders>(train, writer.get<Load>(train)->riders - riders);
    network.riders -= riders;
  }
}

void Simulation::ease_delays(stoa::Writer& writer, Seconds passed) {
  writer.each<Delay>([&](stoa::Entity train, Delay& delay) {
    const Seconds made_up = passed / 5;  // drivers make up a fifth
    if (delay.seconds <= made_up) {
      writer.remove<Delay>(train);
    } else {
      delay.seconds -= made_up;
    }
  });
}

std::size_t Simulation::start_trains(stoa::Writer& writer, Network& network) {
  const std::span<const PlannedTrip> trips = timetable_->trips();
  std::size_t next = next_start_;
  for (; next < trips.size() && trips[next].starts <= network.clock; ++next) {
    const PlannedTrip& trip = trips[next];
    const stoa::Entity run = runs_[next];
    if (!writer.alive(run)) continue;  // over before the day began, or cancelled
    if (trip.ends <= network.clock) {
      writer.destroy(run);
      continue;
    }
    const Moment moment = timetable_->moment(trip, network.clock);
    const stoa::Entity train = writer.create();
    writer.insert(train, moment.position)
        .insert(train, moment.velocity)
        .insert(train, Progress{network.clock})
        .insert(train, OnTrip{.trip = trip.trip, .run = run})
        .insert(train, NextStop{timetable_->calls(trip)[moment.next_call].stop, moment.next_call})
        .insert(train, Load{0});
    writer.set<&Run::train>(run, train);
    ++network.trains;
  }
  return next;
}

}  // namespace subway
