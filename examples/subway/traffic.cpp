#include "traffic.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace subway {
namespace {

using namespace std::chrono_literals;

template <typename T>
T pick(std::mt19937_64& random, T first, T last) {
  return std::uniform_int_distribution<T>(first, last)(random);
}

/// Whether that the train is full is all that is wrong: any other rule that is broken, traffic should not have broken.
bool is_full_train(const stoa::Error& error) {
  return error.code() == stoa::ErrorCode::constraint_violation && !error.violations().empty() &&
         std::ranges::all_of(error.violations(), [](const stoa::Violation& violation) {
           return violation.kind == stoa::Violation::Kind::range && violation.constraint == "load.riders";
         });
}

}  // namespace

Traffic::Traffic(stoa::Database& database, const Timetable& timetable, const Simulation& simulation, Settings settings)
    : database_(database),
      timetable_(timetable),
      network_(simulation.network()),
      runs_(simulation.runs()),
      settings_(std::move(settings)) {
  std::uint64_t last_fare = 0;
  database_.snapshot().each<Fare>(
      [&](stoa::Entity, const Fare& fare) { last_fare = std::max(last_fare, fare.number); });
  next_fare_.store(last_fare + 1, std::memory_order_relaxed);

  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < settings_.boarding_threads; ++i) {
    threads_.emplace_back([this, seed = ++seed](std::stop_token stopped) { board_riders(stopped, Random(seed)); });
  }
  threads_.emplace_back([this, seed = ++seed](std::stop_token stopped) { report_delays(stopped, Random(seed)); });
  threads_.emplace_back([this, seed = ++seed](std::stop_token stopped) { cancel_runs(stopped, Random(seed)); });
}

void Traffic::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::string Traffic::wrong() const {
  const std::scoped_lock lock(mutex_);
  return wrong_;
}

void Traffic::note(const std::expected<stoa::Commit, stoa::Error>& answer) {
  if (answer) return;
  if (is_full_train(answer.error())) {
    full_.fetch_add(1, std::memory_order_relaxed);
  } else if (answer.error().code() == stoa::ErrorCode::not_found) {
    gone_.fetch_add(1, std::memory_order_relaxed);
  } else if (answer.error().code() == stoa::ErrorCode::timeout) {
    timeouts_.fetch_add(1, std::memory_order_relaxed);
  } else {
    const std::scoped_lock lock(mutex_);
    if (wrong_.empty()) wrong_ = answer.error().message();
  }
}

std::vector<stoa::Entity> Traffic::trains() const {
  std::vector<stoa::Entity> out;
  database_.snapshot().each<OnTrip>([&out](stoa::Entity train, const OnTrip&) { out.push_back(train); });
  return out;
}

void Traffic::board_riders(std::stop_token stopped, Random random) {
  constexpr std::size_t parties_a_look = 256;
  while (!stopped.stop_requested()) {
    const std::vector<stoa::Entity> trains = this->trains();
    for (std::size_t i = 0; i < parties_a_look && !trains.empty() && !stopped.stop_requested(); ++i) {
      const stoa::Entity train = trains[pick<std::size_t>(random, 0, trains.size() - 1)];
      const auto riders = pick<std::uint32_t>(random, 1, 4);
      const double how_far = std::uniform_real_distribution<double>(0, 1)(random);
      Fare fare{};
      const auto start = std::chrono::steady_clock::now();
      const auto answer = board(train, riders, how_far, fare);
      if (answer) commits_.add(std::chrono::steady_clock::now() - start);
      note(answer);
      if (answer && settings_.on_fare) settings_.on_fare(fare, answer->version);
    }
  }
}

