#include "cli/import/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace stoa::cli {

Progress::Progress(bool shown, std::uint64_t bytes_total)
    : shown_(shown), terminal_(isatty(STDERR_FILENO) != 0), bytes_total_(std::max<std::uint64_t>(bytes_total, 1)) {
  shown_ = shown_ || terminal_;
}

void Progress::begin(std::string_view step) {
  end_line();
  step_ = step;
  rows_ = 0;
  step_began_ = Clock::now();
  shown_at_ = {};
  shown_rows_ = 0;
}

void Progress::begin_file(std::uint64_t bytes) {
  bytes_before_ += file_bytes_;
  file_bytes_ = bytes;
}

void Progress::look(std::uint64_t file_bytes) {
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (now - shown_at_ < (terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1000))) return;
  show(file_bytes, now);
}

void Progress::show(std::uint64_t file_bytes, Clock::time_point now) {
  shown_at_ = now;
  shown_rows_ = rows_;
  const double seconds = std::max(std::chrono::duration<double>(now - step_began_).count(), 1e-3);
  const auto percent = (bytes_before_ + file_bytes) * 100 / bytes_total_;
  fmt::print(stderr, "{}{}: {} rows, {:.0f} rows/s, {} %{}", terminal_ ? "\r" : "", step_, rows_,
             static_cast<double>(rows_) / seconds, percent, terminal_ ? "\x1b[K" : "\n");
  std::fflush(stderr);
  line_open_ = terminal_;
}

void Progress::end() {
  if (shown_rows_ != 0 && shown_rows_ != rows_) show(file_bytes_, Clock::now());
  end_line();
}

void Progress::end_line() {
  if (line_open_) std::fputc('\n', stderr);
  line_open_ = false;
}

}  // namespace stoa::cli
