#include "report.h"

#include "chart.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

struct Spread {
  double median, least, most;
};

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

/// Three significant digits, or all of those before the point.
std::string figure(double value) {
  constexpr double rounds_up = 1.0005;  // 0.9996 has a digit before the point
  const int before_point = value > 0 ? static_cast<int>(std::floor(std::log10(value * rounds_up))) + 1 : 1;
  return fmt::format("{:.{}f}", value, std::clamp(3 - before_point, 0, 9));
}

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

std::string now() { return fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr))); }

/// Of names and the like: nothing in them but quotes and backslashes needs an escape.
std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char at : text) {
    if (at == '"' || at == '\\') out += '\\';
    out += at;
  }
  return out + '"';
}

bool is_stoa(std::string_view system) { return system.starts_with("stoa"); }

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

void Report::add(const Figure& figure) {
  add(figure.subject, figure.system, {.wall_ns = figure.value, .cpu_ns = figure.value});
  std::find_if(subjects_.begin(), subjects_.end(), [&](const Subject& at) { return at.name == figure.subject; })->unit =
      figure.unit;
}

double Report::median(const Series& series) const {
  std::vector<double> times;
  for (const Sample& sample : series.rounds) times.push_back(time(sample));
  return spread_of(std::move(times)).median;
}

std::string Report::summary(const Series& series) const {
  std::vector<double> times;
  for (const Sample& sample : series.rounds) times.push_back(time(sample));
  return text_of(spread_of(std::move(times)));
}

std::vector<double> Report::ratios(const Series& series, const Series& base) const {
  std::vector<double> out;
  for (std::size_t round = 0; round < std::min(series.rounds.size(), base.rounds.size()); ++round) {
    out.push_back(time(series.rounds[round]) / time(base.rounds[round]));
  }
  return out;
}

// Whoever is not stoa, but not another way of the same system. Where stoa is alone, its first line.
std::vector<const Report::Series*> Report::bases(const Subject& subject) {
  std::vector<const Series*> out;
  for (const Series& at : subject.systems) {
    if (!is_stoa(at.system) && at.system.find(", ") == std::string::npos) out.push_back(&at);
  }
  if (out.empty() && subject.systems.size() > 1) out.push_back(&subject.systems.front());
  return out;
}

// The limit is compared with nothing but itself, and a peer with the limit: the rest would only hide stoa's figures.
std::string Report::table(const Subject& subject) const {
  const std::vector<const Series*> against = bases(subject);
  std::string out = fmt::format("| system | {} |", subject.unit);
  for (const Series* base : against) out += fmt::format(" / {} |", base->system);
  out += "\n|---|---|";
  for (std::size_t i = 0; i < against.size(); ++i) out += "---|";
  out += '\n';
  for (const Series& series : subject.systems) {
    out += fmt::format("| {} | {} |", series.system, summary(series));
    for (const Series* base : against) {
      const bool said = is_stoa(series.system) || base == against.front();
      out += said ? fmt::format(" {} |", text_of(spread_of(ratios(series, *base)))) : " |";
    }
    out += '\n';
  }
  return out;
}

std::size_t Report::rounds() const { return subjects_.empty() ? 0 : subjects_.front().systems.front().rounds.size(); }

std::string Report::markdown() const {
  std::string out = fmt::format(
      "Measured on: {}; {}, {}.\n\n{} time for one item in ns, or what the table's head says: median (least–most) of "
      "{} "
      "rounds. Ratios are taken within a round; of times, below 1 is faster.\n",
      machine(), now(), source_, clock_name(), rounds());
  for (const Subject& subject : subjects_) out += fmt::format("\n### {}\n\n{}", subject.name, table(subject));
  return out;
}

std::string Report::json() const {
  std::string out = fmt::format("{{\n\"source\": {},\n\"machine\": {},\n\"date\": {},\n\"clock\": {},\n\"results\": [",
                                json_text(source_), json_text(machine()), json_text(now()),
                                json_text(clock_ == Clock::wall ? "wall" : "cpu"));
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
                     R"({}{{"subject": {}, "system": {}, "unit": {}, "wall_ns": [{:.3f}], "cpu_ns": [{:.3f}]}})",
                     separator, json_text(subject.name), json_text(series.system), json_text(subject.unit),
                     fmt::join(wall, ", "), fmt::join(cpu, ", "));
      separator = ",\n";
    }
  }
  return out + "\n]\n}\n";
}

std::string Report::svg() const {
  std::vector<ChartLine> lines;
  for (const Subject& subject : subjects_) {
    if (subject.unit != "ns") continue;
    const Series* best = nullptr;
    for (const Series& at : subject.systems) {
      if (is_stoa(at.system) && (best == nullptr || median(at) < median(*best))) best = &at;
    }
    const bool alone = std::ranges::all_of(subject.systems, [](const Series& at) { return is_stoa(at.system); });
    if (best == nullptr || alone) continue;
    ChartLine line{subject.name, {}};
    for (const Series& at : subject.systems) {
      const double ratio = spread_of(ratios(at, *best)).median;
      if (&at != best && ratio > 0) line.marks.push_back({at.system, ratio});
    }
    lines.push_back(std::move(line));
  }
  return chart(lines, fmt::format("{}; {}, {}; {} time, {} rounds", machine(), now(), source_, clock_name(), rounds()));
}

void Report::write(const std::filesystem::path& folder) const {
  std::filesystem::create_directories(folder);
  write_file(folder / "results.json", json());
  write_file(folder / "results.md", markdown());
  write_file(folder / "results.svg", svg());
}

}  // namespace bench
