// Bounds what is submitted and not yet answered, in transactions and in bytes. It counts; it holds nothing.
#pragma once

#include <boost/intrusive/list.hpp>
#include <mutex>

#include "queue/sync.h"

namespace stoa::queue {

/// Both numbers of what is in flight lie in one word, so that entering is one read-modify-write and the two bounds hold
/// together. Who finds no room stands in a line, first come, first served, and nobody enters past a line: so a large
/// transaction is not starved by small ones. One that is larger than the bound on bytes enters when nothing else is in
/// flight, and the small ones behind it wait no longer than that takes.
///
/// The line is behind a mutex that the fast path does not know: a bit of the word says that there is a line. Since room
/// is made, and the bit is set, in the same word, either leave() sees the bit or the one who set it sees the room.
class InFlightLimit {
 public:
  static constexpr std::uint64_t count_max = (std::uint64_t{1} << 22U) - 1;
  static constexpr std::uint64_t bytes_max = (std::uint64_t{1} << 39U) - 1;

  struct Load {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
  };

  /// Requires: 1 <= most.count <= count_max; most.bytes <= bytes_max.
  explicit InFlightLimit(Load most) noexcept;
  InFlightLimit(const InFlightLimit&) = delete;
  InFlightLimit& operator=(const InFlightLimit&) = delete;

  /// Lets one transaction in, or returns false: no room, others wait for it, or closed.
  ///
  /// Requires: bytes <= bytes_max.
  /// Threads:  any; lock-free.
  [[nodiscard]] bool try_enter(std::uint64_t bytes) noexcept;

  enum class Entry : std::uint8_t { entered, timeout, closed };

  /// Lets one transaction in, and waits for that if need be.
  ///
  /// Requires: as try_enter(); not called by the thread that is to call leave().
  /// Threads:  any.
  [[nodiscard]] Entry enter(std::uint64_t bytes, Deadline deadline = no_deadline);

  /// Takes out what is answered, as much at once as there is.
  ///
  /// Requires: all of it has entered.
  /// Threads:  any; lock-free while nobody waits.
  void leave(Load gone) noexcept;

  /// Nobody enters any more; all who wait are turned away. What is in flight may leave. in_flight() of the thread that
  /// calls it then knows of all that entered.
  void close() noexcept;
  /// Threads: any; who was not let in because of it sees it.
  [[nodiscard]] bool is_closed() const noexcept;

  /// Threads: any; of some moment.
  [[nodiscard]] Load in_flight() const noexcept;

 private:
  enum : std::uint32_t { pending, admitted, refused };

  struct Waiter : boost::intrusive::list_base_hook<> {
    std::uint64_t bytes = 0;
    std::atomic<std::uint32_t> answer{pending};
  };

  // The word: bytes in the low 40 bits, count in the next 22, then the flags. Neither number carries over: there is at
  // most bytes_max in flight, and a sum that is only looked at is below 2^40.
  static constexpr unsigned count_shift = 40;
  static constexpr std::uint64_t one = std::uint64_t{1} << count_shift;
  static constexpr std::uint64_t line_bit = std::uint64_t{1} << 62U;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63U;

  static Load load_of(std::uint64_t word) noexcept;
  bool has_room(std::uint64_t word, std::uint64_t bytes) const noexcept;
  bool enter_unless(std::uint64_t flags, std::uint64_t bytes) noexcept;
  void admit_line() noexcept;
  static void answer(Waiter& waiter, std::uint32_t answer) noexcept;

  // Alone on its line: all producers and the writer write it.
  alignas(cache_line_bytes) std::atomic<std::uint64_t> word_{0};
  alignas(cache_line_bytes) const Load most_;
  std::mutex line_mutex_;
  boost::intrusive::list<Waiter> line_;  // guarded by line_mutex_; not empty exactly while line_bit is set
};

}  // namespace stoa::queue
