// Stops a thread wherever it is, as a scheduler may that does not come back to it: by a signal whose handler waits.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <thread>

#include <poll.h>
#include <pthread.h>
#include <ucontext.h>

namespace stoa::test {

/// One at a time in a process. ThreadSanitizer runs handlers at calls and at atomic accesses only, so with it the
/// thread stands still at fewer places. Under AddressSanitizer it is of no use: a thread that stands in its allocator
/// keeps others from theirs.
class Suspension {
 public:
  /// The thread lives as long as this.
  explicit Suspension(pthread_t thread) : thread_(thread) {
    struct sigaction action {};
    action.sa_sigaction = stand_still;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    if (sigaction(SIGUSR1, &action, &before_) != 0) throw std::runtime_error("sigaction");
  }
  ~Suspension() {
    if (is_suspended()) go_on();
    (void)sigaction(SIGUSR1, &before_, nullptr);
  }
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

  /// Returns once it stands still; false if it does not within `time`, as it sleeps: it then stands still later.
  [[nodiscard]] bool suspend(std::chrono::nanoseconds time) {
    goes_on_.store(false, std::memory_order_release);
    if (pthread_kill(thread_, SIGUSR1) != 0) throw std::runtime_error("pthread_kill");
    const auto end = std::chrono::steady_clock::now() + time;
    while (!is_suspended()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  /// Returns once it goes on.
  void go_on() {
    goes_on_.store(true, std::memory_order_release);  // release, as all here: what was seen meanwhile is behind it
    while (is_suspended()) std::this_thread::yield();
  }
  /// At which instruction it stands, as a number that means nothing else.
  [[nodiscard]] std::uint64_t place() const { return place_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] static bool is_suspended() { return suspended_.load(std::memory_order_acquire); }
  // Calls nothing that a handler may not.
  static void stand_still(int /*signal*/, siginfo_t* /*info*/, void* context) {
    const int error = errno;
#if defined(__x86_64__)
    const auto at = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
    place_.store(static_cast<std::uint64_t>(at), std::memory_order_relaxed);
#elif defined(__aarch64__)
    place_.store(static_cast<const ucontext_t*>(context)->uc_mcontext.pc, std::memory_order_relaxed);
#endif
    suspended_.store(true, std::memory_order_release);
    while (!goes_on_.load(std::memory_order_acquire)) (void)::poll(nullptr, 0, 1);
    suspended_.store(false, std::memory_order_release);
    errno = error;
  }

  inline static std::atomic<bool> goes_on_{true};
  inline static std::atomic<bool> suspended_{false};
  inline static std::atomic<std::uint64_t> place_{0};
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  const pthread_t thread_;
  struct sigaction before_ {};
};

}  // namespace stoa::test
