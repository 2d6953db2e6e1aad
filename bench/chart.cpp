#include "chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>

namespace bench {
namespace {

constexpr double line_height = 22;
constexpr double header_height = 96;
constexpr double character_width = 6.6;  // at most, of what is written at 12 pixels
constexpr double plot_width = 620;
constexpr double margin = 16;
constexpr double mark_radius = 5;

struct Family {
  std::string_view name;   ///< what its systems' names begin with
  std::string_view color;  ///< told apart by most who do not see all colours, on light and on dark
};
constexpr Family families[] = {{"lmdb", "#0072b2"},    {"sqlite", "#e69f00"}, {"rocksdb", "#009e73"},
                               {"leveldb", "#d55e00"}, {"redis", "#cc79a7"},  {"no database", "#8a8a8a"}};

const Family& family_of(std::string_view system) {
  const auto* at =
      std::ranges::find_if(families, [&](const Family& family) { return system.starts_with(family.name); });
  return at != std::end(families) ? *at : families[std::size(families) - 1];
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char at : text) {
    switch (at) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += at;
    }
  }
  return out;
}

/// Where a ratio lies, between whole powers of ten.
class Scale {
 public:
  Scale(std::span<const ChartLine> lines, double left) : left_(left) {
    for (const ChartLine& line : lines) {
      for (const ChartMark& mark : line.marks) {
        lowest_ = std::min(lowest_, static_cast<int>(std::floor(std::log10(mark.ratio))));
        highest_ = std::max(highest_, static_cast<int>(std::ceil(std::log10(mark.ratio))));
      }
    }
  }
  [[nodiscard]] int lowest() const { return lowest_; }
  [[nodiscard]] int highest() const { return highest_; }
  [[nodiscard]] double at(double ratio) const {
    return left_ + plot_width * (std::log10(ratio) - lowest_) / (highest_ - lowest_);
  }

 private:
  double left_;
  int lowest_ = -1;
  int highest_ = 1;
};

constexpr std::string_view style = R"(<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: bold }
.quiet { fill: #57606a }
.ground { fill: #ffffff }
.grid { stroke: #d0d7de }
.stoa { stroke: #24292f; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9ea7b3 }
  .ground { fill: #0d1117 }
  .grid { stroke: #30363d }
  .stoa { stroke: #e6edf3 }
}
</style>
)";

/// A filled mark is a system as such, a hollow one another way to use it.
std::string mark_of(double x, double y, std::string_view system, std::string_view title) {
  const std::string_view color = family_of(system).color;
  const bool filled = system.find(", ") == std::string_view::npos;
  return fmt::format(
      R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}" fill="{}" stroke="{}" stroke-width="2"><title>{}</title></circle>)"
      "\n",
      x, y, mark_radius, filled ? color : "none", color, escaped(title));
}

std::string tick(double x, double y, std::string_view title) {
  return fmt::format(
      R"(<line class="stoa" x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}"><title>{3}</title></line>)"
      "\n",
      x, y - mark_radius, y + mark_radius, escaped(title));
}

std::string text_at(double x, double y, std::string_view text, std::string_view attributes = "") {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}"{}{}>{}</text>)"
                     "\n",
                     x, y, attributes.empty() ? "" : " ", attributes, escaped(text));
}

std::string legend(double x, double y) {
  std::string out;
  for (const Family& family : families) {
    out += mark_of(x, y - 4, family.name, family.name) + text_at(x + 10, y, family.name);
    x += 28 + character_width * static_cast<double>(family.name.size());
  }
  return out + tick(x, y - 4, "stoa") + text_at(x + 10, y, "stoa's other ways; hollow: another way of a system");
}

}  // namespace

std::string chart(std::span<const ChartLine> lines, std::string_view caption) {
  std::size_t label_size = 0;
  for (const ChartLine& line : lines) label_size = std::max(label_size, line.subject.size());
  const double left = 2 * margin + character_width * static_cast<double>(label_size);
  const double width = left + plot_width + 2 * margin;
  const double bottom = header_height + line_height * static_cast<double>(lines.size());
  const Scale scale(lines, left);

  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" role="img">)"
      "\n{2}"
      R"(<rect class="ground" width="100%" height="100%"/>)"
      "\n",
      width, bottom + margin, style);
  out += text_at(margin, 24, "Time relative to stoa's best way to the same work, medians; further right is slower",
                 R"(class="title")");
  out += text_at(margin, 42, caption, R"(class="quiet")");
  out += legend(margin + mark_radius, 62);
  for (int power = scale.lowest(); power <= scale.highest(); ++power) {
    const double x = scale.at(std::pow(10, power));
    const bool is_stoa = power == 0;
    fmt::format_to(std::back_inserter(out),
                   R"(<line class="{}" x1="{:.1f}" y1="{}" x2="{:.1f}" y2="{:.1f}"/>)"
                   "\n",
                   is_stoa ? "stoa" : "grid", x, header_height - 8, x, bottom);
    out += text_at(x, header_height - 12, is_stoa ? "stoa" : fmt::format("{}x", std::pow(10, power)),
                   R"(class="quiet" text-anchor="middle")");
  }
  double y = header_height + line_height / 2;
  for (const ChartLine& line : lines) {
    out += text_at(left - margin, y + 4, line.subject, R"(text-anchor="end")");
    for (const ChartMark& mark : line.marks) {
      const std::string title = fmt::format("{}: {:.3g}x", mark.system, mark.ratio);
      out += mark.system.starts_with("stoa") ? tick(scale.at(mark.ratio), y, title)
                                             : mark_of(scale.at(mark.ratio), y, mark.system, title);
    }
    y += line_height;
  }
  return out + "</svg>\n";
}

}  // namespace bench
