#include "cli/interrupt.h"

#include <csignal>

namespace stoa::cli {
namespace {

// Written by the handler, and read by the thread that imports: nothing else depends on it.
volatile std::sig_atomic_t noted_signal = 0;

extern "C" void note_signal(int signal) { noted_signal = signal; }

}  // namespace

void catch_interrupts() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

bool interrupted() { return noted_signal != 0; }

Error interrupted_error() { return {ErrorCode::aborted, "interrupted"}; }

void end_if_interrupted() {
  if (noted_signal == 0) return;
  std::signal(noted_signal, SIG_DFL);
  std::raise(noted_signal);
}

}  // namespace stoa::cli
