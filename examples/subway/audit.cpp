#include "audit.h"

#include <fmt/core.h>

#include <cmath>
#include <unordered_map>

namespace subway {
namespace {

/// Whether the rows that a train refers to are there, and whether it is in the city.
std::string check_train(const stoa::Snapshot& snapshot, stoa::Entity train, const OnTrip& on_trip,
                        const NextStop& next_stop, const Position& position) {
  constexpr float city_metres = 60'000;
  const Run* run = snapshot.get<Run>(on_trip.run);
  if (run == nullptr) return fmt::format("train {} is on a run that is gone", train.index());
  if (run->train != train) return fmt::format("train {} is not the train of its run", train.index());
  if (run->trip != on_trip.trip) return fmt::format("train {} is on another trip than its run", train.index());
  if (!snapshot.has<Trip>(on_trip.trip)) return fmt::format("train {} is on a trip that is gone", train.index());
  if (!snapshot.has<Stop>(next_stop.stop)) return fmt::format("train {} comes to a stop that is gone", train.index());
  if (!(std::hypot(position.x, position.y) < city_metres)) {
    return fmt::format("train {} is at ({}, {})", train.index(), position.x, position.y);
  }
  return {};
}

}  // namespace

TrainCount count_trains(const stoa::Snapshot& snapshot) {
  TrainCount out;
  if (const Network* network = snapshot.get<Network>(find_network(snapshot))) out.clock = network->clock;
  snapshot.each<OnTrip>([&](stoa::Entity, const OnTrip& on_trip) {
    ++out.in_service;
    const Run* run = snapshot.get<Run>(on_trip.run);
    if (run != nullptr && run->ends <= out.clock) ++out.late;
  });
  snapshot.each<Cancellation>([&](stoa::Entity, const Cancellation& cancellation) {
    if (cancellation.starts <= out.clock && out.clock < cancellation.ends) ++out.cancelled;
  });
  return out;
}

std::string check_trains(const stoa::Snapshot& snapshot, const Timetable& timetable) {
  const Network* network = snapshot.get<Network>(find_network(snapshot));
  if (network == nullptr) return "the network's row is gone";

  std::string wrong;
  std::size_t whole = 0;
  snapshot.each<OnTrip, NextStop, Position, Velocity, Progress, Load>(
      [&](stoa::Entity train, const OnTrip& on_trip, const NextStop& next_stop, const Position& position,
          const Velocity&, const Progress&, const Load&) {
        ++whole;
        if (wrong.empty()) wrong = check_train(snapshot, train, on_trip, next_stop, position);
      });
  if (!wrong.empty()) return wrong;

  const TrainCount trains = count_trains(snapshot);
  if (whole != trains.in_service) return fmt::format("{} of {} trains are whole", whole, trains.in_service);
  if (trains.in_service != network->trains) {
    return fmt::format("{} trains, and the network's row says {}", trains.in_service, network->trains);
  }
  if (const std::size_t cancelled = snapshot.count<Cancellation>(); cancelled != network->cancelled) {
    return fmt::format("{} cancellations, and the network's row says {}", cancelled, network->cancelled);
  }
  if (const std::size_t planned = timetable.in_service(trains.clock); trains.by_timetable() != planned) {
    return fmt::format("{} trains in service - {} late + {} cancelled at {}, and the timetable says {}",
                       trains.in_service, trains.late, trains.cancelled, to_clock(trains.clock), planned);
  }
  return {};
}

std::string check_riders(const stoa::Snapshot& snapshot) {
  const Network* network = snapshot.get<Network>(find_network(snapshot));
  if (network == nullptr) return "the network's row is gone";

  std::unordered_map<stoa::Entity, std::uint32_t> aboard;
  std::uint64_t riders = 0;
  snapshot.each<Party>([&](stoa::Entity, const Party& party) {
    aboard[party.train] += party.riders;
    riders += party.riders;
  });
  if (riders != network->riders) {
    return fmt::format("{} riders in parties, and the network's row says {}", riders, network->riders);
  }
  std::string wrong;
  std::size_t trains_with_riders = 0;
  snapshot.each<Load>([&](stoa::Entity train, const Load& load) {
    const auto found = aboard.find(train);
    const std::uint32_t counted = found == aboard.end() ? 0 : found->second;
    trains_with_riders += counted != 0;
    if (counted != load.riders) {
      wrong = fmt::format("train {} has {} riders, and its load says {}", train.index(), counted, load.riders);
    }
  });
  if (!wrong.empty()) return wrong;
  if (trains_with_riders != aboard.size()) return "a party is on a train that is gone";
  if (const std::size_t fares = snapshot.count<Fare>(); fares != network->fares) {
    return fmt::format("{} fares, and the network's row says {}", fares, network->fares);
  }
  return {};
}

}  // namespace subway
