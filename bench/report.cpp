#include "report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdlib.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

constexpr std::string_view bases[] = {"plain vectors", "lmdb"};

struct Spread {
  double median, least, most;
};

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

std::string figure(double value) { return fmt::format("{:.{}f}", value, value < 10 ? 2 : value < 100 ? 1 : 0); }

std::string text_of(const Spread& spread) {
  return fmt::format("{} ({}–{})", figure(spread.median), figure(spread.least), figure(spread.most));
}

/// What the figures depend on and do not show: the processor, and who else uses it.
std::string machine() {
  std::string model = "unknown processor";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    model = line.substr(line.find(':') + 2);
    break;
  }
  double load = 0;
  const bool known = ::getloadavg(&load, 1) == 1;
  return fmt::format("{}, {} cores, load {}", model, std::thread::hardware_concurrency(),
                     known ? figure(load) : std::string("unknown"));
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace

void Report::add(const std::string& subject, const std::string& system, Sample sample) {
  auto of_subject =
      std::find_if(subjects_.begin(), subjects_.end(), [&](const Subject& at) { return at.name == subject; });
  if (of_subject == subjects_.end()) of_subject = subjects_.insert(subjects_.end(), {subject, {}});
  auto& systems = of_subject->systems;
  auto series = std::find_if(systems.begin(), systems.end(), [&](const Series& at) { return at.system == system; });
  if (series == systems.end()) series = systems.insert(systems.end(), {system, {}});
  series->rounds.push_back(sample);
}

std::string Report::summary(const Series& series) const {
  std::vector<double> times;
  for (const Sample& sample : series.rounds) times.push_back(time(sample));
  return text_of(spread_of(std::move(times)));
}

std::string Report::ratio(const Subject& subject, const Series& series, std::string_view base) const {
  const auto other =
      std::find_if(subject.systems.begin(), subject.systems.end(), [&](const Series& at) { return at.system == base; });
  if (other == subject.systems.end()) return "";
  // Round by round: both were measured at one speed of the machine.
  std::vector<double> ratios;
  for (std::size_t round = 0; round < series.rounds.size(); ++round) {
    ratios.push_back(time(series.rounds[round]) / time(other->rounds[round]));
  }
  return text_of(spread_of(std::move(ratios)));
}

std::string Report::markdown() const {
  std::string out = fmt::format(
      "Measured on: {}; {:%F}, {}.\n\n{} time for one item in ns: median (least–most) of {} rounds. Ratios are of "
      "times, taken within a round: below 1 is faster.\n",
      machine(), fmt::gmtime(std::time(nullptr)), source_,
      clock_ == Clock::wall ? "Wall" : "The measuring thread's CPU",
      subjects_.empty() ? 0 : subjects_.front().systems.front().rounds.size());
  for (const Subject& subject : subjects_) {
    fmt::format_to(std::back_inserter(out), "\n### {}\n\n| system | ns |", subject.name);
    for (std::string_view base : bases) fmt::format_to(std::back_inserter(out), " / {} |", base);
    fmt::format_to(std::back_inserter(out), "\n|---|---|{}\n",
                   fmt::join(std::vector<std::string_view>(std::size(bases), "---|"), ""));
    for (const Series& series : subject.systems) {
      fmt::format_to(std::back_inserter(out), "| {} | {} |", series.system, summary(series));
      for (std::string_view base : bases)
        fmt::format_to(std::back_inserter(out), " {} |", ratio(subject, series, base));
      out += '\n';
    }
  }
  return out;
}

std::string Report::json() const {
  std::string out = "[";
  const char* separator = "\n";
  for (const Subject& subject : subjects_) {
    for (const Series& series : subject.systems) {
      std::vector<double> wall;
      std::vector<double> cpu;
      for (const Sample& sample : series.rounds) {
        wall.push_back(sample.wall_ns);
        cpu.push_back(sample.cpu_ns);
      }
      fmt::format_to(std::back_inserter(out),
                     R"({}{{"subject": "{}", "system": "{}", "wall_ns": [{:.3f}], "cpu_ns": [{:.3f}]}})", separator,
                     subject.name, series.system, fmt::join(wall, ", "), fmt::join(cpu, ", "));
      separator = ",\n";
    }
  }
  return out + "\n]\n";
}

void Report::write(const std::filesystem::path& folder) const {
  std::filesystem::create_directories(folder);
  write_file(folder / "results.json", json());
  write_file(folder / "results.md", markdown());
}

}  // namespace bench
