// The tables of the world as C++ structs, field by field as in schema.toml, and how a world is opened.
#pragma once

#include <stoa/stoa.h>

#include <cstdint>
#include <expected>
#include <filesystem>

namespace subway {

/// Seconds since the service day began; a day has more than 24 hours.
using Seconds = std::uint32_t;

// The timetable. Members have the names of the feed's columns.

struct Service {
  stoa::Text service_id;
  bool monday, tuesday, wednesday, thursday, friday, saturday, sunday;
  std::uint32_t start_date;
  std::uint32_t end_date;
};
BOOST_DESCRIBE_STRUCT(Service, (),
                      (service_id, monday, tuesday, wednesday, thursday, friday, saturday, sunday, start_date,
                       end_date))

struct ServiceException {
  stoa::Entity service_id;
  std::uint32_t date;
  std::uint8_t exception_type;
};
BOOST_DESCRIBE_STRUCT(ServiceException, (), (service_id, date, exception_type))

struct ShapePoint {
  stoa::Entity shape_id;
  std::uint32_t shape_pt_sequence;
  double shape_pt_lat;
  double shape_pt_lon;
};
BOOST_DESCRIBE_STRUCT(ShapePoint, (), (shape_id, shape_pt_sequence, shape_pt_lat, shape_pt_lon))

struct Stop {
  stoa::Text stop_id;
  stoa::Text stop_name;
  double stop_lat;
  double stop_lon;
  std::uint8_t location_type;
  stoa::Entity parent_station;
};
BOOST_DESCRIBE_STRUCT(Stop, (), (stop_id, stop_name, stop_lat, stop_lon, location_type, parent_station))

struct Trip {
  stoa::Entity route_id;
  stoa::Text trip_id;
  stoa::Entity service_id;
  stoa::Text trip_headsign;
  std::uint8_t direction_id;
  stoa::Entity shape_id;
};
BOOST_DESCRIBE_STRUCT(Trip, (), (route_id, trip_id, service_id, trip_headsign, direction_id, shape_id))

struct StopTime {
  stoa::Entity trip_id;
  stoa::Entity stop_id;
  stoa::Text arrival_time;
  stoa::Text departure_time;
  std::uint32_t stop_sequence;
};
BOOST_DESCRIBE_STRUCT(StopTime, (), (trip_id, stop_id, arrival_time, departure_time, stop_sequence))

// The live day.

struct Network {
  Seconds clock;
  std::uint32_t trains;
  std::uint32_t cancelled;
  std::uint32_t riders;
  std::uint64_t fares;
};
BOOST_DESCRIBE_STRUCT(Network, (), (clock, trains, cancelled, riders, fares))

struct Run {
  stoa::Entity trip;
  stoa::Entity train;
  Seconds starts;
  Seconds ends;
};
BOOST_DESCRIBE_STRUCT(Run, (), (trip, train, starts, ends))

struct Cancellation {
  stoa::Entity trip;
  Seconds starts;
  Seconds ends;
};
BOOST_DESCRIBE_STRUCT(Cancellation, (), (trip, starts, ends))

struct OnTrip {
  stoa::Entity trip;
  stoa::Entity run;
};
BOOST_DESCRIBE_STRUCT(OnTrip, (), (trip, run))

struct NextStop {
  stoa::Entity stop;
  std::uint32_t call;
};
BOOST_DESCRIBE_STRUCT(NextStop, (), (stop, call))

struct Position {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))

struct Velocity {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y))

struct Progress {
  Seconds at;
};
BOOST_DESCRIBE_STRUCT(Progress, (), (at))

struct Load {
  std::uint32_t riders;
};
BOOST_DESCRIBE_STRUCT(Load, (), (riders))

struct Delay {
  Seconds seconds;
};
BOOST_DESCRIBE_STRUCT(Delay, (), (seconds))

struct Party {
  stoa::Entity train;
  stoa::Entity to;
  std::uint32_t call;
  std::uint32_t riders;
};
BOOST_DESCRIBE_STRUCT(Party, (), (train, to, call, riders))

struct Fare {
  std::uint64_t number;
  stoa::Entity stop;
  std::uint32_t riders;
};
BOOST_DESCRIBE_STRUCT(Fare, (), (number, stop, riders))

inline constexpr std::uint32_t train_riders_max = 2000;  // as schema.toml has it: the database refuses more

/// Opens the world in a folder that `stoa import` made, with the structs above bound to the folder's own schema.
std::expected<stoa::Database, stoa::Error> open_world(const std::filesystem::path& folder, stoa::Durability durability);

/// The entity with the only row of Network; null before the day has begun.
stoa::Entity find_network(const stoa::Snapshot& snapshot);

}  // namespace subway
