#include "timetable.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace subway {
namespace {

constexpr std::uint32_t no_place = std::numeric_limits<std::uint32_t>::max();

/// "25:10:00" as seconds.
std::optional<Seconds> parse_clock(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto two_digits = [text](std::size_t at) -> std::optional<Seconds> {
    if (text[at] < '0' || text[at] > '9' || text[at + 1] < '0' || text[at + 1] > '9') return std::nullopt;
    return static_cast<Seconds>((text[at] - '0') * 10 + (text[at + 1] - '0'));
  };
  const auto hours = two_digits(0), minutes = two_digits(3), seconds = two_digits(6);
  if (!hours || !minutes || !seconds || *minutes > 59 || *seconds > 59) return std::nullopt;
  return *hours * 3600 + *minutes * 60 + *seconds;
}

/// The services of a date: those whose week has that day, but for the exceptions made for the date.
std::unordered_set<stoa::Entity> services_on(const stoa::Snapshot& snapshot, std::chrono::year_month_day date) {
  const std::uint32_t number = static_cast<std::uint32_t>(static_cast<int>(date.year())) * 10'000 +
                               static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day());
  const unsigned weekday = std::chrono::weekday(date).c_encoding();
  std::unordered_set<stoa::Entity> out;
  snapshot.each<Service>([&](stoa::Entity entity, const Service& service) {
    const bool week[] = {service.sunday,   service.monday, service.tuesday, service.wednesday,
                         service.thursday, service.friday, service.saturday};
    if (week[weekday] && service.start_date <= number && number <= service.end_date) out.insert(entity);
  });
  snapshot.each<ServiceException>([&](stoa::Entity, const ServiceException& exception) {
    if (exception.date != number) return;
    if (exception.exception_type == 1) {
      out.insert(exception.service_id);
    } else {
      out.erase(exception.service_id);
    }
  });
  return out;
}

struct NumberedCall {
  std::uint32_t trip;  // its place in the list of trips
  std::uint32_t sequence;
  Call call;
};

struct NumberedPoint {
  std::uint32_t track;
  std::uint32_t sequence;
  Point point;
};

/// The tracks by number, from the points of the shapes that have one.
std::vector<Track> read_tracks(const stoa::Snapshot& snapshot,
                               const std::unordered_map<stoa::Entity, std::uint32_t>& numbers) {
  std::vector<NumberedPoint> points;
  snapshot.each<ShapePoint>([&](stoa::Entity, const ShapePoint& point) {
    if (const auto number = numbers.find(point.shape_id); number != numbers.end()) {
      points.push_back({number->second, point.shape_pt_sequence, from_degrees(point.shape_pt_lat, point.shape_pt_lon)});
    }
  });
  std::ranges::sort(points, {}, [](const NumberedPoint& point) { return std::pair(point.track, point.sequence); });
  std::vector<std::vector<Point>> lines(numbers.size());
  for (const NumberedPoint& point : points) lines[point.track].push_back(point.point);
  std::vector<Track> out;
  for (std::vector<Point>& line : lines) {
    if (line.empty()) line.push_back({});  // a shape without points: its trains stand at City Hall
    out.emplace_back(std::move(line));
  }
  return out;
}

}  // namespace

std::expected<Timetable, stoa::Error> Timetable::read(const stoa::Snapshot& snapshot,
                                                      std::chrono::year_month_day date) {
  Timetable out;
  out.read_trips(snapshot, services_on(snapshot, date));
  if (out.trips_.empty()) return std::unexpected(stoa::Error::not_found("a trip that runs on that date"));
  if (auto done = out.read_calls(snapshot); !done) return std::unexpected(done.error());
  // A trip that ends where and when it starts is never in service.
  std::erase_if(out.trips_, [](const PlannedTrip& trip) { return trip.starts >= trip.ends; });
  std::ranges::sort(out.trips_, {}, [](const PlannedTrip& trip) { return std::pair(trip.starts, trip.trip); });
  out.index_trips();
  for (const PlannedTrip& trip : out.trips_) out.ends_.push_back(trip.ends);
  std::ranges::sort(out.ends_);
  return out;
}

