// stoa-bench: stoa, its peers and plain vectors at the same work, side by side.
#include "report.h"
#include "suite.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

int main(int argc, char** argv) try {
  bool quick = false;
  bool cpu = false;
  std::optional<std::size_t> rounds;
  std::string filter;
  std::string folder;
  std::string source = "an unnamed build";
  CLI::App app("Measures stoa beside its peers and beside plain vectors", "stoa-bench");
  app.add_flag("--quick", quick, "Everything once and tiny: says only whether it works, and writes no files");
  app.add_flag("--cpu", cpu, "Tables show the measuring thread's CPU time, for a machine that others use as well");
  app.add_option("--rounds", rounds, "How often each is measured, in turns")->check(CLI::PositiveNumber);
  app.add_option("--filter", filter, "Only what this regular expression finds in \"subject/system\"");
  app.add_option("--out", folder,
                 "Where results.json, .md and .svg go; otherwise, of a whole run, the benchmarks' own results folder");
  app.add_option("--source", source, "What is measured, as a commit: the results say it");
  CLI11_PARSE(app, argc, argv);

  bench::Scale scale = quick ? bench::Scale::quick() : bench::Scale{};
  if (rounds) scale.rounds = *rounds;
  bench::Report report(cpu ? bench::Clock::cpu : bench::Clock::wall, source);
  bench::Suite suite(scale, filter, report);
  for (auto add :
       {bench::add_insert, bench::add_update, bench::add_erase, bench::add_scan, bench::add_get, bench::add_each,
        bench::add_create, bench::add_structure, bench::add_versions, bench::add_ycsb, bench::add_relations,
        bench::add_durable, bench::add_recovery, bench::add_concurrency, bench::add_scale, bench::add_memory}) {
    add(suite);
    suite.run();
  }
  fmt::print("{}", report.markdown());
  if (folder.empty() && !quick && filter.empty()) folder = STOA_BENCH_RESULTS;
  if (!folder.empty()) report.write(folder);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "stoa-bench: {}\n", error.what());
  return 1;
}
