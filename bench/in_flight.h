// Transactions on their way to a writer thread: so many at most, the oldest being waited for where there are more.
#pragma once

#include "world.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace bench {

inline constexpr std::size_t in_flight_max = 1000;

/// Threads: one at a time; each producer has its own.
class InFlight {
 public:
  explicit InFlight(std::size_t count_max) : tickets_(count_max) {}
  void submit(stoa::Transaction tx) {
    std::optional<stoa::CommitTicket>& place = tickets_[next_];
    if (place) (void)value_of(place->get());
    place.emplace(std::move(tx).submit());
    next_ = (next_ + 1) % tickets_.size();
  }
  /// Returns once all are answered. An answer that is an error throws.
  void wait() {
    for (auto& ticket : tickets_) {
      if (ticket) (void)value_of(ticket->get());
      ticket.reset();
    }
  }

 private:
  std::vector<std::optional<stoa::CommitTicket>> tickets_;
  std::size_t next_ = 0;
};

}  // namespace bench
