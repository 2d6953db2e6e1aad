#include "observers.h"

#include "audit.h"

#include <fmt/core.h>

namespace subway {

Observers::Observers(stoa::Database& database, const Timetable& timetable, std::size_t thread_count)
    : database_(database), timetable_(timetable) {
  for (std::size_t i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this](std::stop_token stopped) { observe(stopped); });
  }
}

void Observers::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::string Observers::wrong() const {
  const std::scoped_lock lock(mutex_);
  return wrong_;
}

void Observers::report(stoa::Version version, const std::string& wrong) {
  const std::scoped_lock lock(mutex_);
  if (wrong_.empty()) wrong_ = fmt::format("version {}: {}", version, wrong);
}

void Observers::observe(std::stop_token stopped) {
  constexpr std::uint64_t reads_an_audit = 64;  // an audit walks all parties
  stoa::Version version = 0;
  for (std::uint64_t read = 0; !stopped.stop_requested(); ++read) {
    const stoa::Snapshot snapshot = database_.snapshot();
    if (snapshot.version() < version) report(snapshot.version(), "a snapshot older than the one before it");
    version = snapshot.version();
    const std::string wrong = reads_.measure([&] { return check_trains(snapshot, timetable_); });
    if (!wrong.empty()) report(version, wrong);
    if (read % reads_an_audit != 0) continue;
    if (const std::string riders = check_riders(snapshot); !riders.empty()) report(version, riders);
    audits_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace subway
