#include "report.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>

namespace subway {

void Report::print(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void Report::heading(const std::string& text) { print("\n" + text); }

bool Report::check(std::string claim, bool right, std::string seen) {
  if (!right) print(fmt::format("  FAILED: {}: {}", claim, seen));
  checks_.push_back({std::move(claim), std::move(seen), right});
  return right;
}

int Report::finish() {
  heading("What was shown");
  std::size_t width = 0;
  for (const Check& check : checks_) width = std::max(width, check.claim.size());
  std::size_t failed = 0;
  for (const Check& check : checks_) {
    print(fmt::format("  {:<6}  {:<{}}  {}", check.right ? "ok" : "FAILED", check.claim, width, check.seen));
    failed += !check.right;
  }
  print(fmt::format("\n{} checks, {} failed, in {}", checks_.size(), failed,
                    to_text(std::chrono::steady_clock::now() - start_)));
  return failed == 0 && !checks_.empty() ? 0 : 1;
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, 1, ',');
  return out;
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

std::string to_text(std::chrono::nanoseconds duration) {
  const auto count = static_cast<double>(duration.count());
  if (count < 1e3) return fmt::format("{} ns", duration.count());
  if (count < 1e6) return fmt::format("{:.1f} us", count / 1e3);
  if (count < 1e9) return fmt::format("{:.2f} ms", count / 1e6);
  return fmt::format("{:.2f} s", count / 1e9);
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace subway
