// What was measured, its tables and its chart: medians with the least and the most, and ratios within a round to plain
// vectors and to each peer.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// Time for one item.
struct Sample {
  double wall_ns = 0;
  double cpu_ns = 0;  ///< of the measuring thread alone
};

/// What a run found out itself, in a unit of its own: a percentile, a number of bytes.
struct Figure {
  std::string subject;
  std::string system;
  std::string unit;  ///< the same in all of a subject
  double value = 0;
};

enum class Clock { wall, cpu };

class Report {
 public:
  /// `source` says what was measured, as a commit.
  Report(Clock clock, std::string source) : clock_(clock), source_(std::move(source)) {}
  /// One round's figure.
  void add(const std::string& subject, const std::string& system, Sample sample);
  void add(const Figure& figure);

  [[nodiscard]] std::string markdown() const;
  /// What was measured, where and when; in it a line for each subject and system, so that line tools can read it too.
  [[nodiscard]] std::string json() const;
  /// How each system's time relates to stoa's best, of the subjects that have both. Other units are left out.
  [[nodiscard]] std::string svg() const;
  /// Writes results.json, results.md and results.svg. Throws std::runtime_error, naming the file, where that fails.
  void write(const std::filesystem::path& folder) const;

 private:
  struct Series {
    std::string system;
    std::vector<Sample> rounds;
  };
  struct Subject {
    std::string name;
    std::vector<Series> systems;
    std::string unit = "ns";
  };

  [[nodiscard]] double time(const Sample& sample) const {
    return clock_ == Clock::wall ? sample.wall_ns : sample.cpu_ns;
  }
  [[nodiscard]] double median(const Series& series) const;
  [[nodiscard]] std::string summary(const Series& series) const;
  /// Round by round, as both were measured at one speed of the machine.
  [[nodiscard]] std::vector<double> ratios(const Series& series, const Series& base) const;
  /// Those that the others are compared with.
  [[nodiscard]] static std::vector<const Series*> bases(const Subject& subject);
  /// The lines of a whole table.
  [[nodiscard]] std::string table(const Subject& subject) const;
  [[nodiscard]] std::size_t rounds() const;
  /// Said of all figures.
  [[nodiscard]] std::string_view clock_name() const {
    return clock_ == Clock::wall ? "Wall" : "The measuring thread's CPU";
  }

  Clock clock_;
  std::string source_;
  std::vector<Subject> subjects_;
};

}  // namespace bench
