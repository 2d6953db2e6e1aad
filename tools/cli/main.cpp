// The command line `stoa`: which command, with which options. What commands do is in their own files.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <csignal>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/import/import.h"
#include "cli/output.h"

namespace stoa::cli {
namespace {

constexpr const char* exit_statuses =
    "Exit status: 0 done; 1 the data is wrong (a schema, a file, a database's content); 2 the call is wrong or cannot "
    "be\n"
    "done (an option, a name, a folder that is no database or in use, a full disk).";

using Run = std::function<ExitStatus()>;

// One of a few words. CLI11's own validators tell the number behind a word instead of the word.
template <typename T>
CLI::Validator one_of(std::map<std::string, T> choices) {
  return {[choices = std::move(choices)](std::string& word) -> std::string {
            const auto found = choices.find(word);
            if (found == choices.end()) {
              std::vector<std::string_view> words;
              for (const auto& choice : choices) words.emplace_back(choice.first);
              return fmt::format("it is {}, and not \"{}\"", fmt::join(words, " or "), word);
            }
            word = std::to_string(static_cast<int>(found->second));
            return {};
          },
          ""};
}

// CLI11 takes "-1" for the greatest number there is.
CLI::Validator a_version() {
  return {[](std::string& word) -> std::string {
            Version version = 0;
            const char* const end = word.data() + word.size();
            const auto [stop, error] = std::from_chars(word.data(), end, version);
            if (error == std::errc() && stop == end) return {};
            return fmt::format("it is a version's number, and not \"{}\"", word);
          },
          ""};
}

void add_json(CLI::App& command, bool& json) { command.add_flag("--json", json, "The result as one JSON object"); }

void add_check(CLI::App& app, CheckOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("check", "Check a schema");
  command.add_option("SCHEMA", options.schema, "A schema.toml")->required();
  add_json(command, options.json);
  command.callback([&] { run = [&options] { return run_check(options); }; });
}

void split_table_files(const std::vector<std::string>& pairs, std::vector<TableFile>& into) {
  for (const std::string& pair : pairs) {
    const std::size_t sign = pair.find('=');
    if (sign == std::string::npos || sign == 0 || sign + 1 == pair.size()) {
      throw CLI::ValidationError("TABLE=FILE", fmt::format("\"{}\" is not of the form TABLE=FILE", pair));
    }
    into.push_back({pair.substr(0, sign), pair.substr(sign + 1)});
  }
}

void add_import(CLI::App& app, ImportOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("import", "Add the rows of CSV files to a database, all in one transaction");
  command.footer(
      "Each row becomes an entity with a row in TABLE. Columns are matched to fields by the names in the header line; "
      "a\n"
      "field without a column gets its default. A column that references a table holds that table's key, also of a "
      "row\n"
      "that comes later in the same run. An empty cell is null for a reference and the default for another field.\n"
      "Errors are file:line:cell: reason; cells count from 1.\n\n" +
      std::string(exit_statuses));
  command.add_option("DB", options.folder, "The database's folder; created if it is new")->required();
  static std::vector<std::string> pairs;
  command.add_option("TABLE=FILE", pairs, "A table and the file with its rows: CSV, or CSV in zstd if it ends in .zst")
      ->required();
  command.add_option("--schema", options.schema, "The schema.toml; without it the folder's own");
  command.add_flag("--ignore-unknown", options.ignore_unknown, "Leave out columns that are no fields");
  command
      .add_option("--on-error", options.on_error,
                  "At a bad row: stop, and keep nothing of the run; or skip it, and rows that refer to it")
      ->transform(one_of<OnError>({{"stop", OnError::stop}, {"skip", OnError::skip}}))
      ->option_text("stop|skip [stop]");
  command.add_option("--line-limit", options.line_bytes_max, "The longest record, in bytes")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30U))
      ->option_text("BYTES [1048576]");
  command.add_flag("--progress", options.progress, "Show progress also where standard error is no terminal");
  add_json(command, options.json);
  command.callback([&] {
    split_table_files(pairs, options.files);
    run = [&options] { return run_import(options); };
  });
}

void add_info(CLI::App& app, InfoOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("info", "Show what a database holds; also while a program has it open");
  command.add_option("DB", options.folder, "The database's folder")->required();
  add_json(command, options.json);
  command.callback([&] { run = [&options] { return run_info(options); }; });
}

void add_dump(CLI::App& app, DumpOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("dump", "Write the rows of a table");
  command.footer("A reference to a table with a key is written as that key, so that `stoa import` can read it.\n\n" +
                 std::string(exit_statuses));
  command.add_option("DB", options.folder, "The database's folder")->required();
  command.add_option("TABLE", options.table, "The table")->required();
  CLI::Option* const format = command.add_option("--format", options.format, "CSV, or JSON with one object a line");
  format->transform(one_of<DumpFormat>({{"csv", DumpFormat::csv}, {"json", DumpFormat::json}}))
      ->option_text("csv|json [csv]");
  command.add_flag("--json", options.json, "JSON, as --format json has it; an error is a JSON object, too")
      ->excludes(format);
  command.add_flag("--entities", options.entities, "With the entities, as a first column @entity");
  command.callback([&] {
    if (options.json) options.format = DumpFormat::json;
    run = [&options] { return run_dump(options); };
  });
}