/// The train, its load, the network and the books change together, or not at all.
std::expected<stoa::Commit, stoa::Error> Traffic::board(stoa::Entity train, std::uint32_t riders, double how_far,
                                                        Fare& fare) {
  return database_.write([&](stoa::Writer& writer) -> std::expected<void, stoa::Error> {
    const OnTrip* on_trip = writer.get<OnTrip>(train);
    if (on_trip == nullptr) return std::unexpected(stoa::Error::not_found("the train"));
    const std::span<const Call> calls = timetable_.calls(*timetable_.find(on_trip->trip));
    const std::uint32_t next_call = writer.get<NextStop>(train)->call;
    const auto calls_left = static_cast<std::uint32_t>(calls.size()) - next_call;
    const std::uint32_t leaves = next_call + static_cast<std::uint32_t>(how_far * calls_left);

    const std::uint32_t load = writer.get<Load>(train)->riders;
    Network network = *writer.get<Network>(network_);
    network.riders += riders;
    ++network.fares;

    fare = {.number = next_fare_.fetch_add(1, std::memory_order_relaxed),
            .stop = calls[next_call - 1].stop,
            .riders = riders};
    writer.insert(writer.create(), Party{.train = train, .to = calls[leaves].stop, .call = leaves, .riders = riders})
        .insert(writer.create(), fare)
        .set<&Load::riders>(train, load + riders)  // a full train is a rule of the schema, and refuses the transaction
        .update(network_, network);
    return {};
  });
}

void Traffic::report_delays(std::stop_token stopped, Random random) {
  constexpr std::size_t reports_at_once = 8;
  std::vector<std::pair<std::chrono::steady_clock::time_point, stoa::CommitTicket>> tickets;
  while (!stopped.stop_requested()) {
    const std::vector<stoa::Entity> trains = this->trains();
    for (std::size_t i = 0; i < reports_at_once && !trains.empty(); ++i) {
      const stoa::Entity train = trains[pick<std::size_t>(random, 0, trains.size() - 1)];
      stoa::Transaction report = database_.begin();
      report.deadline(1s).upsert(train, Delay{pick<Seconds>(random, 20, 240)});
      const auto start = std::chrono::steady_clock::now();
      tickets.emplace_back(start, std::move(report).submit());
    }
    for (auto& [start, ticket] : tickets) {
      const auto answer = ticket.get();
      if (answer) commits_.add(std::chrono::steady_clock::now() - start);
      note(answer);
    }
    tickets.clear();
    std::this_thread::sleep_for(40ms);
  }
}

void Traffic::cancel_runs(std::stop_token stopped, Random random) {
  constexpr Seconds ahead = 20 * 60;
  while (!stopped.stop_requested()) {
    std::vector<stoa::Entity> runs;
    {
      const stoa::Snapshot snapshot = database_.snapshot();
      const Seconds clock = snapshot.get<Network>(network_)->clock;
      for (const stoa::Entity run : runs_) {
        const Run* found = snapshot.get<Run>(run);
        if (found != nullptr && found->starts <= clock + ahead) runs.push_back(run);
      }
    }
    if (!runs.empty()) {
      const stoa::Entity run = runs[pick<std::size_t>(random, 0, runs.size() - 1)];
      const auto start = std::chrono::steady_clock::now();
      const auto answer = cancel(run);
      if (answer) commits_.add(std::chrono::steady_clock::now() - start);
      note(answer);
    }
    std::this_thread::sleep_for(500ms);
  }
}

std::expected<stoa::Commit, stoa::Error> Traffic::cancel(stoa::Entity run) {
  return database_.write([&](stoa::Writer& writer) -> std::expected<void, stoa::Error> {
    const Run* found = writer.get<Run>(run);
    if (found == nullptr) return std::unexpected(stoa::Error::not_found("the run"));
    const Cancellation cancellation{.trip = found->trip, .starts = found->starts, .ends = found->ends};
    Network network = *writer.get<Network>(network_);
    ++network.cancelled;
    if (found->train) {
      --network.trains;
      network.riders -= writer.get<Load>(found->train)->riders;
    }
    writer.insert(writer.create(), cancellation)
        .destroy(run)  // its train and everybody on it go with it
        .update(network_, network);
    return {};
  });
}

}  // namespace subway
