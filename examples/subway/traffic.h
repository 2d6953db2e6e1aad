// What the city does to the trains: threads of the application that submit transactions of their own, each in its way.
// Riders board (a function on the writer that reads before it writes), delays are reported (transactions written down
// in advance and submitted several at a time), runs are cancelled (a delete that cascades).
#pragma once

#include "latency.h"
#include "simulation.h"
#include "timetable.h"
#include "world.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace subway {

class Traffic {
 public:
  struct Settings {
    std::size_t boarding_threads = 2;
    /// Called by a boarding thread after a fare's commit was answered.
    std::function<void(const Fare&, stoa::Version)> on_fare;
  };

  Traffic(stoa::Database& database, const Timetable& timetable, const Simulation& simulation, Settings settings);
  /// Stops it.
  ~Traffic() { stop(); }
  void stop();

  /// From submit to answer, of transactions that were committed.
  [[nodiscard]] const Latency& commits() const { return commits_; }
  /// Refused as they should be: the train was full, or gone when its transaction came.
  [[nodiscard]] std::uint64_t full() const { return full_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t gone() const { return gone_.load(std::memory_order_relaxed); }
  /// Not applied, as their deadline had passed.
  [[nodiscard]] std::uint64_t timeouts() const { return timeouts_.load(std::memory_order_relaxed); }
  /// The first answer that nobody expected; empty while there is none.
  [[nodiscard]] std::string wrong() const;

 private:
  using Random = std::mt19937_64;

  void board_riders(std::stop_token stopped, Random random);
  void report_delays(std::stop_token stopped, Random random);
  void cancel_runs(std::stop_token stopped, Random random);

  std::expected<stoa::Commit, stoa::Error> board(stoa::Entity train, std::uint32_t riders, double how_far, Fare& fare);
  std::expected<stoa::Commit, stoa::Error> cancel(stoa::Entity run);
  [[nodiscard]] std::vector<stoa::Entity> trains() const;
  void note(const std::expected<stoa::Commit, stoa::Error>& answer);

  stoa::Database& database_;
  const Timetable& timetable_;
  const stoa::Entity network_;
  const std::vector<stoa::Entity> runs_;
  const Settings settings_;
  std::atomic<std::uint64_t> next_fare_ = 0;  // relaxed: only that each number is given out once
  Latency commits_;
  std::atomic<std::uint64_t> full_ = 0;  // relaxed, as below: figures to show
  std::atomic<std::uint64_t> gone_ = 0;
  std::atomic<std::uint64_t> timeouts_ = 0;
  mutable std::mutex mutex_;
  std::string wrong_;  // guarded by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace subway
