// results.svg: of each subject, the time of every system relative to stoa's best.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct ChartMark {
  std::string system;
  double ratio;  ///< of its time to that of stoa's best; more than 0
};
struct ChartLine {
  std::string subject;
  std::vector<ChartMark> marks;
};

/// A line for each subject, on a scale of powers of ten. An SVG with a background of its own, light or dark as the
/// viewer prefers; what each mark is exactly, its title says.
[[nodiscard]] std::string chart(std::span<const ChartLine> lines, std::string_view caption);

}  // namespace bench
