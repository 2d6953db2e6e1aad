#include "suite.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>
#include <regex>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

/// Takes Google Benchmark's figures, but for the first round's, and prints nothing. That round meets pages which the
/// system has yet to clear, and is not what is asked for.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  Collector(const std::vector<Case>& cases, bool warm_up, Report& report)
      : cases_(cases), warm_up_(warm_up ? cases.size() : 0), report_(report) {}
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const Case& measured = cases_[next_++ % cases_.size()];
      if (run.error_occurred) {
        throw std::runtime_error(fmt::format("{}, {}: {}", measured.subject, measured.system, run.error_message));
      }
      if (next_ <= warm_up_) continue;
      if (measured.items != 0) {
        const double items = static_cast<double>(measured.items);
        report_.add(
            measured.subject, measured.system,
            {.wall_ns = run.real_accumulated_time * 1e9 / items, .cpu_ns = run.cpu_accumulated_time * 1e9 / items});
      }
      if (measured.figures) {
        for (const Figure& figure : measured.figures()) report_.add(figure);
      }
    }
  }

 private:
  const std::vector<Case>& cases_;
  std::size_t warm_up_;  // runs
  Report& report_;
  std::size_t next_ = 0;
};

void measure(const Case& measured, benchmark::State& state) {
  if (measured.prepare) measured.prepare();
  for (auto _ : state) measured.run();
  if (!measured.check()) state.SkipWithError("what was read is not what was written");
}

}  // namespace

Suite::Suite(Scale scale, std::string filter, Report& report)
    : scale_(scale), filter_(std::move(filter)), report_(report) {}

void Suite::run() {
  const std::regex filter(filter_);
  std::erase_if(cases_, [&](const Case& at) { return !std::regex_search(at.subject + '/' + at.system, filter); });
  if (!cases_.empty()) {
    for (const Case& measured : cases_) {
      benchmark::RegisterBenchmark((measured.subject + '/' + measured.system).c_str(),
                                   [&measured](benchmark::State& state) { measure(measured, state); })
          ->Iterations(1)
          ->UseRealTime();
    }
    Collector collector(cases_, scale_.warm_up, report_);
    const std::size_t rounds = scale_.rounds + (scale_.warm_up ? 1 : 0);
    for (std::size_t round = 0; round < rounds; ++round) benchmark::RunSpecifiedBenchmarks(&collector, "all");
    benchmark::ClearRegisteredBenchmarks();
  }
  cases_.clear();
}

std::vector<Write> random_writes(const Store& store, std::size_t count, std::size_t round) {
  std::mt19937_64 random(round + 1);
  std::vector<Write> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = static_cast<std::uint32_t>(random() % store.rows());
    out.push_back({store.handle(key),
                   key,
                   {static_cast<float>(round + 2), static_cast<float>(i), static_cast<float>(key % 1024)}});
  }
  return out;
}

void apply_writes(std::span<const Write> writes, std::vector<Position>& rows) {
  for (const Write& write : writes) rows[write.key] = write.row;
}

std::vector<Position> first_positions(std::size_t rows) {
  std::vector<Position> out;
  for (std::size_t key = 0; key < rows; ++key) out.push_back(first_position(key));
  return out;
}

std::vector<Contender> limits_and_peers(std::size_t rows) {
  std::vector<Contender> out{{"plain vectors", [rows] { return make_plain(rows); }}};
  for (const Peer& peer : peers()) {
    out.push_back({peer.name, [make = peer.make, rows] { return make(rows); }, peer.pace, peer.scans});
  }
  return out;
}

std::vector<Contender> limits_and_scanning_peers(std::size_t rows) {
  std::vector<Contender> out = limits_and_peers(rows);
  std::erase_if(out, [](const Contender& at) { return !at.scans; });
  return out;
}

std::vector<Contender> committers(std::size_t rows) {
  using Submit = StoaWay::Submit;
  std::vector<Contender> out = limits_and_peers(rows);
  out.push_back({"redis, 1000 in flight", [rows] { return make_redis_in_flight(rows); }, Pace::slow, false});
  out.push_back({"stoa, step", [rows] { return make_stoa(rows, {.submit = Submit::step}); }});
  out.push_back({"stoa, 1000 in flight", [rows] { return make_stoa(rows, {.submit = Submit::in_flight}); }});
  out.push_back({"stoa, waited for", [rows] { return make_stoa(rows, {.submit = Submit::wait}); }, Pace::waits});
  return out;
}

}  // namespace bench