void Timetable::read_trips(const stoa::Snapshot& snapshot, const std::unordered_set<stoa::Entity>& services) {
  std::unordered_map<stoa::Entity, std::uint32_t> track_numbers;
  snapshot.each<Trip>([&](stoa::Entity entity, const Trip& trip) {
    if (!services.contains(trip.service_id)) return;
    const auto number = track_numbers.try_emplace(trip.shape_id, static_cast<std::uint32_t>(track_numbers.size()));
    trips_.push_back({.trip = entity, .track = number.first->second});
  });
  tracks_ = read_tracks(snapshot, track_numbers);
  index_trips();
}

std::expected<void, stoa::Error> Timetable::read_calls(const stoa::Snapshot& snapshot) {
  std::vector<NumberedCall> numbered;
  std::optional<std::string> bad_time;
  snapshot.each<StopTime>([&](stoa::Entity, const StopTime& time) {
    const PlannedTrip* trip = find(time.trip_id);
    if (trip == nullptr) return;
    const auto arrives = parse_clock(time.arrival_time), departs = parse_clock(time.departure_time);
    if (arrives && departs) {
      numbered.push_back({static_cast<std::uint32_t>(trip - trips_.data()),
                          time.stop_sequence,
                          {.stop = time.stop_id, .arrives = *arrives, .departs = *departs}});
    } else {
      bad_time = (arrives ? time.departure_time : time.arrival_time).str();
    }
  });
  if (bad_time) return std::unexpected(stoa::Error::invalid("the time \"" + *bad_time + "\" of a stop"));
  std::ranges::sort(numbered, {}, [](const NumberedCall& call) { return std::pair(call.trip, call.sequence); });

  calls_.reserve(numbered.size());
  for (auto& [place, sequence, call] : numbered) {
    PlannedTrip& trip = trips_[place];
    if (trip.call_count == 0) {
      trip.first_call = static_cast<std::uint32_t>(calls_.size());
      trip.starts = call.departs;
    }
    const Stop& stop = *snapshot.get<Stop>(call.stop);  // not null: the reference is checked
    const double metres_min = trip.call_count == 0 ? 0 : calls_.back().metres;
    call.metres = tracks_[trip.track].nearest(from_degrees(stop.stop_lat, stop.stop_lon), metres_min);
    calls_.push_back(call);
    ++trip.call_count;
    trip.ends = call.arrives;
  }
  return {};
}

void Timetable::index_trips() {
  by_entity_.clear();
  for (std::uint32_t place = 0; place < trips_.size(); ++place) {
    const std::size_t index = trips_[place].trip.index();
    if (index >= by_entity_.size()) by_entity_.resize(index + 1, no_place);
    by_entity_[index] = place;
  }
}

const PlannedTrip* Timetable::find(stoa::Entity trip) const {
  if (trip.index() >= by_entity_.size() || by_entity_[trip.index()] == no_place) return nullptr;
  const PlannedTrip& found = trips_[by_entity_[trip.index()]];
  return found.trip == trip ? &found : nullptr;
}

Moment Timetable::moment(const PlannedTrip& trip, Seconds at) const {
  const std::span<const Call> all = calls(trip);
  const auto next = std::ranges::upper_bound(all.subspan(1, all.size() - 2), at, {}, &Call::arrives);
  const Call& from = *(next - 1);
  const auto next_call = static_cast<std::uint32_t>(next - all.begin());
  const Track& track = tracks_[trip.track];
  const auto to_position = [](Point point) {
    return Position{static_cast<float>(point.x), static_cast<float>(point.y)};
  };
  if (at <= from.departs) return {to_position(track.at(from.metres).at), {0, 0}, next_call};  // at the platform
  const double speed = (next->metres - from.metres) / (next->arrives - from.departs);
  const Track::Place place = track.at(from.metres + speed * (at - from.departs));
  return {to_position(place.at),
          {static_cast<float>(place.heading.x * speed), static_cast<float>(place.heading.y * speed)},
          next_call};
}

std::size_t Timetable::in_service(Seconds at) const {
  const auto started = std::ranges::upper_bound(trips_, at, {}, &PlannedTrip::starts) - trips_.begin();
  const auto ended = std::ranges::upper_bound(ends_, at) - ends_.begin();
  return static_cast<std::size_t>(started - ended);
}

Seconds Timetable::peak() const {
  Seconds best = 0;
  for (const PlannedTrip& trip : trips_) {  // the number rises only where a trip starts
    if (in_service(trip.starts) > in_service(best)) best = trip.starts;
  }
  return best;
}

std::string to_clock(Seconds at) { return fmt::format("{:02}:{:02}:{:02}", at / 3600, at / 60 % 60, at % 60); }

}  // namespace subway
