#include "day.h"

#include "audit.h"
#include "latency.h"
#include "observers.h"
#include "simulation.h"
#include "traffic.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

namespace subway {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Seconds tick_seconds = 10;
constexpr std::size_t boarding_threads = 2;
constexpr std::size_t observer_threads = 2;

/// Prints a line a second: what happened since the one before.
class Ticker {
 public:
  Ticker(stoa::Database& database, const Traffic& traffic, const Observers& observers, Report& report)
      : database_(database), traffic_(traffic), observers_(observers), report_(report) {}

  static void show_legend(Report& report) {
    report.line(
        "commits: of riders, delays and cancellations, each from submit to answer; the clock's ticks, which "
        "move all trains, are not among them");
    report.line("reads: each a check of all trains in a fresh snapshot, with every reference followed");
    report.line("rates, p50 and p99 are of the time since the line before; MiB: resident, of the whole process");
  }

  void show_if_due() {
    const Clock::time_point now = Clock::now();
    const std::chrono::duration<double> passed = now - last_;
    if (passed.count() < 1) return;
    const Latency::Counts all_commits = traffic_.commits().counts(), all_reads = observers_.reads().counts();
    const Latency::Counts commits = all_commits.since(commits_), reads = all_reads.since(reads_);
    const auto a_second = [&passed](const Latency::Counts& counts) {
      return grouped(static_cast<std::uint64_t>(static_cast<double>(counts.count()) / passed.count()));
    };
    const stoa::Snapshot snapshot = database_.snapshot();
    const Network& network = *snapshot.get<Network>(find_network(snapshot));
    report_.line(
        "{}  {:3} trains  {:>7} riders | {:>7} commits/s  p50 {:>8}  p99 {:>8} | {:>6} reads/s  p50 {:>8}  "
        "p99 {:>8} | version {:>9} | {:>3} MiB",
        to_clock(network.clock), network.trains, grouped(network.riders), a_second(commits),
        to_text(commits.quantile(0.5)), to_text(commits.quantile(0.99)), a_second(reads), to_text(reads.quantile(0.5)),
        to_text(reads.quantile(0.99)), grouped(snapshot.version()), resident_bytes() >> 20U);
    last_ = now;
    commits_ = all_commits;
    reads_ = all_reads;
  }

 private:
  stoa::Database& database_;
  const Traffic& traffic_;
  const Observers& observers_;
  Report& report_;
  Clock::time_point last_ = Clock::now();
  Latency::Counts commits_;  // until the last line
  Latency::Counts reads_;
};

void check_peak(const stoa::Snapshot& snapshot, const Timetable& timetable, Report& report) {
  const TrainCount trains = count_trains(snapshot);
  const std::size_t planned = timetable.in_service(trains.clock);
  report.line(
      "{}  the peak: {} trains in service - {} past their timetable's end + {} cancelled = {}; the timetable "
      "says {}",
      to_clock(trains.clock), trains.in_service, trains.late, trains.cancelled, trains.by_timetable(), planned);
  report.check("the peak, counted in the world, is the timetable's",
               trains.clock == timetable.peak() && trains.by_timetable() == planned,
               fmt::format("{} at {}: {} trains - {} late + {} cancelled", trains.by_timetable(),
                           to_clock(trains.clock), trains.in_service, trains.late, trains.cancelled));
}

}  // namespace

void live(stoa::Database& database, const Timetable& timetable, const DayOptions& options, Report& report) {
  auto simulation = Simulation::begin(database, timetable, options.from);
  std::string wrong;
  Latency ticks;
  const auto tick = [&](Seconds now) {
    const auto done = ticks.measure([&] { return simulation->tick(now); });
    if (!done) wrong = done.error().message();
  };
  if (!simulation) {
    wrong = simulation.error().message();
  } else {
    tick(options.from);
  }
  const stoa::Snapshot morning = database.snapshot();
  const TrainCount trains_in_the_morning = count_trains(morning);
  const std::string begun =
      fmt::format("{} trains under way at {}", trains_in_the_morning.in_service, to_clock(trains_in_the_morning.clock));
  if (!report.check("the day begins", wrong.empty(), wrong.empty() ? begun : wrong)) return;

  Ticker::show_legend(report);
  Traffic traffic(database, timetable, *simulation, {.boarding_threads = boarding_threads, .on_fare = nullptr});
  Observers observers(database, timetable, observer_threads);
  Ticker ticker(database, traffic, observers, report);
  const Clock::time_point start = Clock::now();
  while (simulation->clock() < options.to && wrong.empty()) {
    Seconds now = std::min(simulation->clock() + tick_seconds, options.to);
    if (simulation->clock() < timetable.peak()) now = std::min(now, timetable.peak());  // not to tick past it
    std::this_thread::sleep_until(start + std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>((now - options.from) / options.speed)));
    tick(now);
    if (now == timetable.peak()) check_peak(database.snapshot(), timetable, report);
    ticker.show_if_due();
  }
  traffic.stop();
  observers.stop();

  const auto outcome = [](const std::string& error, std::string seen) { return error.empty() ? seen : error; };
  report.check("each tick is one transaction", wrong.empty(),
               outcome(wrong, fmt::format("{} ticks, p50 {}, p99 {}", ticks.count(), to_text(ticks.quantile(0.5)),
                                          to_text(ticks.quantile(0.99)))));
  const Latency& commits = traffic.commits();
  report.check("other threads commit meanwhile", traffic.wrong().empty() && commits.count() > 0,
               outcome(traffic.wrong(), fmt::format("{} commits, p50 {}, p99 {}; refused: {} on full trains, {} on "
                                                    "trains that had gone, {} past their deadline",
                                                    grouped(commits.count()), to_text(commits.quantile(0.5)),
                                                    to_text(commits.quantile(0.99)), grouped(traffic.full()),
                                                    grouped(traffic.gone()), grouped(traffic.timeouts()))));
  const Latency& reads = observers.reads();
  report.check("every snapshot shows whole commits only", observers.wrong().empty() && reads.count() > 0,
               outcome(observers.wrong(), fmt::format("{} snapshots checked, p50 {}, p99 {}; {} with all riders",
                                                      grouped(reads.count()), to_text(reads.quantile(0.5)),
                                                      to_text(reads.quantile(0.99)), grouped(observers.audits()))));
  const std::string moved = check_trains(morning, timetable);
  const TrainCount still = count_trains(morning);
  report.check("a snapshot that was kept is as it was",
               moved.empty() && still.clock == options.from && still.in_service == trains_in_the_morning.in_service,
               outcome(moved, fmt::format("{} trains at {}, {} versions ago", still.in_service, to_clock(still.clock),
                                          grouped(database.version() - morning.version()))));
}

}  // namespace subway
