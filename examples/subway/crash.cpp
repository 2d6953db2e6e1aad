#include "crash.h"

#include "audit.h"
#include "receipts.h"
#include "simulation.h"
#include "traffic.h"
#include "world.h"

#include <fmt/core.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace subway {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The process that will be killed, or -1.
pid_t start_child(const CrashOptions& options) {
  std::vector<std::string> arguments = {"stoa-subway",
                                        "--world",
                                        options.world.string(),
                                        "--speed",
                                        fmt::format("{}", options.speed),
                                        "--until-killed",
                                        options.receipts.string()};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t child = -1;
  if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, pointers.data(), environ) != 0) return -1;
  return child;
}

/// Waits until the child has been told of some commits, then kills it in the middle of the next. Returns why that could
/// not be done; empty if it was.
std::string kill_child(pid_t child, const Receipts& receipts, std::size_t receipts_min) {
  const Clock::time_point deadline = Clock::now() + 2min;
  int status = 0;
  while (receipts.count() < receipts_min && Clock::now() < deadline) {
    if (::waitpid(child, &status, WNOHANG) == child) return "the process ended before it was killed";
    std::this_thread::sleep_for(5ms);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) return "the process ended before it was killed";
  if (receipts.count() < receipts_min) return fmt::format("the process was told of {} commits only", receipts.count());
  return {};
}

/// The first thing that the world does not have though it was acknowledged; empty if it has all.
std::string find_missing(const stoa::Snapshot& world, const std::vector<Receipt>& receipts) {
  for (const Receipt& receipt : receipts) {
    if (receipt.version > world.version()) return fmt::format("version {} is gone", receipt.version);
    const Fare* fare = world.get<Fare>(world.find<&Fare::number>(receipt.fare.number));
    if (fare == nullptr) return fmt::format("fare {} of version {} is gone", receipt.fare.number, receipt.version);
    if (fare->stop != receipt.fare.stop || fare->riders != receipt.fare.riders) {
      return fmt::format("fare {} of version {} has changed", receipt.fare.number, receipt.version);
    }
  }
  return {};
}

}  // namespace

void check_crash(const CrashOptions& options, const Timetable& timetable, int round, Report& report) {
  const std::string claim = fmt::format("crash {}: what was acknowledged is there", round);
  const auto receipts = Receipts::create(options.receipts);
  if (!receipts) {
    report.check(claim, false, receipts.error().message());
    return;
  }
  const pid_t child = start_child(options);
  const std::size_t receipts_min = 500 + 700 * static_cast<std::size_t>(round);  // killed at another moment each time
  const std::string failed = child < 0 ? "no process was started" : kill_child(child, *receipts, receipts_min);
  if (!failed.empty()) {
    report.check(claim, false, failed);
    return;
  }
  const std::vector<Receipt> told = receipts->read();
  const Receipt& newest = *std::ranges::max_element(told, {}, &Receipt::version);
  report.line("killed process {} by SIGKILL: it had been told of {} fares, the newest at version {}", child,
              grouped(told.size()), grouped(newest.version));

  const Clock::time_point start = Clock::now();
  auto database = open_world(options.world, stoa::Durability::sync());
  const Clock::duration took = Clock::now() - start;
  if (!database) {
    report.check(claim, false, database.error().message());
    return;
  }
  const stoa::Recovery& recovery = database->recovery();
  report.line(
      "opened again in {}: version {}, {} replayed; {}", to_text(took), grouped(recovery.version),
      counted(recovery.transactions, "transaction"),
      recovery.dropped_tail.empty() ? "nothing half written at the log's end" : "dropped: " + recovery.dropped_tail);

  const stoa::Snapshot world = database->snapshot();
  const std::string missing = find_missing(world, told);
  report.check(claim, missing.empty(),
               missing.empty() ? fmt::format("{} fares to version {}; recovered version {} in {}", grouped(told.size()),
                                             grouped(newest.version), grouped(world.version()), to_text(took))
                               : missing);
  std::string halves = check_trains(world, timetable);
  if (halves.empty()) halves = check_riders(world);
  report.check(fmt::format("crash {}: nothing is there by halves", round), halves.empty(),
               halves.empty() ? fmt::format("{} trains, {} parties, {} fares add up", world.count<OnTrip>(),
                                            grouped(world.count<Party>()), grouped(world.count<Fare>()))
                              : halves);
}

int live_until_killed(const CrashOptions& options, std::chrono::year_month_day date) {
  const auto failed = [](const stoa::Error& error) {
    fmt::print(stderr, "stoa-subway: the process to be killed: {}\n", error.message());
    return 1;
  };
  auto receipts = Receipts::open(options.receipts);
  if (!receipts) return failed(receipts.error());
  auto database = open_world(options.world, stoa::Durability::sync());
  if (!database) return failed(database.error());
  const auto timetable = Timetable::read(database->snapshot(), date);
  if (!timetable) return failed(timetable.error());
  auto simulation = Simulation::begin(*database, *timetable, 0);
  if (!simulation) return failed(simulation.error());

  const Traffic traffic(
      *database, *timetable, *simulation,
      {.boarding_threads = 8,  // they wait together, and share a sync
       .on_fare = [&](const Fare& fare, stoa::Version version) { receipts->add({.version = version, .fare = fare}); }});
  constexpr Seconds tick_seconds = 10;
  for (;;) {
    std::this_thread::sleep_for(std::chrono::duration<double>(tick_seconds / options.speed));
    if (auto done = simulation->tick(simulation->clock() + tick_seconds); !done) return failed(done.error());
    if (const std::string wrong = traffic.wrong(); !wrong.empty()) {
      return failed(stoa::Error(stoa::ErrorCode::aborted, "an answer that nobody expected: " + wrong));
    }
  }
}

}  // namespace subway