void add_verify(CLI::App& app, VerifyOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("verify", "Read all of a database and check every rule of its schema");
  command.add_option("DB", options.folder, "The database's folder")->required();
  add_json(command, options.json);
  command.callback([&] { run = [&options] { return run_verify(options); }; });
}

void add_log(CLI::App& app, LogOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("log", "Show what was committed, transaction by transaction");
  command.footer(
      "Each transaction has a line with its version, when it was committed, the user's tag if it has one, and how "
      "much\n"
      "it changed; then a line for each operation: create and delete are of entities, with delete go all their rows;\n"
      "insert, update and remove are of rows, in the table that is named. An entity is index:generation. Of tables "
      "that\n"
      "are not logged nothing is here. A program may have the database open; what it committed last may be shown "
      "before\n"
      "it is on the disk. With --follow it ends when it is interrupted, or nobody reads its output, and that is "
      "well.\n\n" +
      std::string(exit_statuses));
  command.add_option("DB", options.folder, "The database's folder")->required();
  command.add_option("--from", options.from, "The first version to show; an error where the log begins above it")
      ->check(a_version())
      ->option_text("VERSION [the first there is]");
  command.add_flag("--follow", options.follow, "Go on with what is committed from now on");
  command.add_flag("--all", options.all, "All operations of a transaction, where else 20 are, and long values whole");
  command.add_flag("--json", options.json, "A JSON object a line for each transaction, with all its operations");
  command.callback([&] { run = [&options] { return run_log(options); }; });
}

void add_diff(CLI::App& app, DiffOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("diff", "Compare the content of two databases");
  command.footer(
      "Entities by their ids, rows by entity and table, fields by name; values are the same where their bits are.\n"
      "Versions, and how the two came to be, do not matter. Programs may have them open.\n\n"
      "Exit status: 0 there is no difference; 1 there are differences; 2 they could not be compared (the call is "
      "wrong,\n"
      "a folder is no database or is damaged).");
  command.add_option("A", options.a, "A database's folder")->required();
  command.add_option("B", options.b, "Another one's")->required();
  command.add_flag("--all", options.all, "All differences, where else 20 of a table are, and long values whole");
  command.add_flag("--json", options.json, "A JSON object a line for each difference, and a last one with the totals");
  command.callback([&] { run = [&options] { return run_diff(options); }; });
}

void add_checkpoint(CLI::App& app, CheckpointOptions& options, Run& run) {
  CLI::App& command = *app.add_subcommand("checkpoint", "Write the whole state, and drop what of the log it replaces");
  command.footer("The newest two are kept, and the log since the older one, should the newest ever be damaged.\n\n" +
                 std::string(exit_statuses));
  command.add_option("DB", options.folder, "The database's folder, which no program may have open")->required();
  add_json(command, options.json);
  command.callback([&] { run = [&options] { return run_checkpoint(options); }; });
}

ExitStatus run(int argc, char** argv) {
  CLI::App app("stoa: databases of the stoa library, from the command line", "stoa");
  app.set_version_flag("--version", "stoa " STOA_VERSION);
  app.require_subcommand(1);
  app.footer(exit_statuses);

  Run run;
  CheckOptions check;
  ImportOptions import;
  InfoOptions info;
  DumpOptions dump;
  LogOptions log;
  DiffOptions diff;
  VerifyOptions verify;
  CheckpointOptions checkpoint;
  add_check(app, check, run);
  add_import(app, import, run);
  add_info(app, info, run);
  add_dump(app, dump, run);
  add_log(app, log, run);
  add_diff(app, diff, run);
  add_verify(app, verify, run);
  add_checkpoint(app, checkpoint, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error), ExitStatus::done;  // --help, --version
    const auto called = app.get_subcommands();
    if (called.empty() && argc > 1 && argv[1][0] != '-') {
      print_error(fmt::format(
          "there is no command \"{}\"; there are check, import, info, dump, log, diff, verify and checkpoint",
          argv[1]));
    } else {
      print_error(std::string_view(error.what()));
    }
    print_error(
        fmt::format("stoa {}--help says how it is called", called.empty() ? "" : called.front()->get_name() + " "));
    return ExitStatus::call_wrong;
  }
  return run();
}

}  // namespace
}  // namespace stoa::cli

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error with its reason, as a full disk is
  try {
    return static_cast<int>(stoa::cli::run(argc, argv));
  } catch (const std::bad_alloc&) {
    stoa::cli::print_error("out of memory");
    return static_cast<int>(stoa::cli::ExitStatus::call_wrong);
  }
}
