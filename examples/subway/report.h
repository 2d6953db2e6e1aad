// What a person sees: headings, lines, and at the end everything that was checked. It decides the exit status.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace subway {

class Report {
 public:
  void heading(const std::string& text);
  template <typename... T>
  void line(fmt::format_string<T...> format, T&&... values) {
    print("  " + fmt::format(format, std::forward<T>(values)...));
  }
  /// Keeps an outcome for the end. Returns whether it was right.
  bool check(std::string claim, bool right, std::string seen);

  /// Prints the checks. Returns the process's exit status: 0 if all were right.
  [[nodiscard]] int finish();

 private:
  static void print(const std::string& line);
  struct Check {
    std::string claim;
    std::string seen;
    bool right;
  };
  std::vector<Check> checks_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "1 transaction", "1,234,567 transactions": of a noun whose plural has an s.
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view noun);
/// "850 ns", "12.3 us", "4.56 ms", "1.20 s".
[[nodiscard]] std::string to_text(std::chrono::nanoseconds duration);
/// Of this process.
[[nodiscard]] std::uint64_t resident_bytes();

}  // namespace subway
