// What was measured, and its tables: medians with the least and the most, and ratios within a round to plain vectors
// and to each peer.
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

enum class Clock { wall, cpu };

class Report {
 public:
  /// `source` says what was measured, as a commit.
  Report(Clock clock, std::string source) : clock_(clock), source_(std::move(source)) {}
  /// One round's figure.
  void add(const std::string& subject, const std::string& system, Sample sample);

  [[nodiscard]] std::string markdown() const;
  /// A line for each subject and system, so that line tools can read it too.
  [[nodiscard]] std::string json() const;
  /// Writes results.json and results.md. Throws std::runtime_error, naming the file, where that fails.
  void write(const std::filesystem::path& folder) const;

 private:
  struct Series {
    std::string system;
    std::vector<Sample> rounds;
  };
  struct Subject {
    std::string name;
    std::vector<Series> systems;
  };

  [[nodiscard]] double time(const Sample& sample) const {
    return clock_ == Clock::wall ? sample.wall_ns : sample.cpu_ns;
  }
  [[nodiscard]] std::string summary(const Series& series) const;
  [[nodiscard]] std::string ratio(const Subject& subject, const Series& series, std::string_view base) const;

  Clock clock_;
  std::string source_;
  std::vector<Subject> subjects_;
};

}  // namespace bench
