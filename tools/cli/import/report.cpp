#include "cli/import/report.h"

#include <fmt/format.h>

#include <iterator>

#include "cli/end.h"
#include "cli/json.h"
#include "cli/text.h"

namespace stoa::cli {
namespace {

void print_rows_left_out(const Problems& problems) {
  if (problems.count() == 0) return;
  for (const Problems::Problem& problem : problems.first()) print_error(problem.reason);
  const std::uint64_t more = problems.count() - problems.first().size();
  print_error(fmt::format("{} row{} left out{}", problems.count(), problems.count() == 1 ? "" : "s",
                          more == 0 ? std::string() : fmt::format("; {} of them not shown", more)));
}

void append_rows_left_out(JsonWriter& json, const Problems& problems) {
  json.member("rows_left_out", problems.count()).name("errors").begin_array();
  for (const Problems::Problem& problem : problems.first()) append_error(json, problem.reason);
  json.end_array();
}

/// As end_command(), and where nobody can read what was done, that it was.
ExitStatus end_import(Output& output, const ImportOptions& options, const ImportOutcome& outcome) {
  const ExitStatus status = end_command(output, ExitStatus::done);
  if (status != ExitStatus::done) {
    print_error(fmt::format("the rows are committed all the same: {} is at version {}", options.folder.string(),
                            outcome.version));
  }
  return status;
}

}  // namespace

ExitStatus report_success(const ImportOptions& options, const ImportOutcome& outcome,
                          const std::vector<ImportFile>& files) {
  print_rows_left_out(outcome.problems);
  std::uint64_t rows = 0;
  for (const ImportFile& file : files) rows += file.record_count() - file.rows_left_out;
  Output output;
  if (options.json) {
    JsonWriter json(output.text());
    json.begin_object().member("ok", true).member("version", outcome.version).member("rows", rows);
    append_rows_left_out(json, outcome.problems);
    json.name("files").begin_array();
    for (const ImportFile& file : files) {
      json.begin_object()
          .member("table", file.plan.table->name)
          .member("file", file.path.string())
          .member("rows", file.record_count() - file.rows_left_out)
          .member("rows_left_out", file.rows_left_out)
          .end_object();
    }
    json.end_array().member("seconds", outcome.seconds).end_object();
    output.text() += '\n';
    return end_import(output, options, outcome);
  }
  auto out = std::back_inserter(output.text());
  for (const ImportFile& file : files) {
    fmt::format_to(out, "{:>10} {:<24} {}\n", file.record_count() - file.rows_left_out, file.plan.table->name,
                   file.path.string());
  }
  fmt::format_to(out, "{:>10} {} in {:.2f} s; {} is at version {}\n", rows, noun_for(rows, "row", "rows"),
                 outcome.seconds, options.folder.string(), outcome.version);
  return end_import(output, options, outcome);
}

void report_failure(const ImportOptions& options, const ImportOutcome& outcome, const Error& error) {
  print_rows_left_out(outcome.problems);
  print_error(error);
  if (!options.json) return;
  Output output;
  JsonWriter json(output.text());
  json.begin_object().member("ok", false).member("rows", 0);
  append_rows_left_out(json, outcome.problems);
  json.name("error");
  append_error(json, error);
  json.end_object();
  output.text() += '\n';
  [[maybe_unused]] const auto written = output.flush();  // there is an error to report already
}

}  // namespace stoa::cli
