// The line on standard error that moves while an import runs; and whether someone wants it to end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace stoa::cli {

/// On a terminal one line, written over; elsewhere a line each second.
class Progress {
 public:
  /// `bytes_total` is of all files, both passes.
  Progress(bool shown, std::uint64_t bytes_total);
  ~Progress() { end_line(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A new pass begins: "checking", "loading".
  void begin(std::string_view step);
  /// A file begins, of that size.
  void begin_file(std::uint64_t bytes);
  /// One more row; `file_bytes` of its file are read.
  void add_row(std::uint64_t file_bytes) {
    ++rows_;
    if (rows_ % rows_between_looks == 0) look(file_bytes);
  }
  /// The pass is done: where something of it was shown, its end is too.
  void end();
  /// So that what is printed next begins on a line of its own.
  void end_line();

 private:
  static constexpr std::uint64_t rows_between_looks = 1024;
  using Clock = std::chrono::steady_clock;

  void look(std::uint64_t file_bytes);
  void show(std::uint64_t file_bytes, Clock::time_point now);

  bool shown_;
  bool terminal_;
  bool line_open_ = false;
  std::uint64_t bytes_total_;
  std::uint64_t bytes_before_ = 0;  // of the files that are done
  std::uint64_t file_bytes_ = 0;
  std::uint64_t rows_ = 0;
  std::string_view step_;
  Clock::time_point step_began_;
  Clock::time_point shown_at_;
  std::uint64_t shown_rows_ = 0;  // of this pass, when something was last shown
};

}  // namespace stoa::cli
