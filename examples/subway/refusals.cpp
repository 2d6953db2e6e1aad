#include "refusals.h"

#include <fmt/core.h>

#include <cstddef>
#include <string>
#include <utility>

namespace subway {
namespace {

/// The first thing that is wrong. There may be more of them than the error lists, so their number is a lower bound.
std::string first_line(const stoa::Error& error) {
  const std::string message = error.message();
  const std::size_t count = error.violations().size();
  std::string out = message.substr(0, message.find('\n'));
  if (count > 1) out += fmt::format("; the first of at least {}", count);
  return out;
}

/// Commits a transaction that must be refused by that rule, and leave no trace.
void check_refusal(stoa::Database& database, std::string claim, stoa::Transaction transaction,
                   stoa::Violation::Kind kind, const char* rule, Report& report) {
  const stoa::Version before = database.version();
  const auto answer = std::move(transaction).commit();
  const bool right = !answer && answer.error().code() == stoa::ErrorCode::constraint_violation &&
                     answer.error().violations().front().kind == kind &&
                     answer.error().violations().front().constraint == rule && database.version() == before;
  std::string seen = answer ? "it was committed" : first_line(answer.error());
  report.line("{}: {}", claim, seen);
  report.check(std::move(claim), right, right ? fmt::format("refused by the rule {}", rule) : std::move(seen));
}

}  // namespace

void check_refusals(stoa::Database& database, Report& report) {
  const stoa::Snapshot snapshot = database.snapshot();
  stoa::Entity train, trip;
  snapshot.each<OnTrip>([&](stoa::Entity entity, const OnTrip& on_trip) {
    train = entity;
    trip = on_trip.trip;
  });
  Fare fare{};
  snapshot.each<Fare>([&](stoa::Entity, const Fare& sold) { fare = sold; });
  if (!train || fare.number == 0) {
    report.check("there is something to refuse", false, "no trains, or no fares");
    return;
  }

  stoa::Transaction no_stop = database.begin();
  no_stop.set<&NextStop::stop>(train, trip);
  check_refusal(database, "a train cannot come to a stop that is none", std::move(no_stop),
                stoa::Violation::Kind::foreign_key_missing, "next_stop.stop", report);

  stoa::Transaction stop_gone = database.begin();
  stop_gone.destroy(fare.stop);
  check_refusal(database, "a stop in use cannot be deleted", std::move(stop_gone),
                stoa::Violation::Kind::foreign_key_restrict, "fare.stop", report);

  stoa::Transaction sold_twice = database.begin();
  sold_twice.insert(sold_twice.create(), fare);
  check_refusal(database, "a fare's number is not given twice", std::move(sold_twice), stoa::Violation::Kind::unique,
                "fare.number", report);

  stoa::Transaction too_full = database.begin();
  too_full.set<&Load::riders>(train, train_riders_max + 1);
  check_refusal(database, "a train takes 2,000 riders at most", std::move(too_full), stoa::Violation::Kind::range,
                "load.riders", report);
}

}  // namespace subway
