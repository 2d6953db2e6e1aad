#include "queue/in_flight.h"

#include <cassert>

namespace stoa::queue {

// All accesses of word_ are relaxed but for their atomicity: it orders nothing but itself. A transaction reaches the
// writer through the queue and comes back through its response, and those publish it.

InFlightLimit::InFlightLimit(Load most) noexcept : most_(most) {
  assert(most.count >= 1 && most.count <= count_max && most.bytes <= bytes_max);
}

InFlightLimit::Load InFlightLimit::load_of(std::uint64_t word) noexcept {
  const std::uint64_t numbers = word & ~(line_bit | closed_bit);
  return {numbers >> count_shift, numbers & (one - 1)};
}

bool InFlightLimit::has_room(std::uint64_t word, std::uint64_t bytes) const noexcept {
  const Load now = load_of(word);
  return now.count == 0 || (now.count < most_.count && now.bytes + bytes <= most_.bytes);
}

bool InFlightLimit::enter_unless(std::uint64_t flags, std::uint64_t bytes) noexcept {
  assert(bytes <= bytes_max);
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & flags) != 0 || !has_room(word, bytes)) return false;
  } while (
      !word_.compare_exchange_weak(word, word + one + bytes, std::memory_order_relaxed, std::memory_order_relaxed));
  return true;
}

bool InFlightLimit::try_enter(std::uint64_t bytes) noexcept { return enter_unless(line_bit | closed_bit, bytes); }

InFlightLimit::Entry InFlightLimit::enter(std::uint64_t bytes, Deadline deadline) {
  if (try_enter(bytes)) return Entry::entered;
  Waiter self;
  self.bytes = bytes;
  {
    const std::scoped_lock lock(line_mutex_);
    if ((word_.load(std::memory_order_relaxed) & closed_bit) != 0) return Entry::closed;
    line_.push_back(self);
    word_.fetch_or(line_bit, std::memory_order_relaxed);
    admit_line();  // room made before the bit was set was offered to nobody
  }
  for (bool in_time = true;;) {
    // acquire: pairs with the store in answer(): whoever gave it is done with `self`, which ends with this call.
    const std::uint32_t answered = self.answer.load(std::memory_order_acquire);
    if (answered != pending) return answered == admitted ? Entry::entered : Entry::closed;
    if (in_time) {
      in_time = SystemSync::wait(self.answer, pending, deadline);
      continue;
    }
    const std::scoped_lock lock(line_mutex_);
    if (self.answer.load(std::memory_order_relaxed) != pending) continue;  // relaxed: written under the mutex
    line_.erase(line_.iterator_to(self));
    admit_line();  // those behind may be small enough
    return Entry::timeout;
  }
}

void InFlightLimit::leave(Load gone) noexcept {
  const std::uint64_t before = word_.fetch_sub(gone.count * one + gone.bytes, std::memory_order_relaxed);
  assert(gone.count <= load_of(before).count && gone.bytes <= load_of(before).bytes);
  if ((before & line_bit) == 0) return;
  const std::scoped_lock lock(line_mutex_);
  admit_line();
}

void InFlightLimit::close() noexcept {
  const std::scoped_lock lock(line_mutex_);
  word_.fetch_or(closed_bit, std::memory_order_relaxed);
  while (!line_.empty()) {
    Waiter& first = line_.front();
    line_.pop_front();
    answer(first, refused);
  }
  word_.fetch_and(~line_bit, std::memory_order_relaxed);
}

// relaxed: of one word a thread sees nothing older than what it saw.
bool InFlightLimit::is_closed() const noexcept { return (word_.load(std::memory_order_relaxed) & closed_bit) != 0; }

InFlightLimit::Load InFlightLimit::in_flight() const noexcept { return load_of(word_.load(std::memory_order_relaxed)); }

// Lets in as many from the front of the line as there is room for. Requires line_mutex_.
void InFlightLimit::admit_line() noexcept {
  while (!line_.empty() && enter_unless(closed_bit, line_.front().bytes)) {
    Waiter& first = line_.front();
    line_.pop_front();
    answer(first, admitted);
  }
  if (line_.empty()) word_.fetch_and(~line_bit, std::memory_order_relaxed);
}

void InFlightLimit::answer(Waiter& waiter, std::uint32_t answer) noexcept {
  // The waiter may be gone as soon as it is answered; see SystemSync::wake_all() for why its address still serves.
  const auto& word = waiter.answer;
  // release: pairs with the acquire in enter(); this thread is done with the waiter.
  waiter.answer.store(answer, std::memory_order_release);
  SystemSync::wake_all(word);
}

}  // namespace stoa::queue
