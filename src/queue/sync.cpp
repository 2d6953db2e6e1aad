#include "queue/sync.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>
#include <thread>

namespace stoa::queue {
namespace {

// The kernel reads the word as a plain 32-bit integer at this address.
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

unsigned cores() {
  static const unsigned answer = std::thread::hardware_concurrency();
  return answer;
}

std::atomic<unsigned> spinners{0};  // of the process
std::atomic<bool> spins_long{true};

}  // namespace

bool SystemSync::wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline) noexcept {
  // FUTEX_WAIT_BITSET, as it takes an absolute time, and of CLOCK_MONOTONIC, which is what steady_clock reads.
  timespec until{};
  const timespec* limit = nullptr;
  if (deadline != no_deadline) {
    const auto since_boot = std::chrono::nanoseconds(deadline.time_since_epoch()).count();
    if (since_boot <= 0) return false;
    until.tv_sec = since_boot / 1'000'000'000;
    until.tv_nsec = since_boot % 1'000'000'000;
    limit = &until;
  }
  const long result = ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, limit, nullptr,
                                FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

void SystemSync::wake_all(const std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, nullptr, nullptr, 0);
}

void SystemSync::yield() noexcept { ::sched_yield(); }

// relaxed, all of these: hints, which pass nothing on.
std::chrono::nanoseconds SystemSync::spin_most() noexcept {
  return spins_long.load(std::memory_order_relaxed) ? spin_long : spin_short;
}

void SystemSync::note_wait(std::chrono::nanoseconds took) noexcept {
  const bool pays = took < 2 * spin_long;
  if (spins_long.load(std::memory_order_relaxed) != pays) spins_long.store(pays, std::memory_order_relaxed);
}

bool SystemSync::can_spin() noexcept { return cores() > 1; }

bool SystemSync::take_turn() noexcept {
  // relaxed, both: a count, which passes nothing on.
  if (spinners.fetch_add(1, std::memory_order_relaxed) + 1 < cores()) return true;
  end_turn();
  return false;
}

void SystemSync::end_turn() noexcept {
  // relaxed: as above.
  spinners.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace stoa::queue
