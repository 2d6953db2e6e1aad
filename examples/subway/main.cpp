// stoa-subway: the New York subway as a living world. scripts/demo imports the timetable, then runs this.
#include "crash.h"
#include "day.h"
#include "refusals.h"
#include "report.h"
#include "timetable.h"
#include "world.h"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace {

using namespace subway;
using namespace std::chrono_literals;

// The feed's own time: a Wednesday that it covers. By the timetable the most trains are in service at 08:37:30.
constexpr std::chrono::year_month_day service_date(2026y, std::chrono::September, 23d);
constexpr std::size_t peak_trains = 528;

constexpr Seconds clock_at(Seconds hour, Seconds minute) { return hour * 3600 + minute * 60; }

struct Settings {
  std::filesystem::path world = "build/demo-world";
  double speed = 240;
  int crashes = 2;
  bool small = false;
  std::filesystem::path until_killed;  // the file for receipts, in the process that will be killed
};

void show_import(const stoa::Database& database, const stoa::Snapshot& snapshot, Report& report) {
  const auto rows = [&snapshot](const char* table) { return snapshot.count(table).value_or(0); };
  report.line("opened in {}: version {}, {} replayed, {} MiB resident", to_text(database.recovery().duration),
              grouped(snapshot.version()), counted(database.recovery().transactions, "transaction"),
              resident_bytes() >> 20U);
  const std::size_t stop_times = rows("stop_time"), shape_points = rows("shape_point"), trips = rows("trip");
  report.check("the whole feed is imported", stop_times == 565'093 && shape_points == 150'744 && trips == 20'621,
               fmt::format("{} stop times, {} shape points, {} trips", grouped(stop_times), grouped(shape_points),
                           grouped(trips)));
}

void show_timetable(const Timetable& timetable, std::chrono::nanoseconds took, Report& report) {
  const Seconds peak = timetable.peak();
  report.line("{:04}-{:02}-{:02}: {} trips; read from the snapshot in {}", static_cast<int>(service_date.year()),
              static_cast<unsigned>(service_date.month()), static_cast<unsigned>(service_date.day()),
              grouped(timetable.trips().size()), to_text(took));
  report.line("a trip is in service from its first departure until its last arrival: at most {} at once, first at {}",
              timetable.in_service(peak), to_clock(peak));
  report.check("the timetable's peak is 528 trains at 08:37",
               timetable.in_service(peak) == peak_trains && peak / 60 == clock_at(8, 37) / 60,
               fmt::format("{} at {}", timetable.in_service(peak), to_clock(peak)));
}

/// Closes the world and opens it again. Returns whether it could be opened.
bool check_reopening(std::optional<stoa::Database>& database, const std::filesystem::path& folder, Report& report) {
  const auto before = database->snapshot().state_hash();
  const stoa::Version version = database->version();
  auto closed = database->close();
  database.reset();
  auto opened = open_world(folder, stoa::Durability::sync());
  const std::string claim = "closed and opened again, it is the same world";
  if (!closed || !opened) {
    return report.check(claim, false, closed ? opened.error().message() : closed.error().message());
  }
  database.emplace(std::move(*opened));
  const auto after = database->snapshot().state_hash();
  report.line("state hash {:016x}{:016x} at version {}, opened in {}", after[1], after[0], grouped(database->version()),
              to_text(database->recovery().duration));
  return report.check(
      claim, after == before && database->version() == version,
      fmt::format("version {} in {}", grouped(database->version()), to_text(database->recovery().duration)));
}

int run(const Settings& settings) {
  Report report;
  report.heading("The world that was imported");
  auto opened = open_world(settings.world, stoa::Durability::async(100ms));
  if (!opened) {
    fmt::print(stderr, "stoa-subway: {}\n", opened.error().message());
    return 2;
  }
  std::optional<stoa::Database> database = std::move(*opened);
  if (find_network(database->snapshot())) {
    fmt::print(stderr, "stoa-subway: {}: the day has begun in this world: import it anew (make demo)\n",
               settings.world.string());
    return 2;
  }
  show_import(*database, database->snapshot(), report);

  const auto start = std::chrono::steady_clock::now();
  const auto timetable = Timetable::read(database->snapshot(), service_date);
  if (!timetable) {
    report.check("the timetable can be read", false, timetable.error().message());
    return report.finish();
  }
  show_timetable(*timetable, std::chrono::steady_clock::now() - start, report);

  const DayOptions day{.from = settings.small ? clock_at(8, 25) : clock_at(7, 30),
                       .to = settings.small ? clock_at(8, 40) : clock_at(8, 45),
                       .speed = settings.speed};
  report.heading(
      fmt::format("A living day: {} to {} at {} times its speed; trains, riders, delays, cancellations and "
                  "observers at once",
                  to_clock(day.from), to_clock(day.to), settings.speed));
  live(*database, *timetable, day, report);

  report.heading("What is refused");
  check_refusals(*database, report);

  report.heading("Closed and opened");
  if (!check_reopening(database, settings.world, report)) return report.finish();
  database.reset();

  report.heading("Killed and opened: every commit is on the disk before it is answered");
  const CrashOptions crash{
      .world = settings.world, .receipts = settings.world.string() + ".receipts", .speed = settings.speed};
  for (int round = 1; round <= settings.crashes; ++round) check_crash(crash, *timetable, round, report);
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("The New York subway as a living world in stoa.", "stoa-subway");
  app.add_option("--world", settings.world, "a folder that `stoa import` made")->capture_default_str();
  app.add_option("--speed", settings.speed, "seconds of the day for each second that passes")
      ->check(CLI::Range(1.0, 10'000.0))
      ->capture_default_str();
  app.add_option("--crashes", settings.crashes, "how often it is killed")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_flag("--small", settings.small, "a quarter of an hour around the peak, and one crash");
  app.add_option("--until-killed", settings.until_killed)->group("");  // not for people
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!settings.until_killed.empty()) {
    return live_until_killed({.world = settings.world, .receipts = settings.until_killed, .speed = settings.speed},
                             service_date);
  }
  if (settings.small) settings.crashes = std::min(settings.crashes, 1);
  return run(settings);
}
