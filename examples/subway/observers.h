// Threads that do nothing but read: each takes a snapshot, checks it, and takes the next.
#pragma once

#include "latency.h"
#include "timetable.h"
#include "world.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace subway {

class Observers {
 public:
  Observers(stoa::Database& database, const Timetable& timetable, std::size_t thread_count);
  /// Stops them.
  ~Observers() { stop(); }
  void stop();

  /// Of a snapshot's trains, with everything that is checked of them.
  [[nodiscard]] const Latency& reads() const { return reads_; }
  /// Snapshots in which the riders were checked too.
  [[nodiscard]] std::uint64_t audits() const { return audits_.load(std::memory_order_relaxed); }
  /// What was first found wrong, with its version; empty while nothing is.
  [[nodiscard]] std::string wrong() const;

 private:
  void observe(std::stop_token stopped);
  void report(stoa::Version version, const std::string& wrong);

  stoa::Database& database_;
  const Timetable& timetable_;
  Latency reads_;
  std::atomic<std::uint64_t> audits_ = 0;  // relaxed: a figure to show
  mutable std::mutex mutex_;
  std::string wrong_;  // guarded by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace subway
