#include "cli/import/import.h"

#include <fmt/format.h>
#include <stoa/database.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/import/load.h"
#include "cli/import/report.h"
#include "cli/import/run.h"
#include "cli/import/settle.h"
#include "cli/import/survey.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "csv/byte_source.h"
#include "csv/reader.h"

namespace stoa::cli {
namespace {

std::expected<FileStamp, Error> stamp(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found && error != std::errc::not_a_directory) {
    return std::unexpected(Error(ErrorCode::not_found, Place{file.string()}, "there is no such file"));
  }
  if (error) return std::unexpected(Error(ErrorCode::io, Place{file.string()}, error.message()));
  if (!std::filesystem::is_regular_file(status)) {
    return std::unexpected(
        Error(ErrorCode::io, Place{file.string()}, "not a plain file, and an import reads its files twice"));
  }
  FileStamp out;
  out.bytes = std::filesystem::file_size(file, error);
  if (!error) out.changed = std::filesystem::last_write_time(file, error);
  if (error) return std::unexpected(Error(ErrorCode::io, Place{file.string()}, error.message()));
  return out;
}

std::expected<std::vector<ImportFile>, Error> find_files(const ImportOptions& options) {
  std::vector<ImportFile> out;
  for (const TableFile& file : options.files) {
    const auto found = stamp(file.file);
    if (!found) return std::unexpected(found.error());
    out.emplace_back();
    out.back().path = file.file;
    out.back().stamp = *found;
  }
  return out;
}

std::expected<csv::Reader, Error> open_reader(const ImportOptions& options, const ImportFile& file) {
  auto source = csv::open_file(file.path);
  if (!source) return std::unexpected(source.error());
  return csv::Reader::open(std::move(*source), {.record_bytes_max = options.line_bytes_max});
}

/// The schema that was asked for, if one was.
std::expected<std::optional<Schema>, Error> read_schema(const ImportOptions& options) {
  if (!options.schema) return std::nullopt;
  auto schema = Schema::from_toml_file(*options.schema);
  if (!schema) return std::unexpected(schema.error());
  if (const auto compiled = schema->compile(); !compiled) return std::unexpected(compiled.error());
  return std::move(*schema);
}

/// However much a run writes, it is one transaction: memory alone bounds it.
Options database_options() {
  Options options;
  options.transaction_bytes_max = std::numeric_limits<std::size_t>::max();
  return options;
}

/// A database that is there is opened with its own schema: with another, that differs in its indexes, the folder would
/// keep that one, whether the import stands or not. adopt_indexes() has it kept then.
std::expected<Database, Error> open_database(const ImportOptions& options, const std::optional<Schema>& schema) {
  auto database = Database::open_existing(options.folder, database_options());
  if (!schema) {
    if (!database && database.error().code() == ErrorCode::not_found) {
      return std::unexpected(Error(ErrorCode::not_found, Place{options.folder.string()},
                                   "there is no database; a new one needs --schema"));
    }
    return database;
  }
  const bool is_wanted = database && database->schema().hash() == schema->compile().value()->hash();
  if (is_wanted || (!database && database.error().code() == ErrorCode::locked)) return database;
  if (database) {
    if (auto closed = database->close(); !closed) return std::unexpected(closed.error());
  }
  return Database::open(options.folder, *schema, database_options());  // makes it, or says what is wrong
}

/// Requires: the two differ in nothing but indexes.
bool has_indexes_of(const SchemaModel& a, const SchemaModel& b) {
  return std::ranges::all_of(a.tables, [&b](const TableModel& table) {
    const TableModel& other = *b.find(table.name);
    return std::ranges::all_of(
        table.fields, [&other](const FieldModel& field) { return field.index == other.find(field.name)->index; });
  });
}

/// Has the folder ask for the indexes that the schema asks for, as opening it does. Requires: nobody has it open.
std::expected<void, Error> adopt_indexes(const ImportOptions& options, const CompiledSchema& kept,
                                         const Schema& schema) {
  if (has_indexes_of(kept.model(), schema.compile().value()->model())) return {};
  auto database = Database::open(options.folder, schema);
  return database ? database->close() : std::unexpected(database.error());
}

/// Everything but the opening and closing of the database.
class Import {
 public:
  Import(const ImportOptions& options, Database& database, std::vector<ImportFile>& files)
      : options_(options),
        database_(database),
        snapshot_(database.snapshot()),
        rules_(snapshot_),
        problems_(options.on_error),
        progress_(options.progress, bytes_to_read(files)),
        run_{database.schema().model(), rules_, files, problems_, progress_} {}

  std::expected<void, Error> run() {
    if (auto known = check_tables(); !known) return known;
    if (auto surveyed = survey(); !surveyed) return surveyed;
    if (auto settled = settle(run_); !settled) return settled;
    rules_.forget_values();  // the transaction needs the room
    const auto commit = database_.write([this](Writer& writer) { return load(writer); });
    progress_.end_line();
    if (!commit) return std::unexpected(commit.error());
    version_ = commit->version;
    return {};
  }

  [[nodiscard]] Version version() const { return version_; }
  [[nodiscard]] const Problems& problems() const { return problems_; }

 private:
  static std::uint64_t bytes_to_read(const std::vector<ImportFile>& files) {
    std::uint64_t out = 0;
    for (const ImportFile& file : files) out += 2 * file.stamp.bytes;
    return out;
  }

  std::expected<void, Error> check_tables() {
    for (std::size_t i = 0; i < run_.files.size(); ++i) {
      run_.files[i].plan.table = run_.schema.find(options_.files[i].table);
      if (run_.files[i].plan.table == nullptr) {
        return std::unexpected(Error::not_found(fmt::format("table {}", options_.files[i].table)));
      }
    }
    return {};
  }

  std::expected<void, Error> survey() {
    progress_.begin("checking");
    for (std::uint32_t i = 0; i < run_.files.size(); ++i) {
      ImportFile& file = run_.files[i];
      auto reader = open_reader(options_, file);
      if (!reader) return std::unexpected(reader.error());
      auto plan = plan_file(run_.schema, *file.plan.table, *reader, options_.ignore_unknown, rules_);
      if (!plan) return std::unexpected(plan.error());
      file.plan = std::move(*plan);
      progress_.begin_file(file.stamp.bytes);
      if (auto surveyed = survey_file(run_, i, *reader); !surveyed) return surveyed;
    }
    progress_.end();
    return {};
  }

  std::expected<void, Error> load(Writer& writer) {
    progress_.begin("loading");
    for (std::uint32_t i = 0; i < run_.files.size(); ++i) {
      auto reader = open_reader(options_, run_.files[i]);
      if (!reader) return std::unexpected(reader.error());
      progress_.begin_file(run_.files[i].stamp.bytes);
      if (auto loaded = load_file(run_, i, *reader, writer); !loaded) return loaded;
      if (stamp(run_.files[i].path) != run_.files[i].stamp) {
        return std::unexpected(
            Error(ErrorCode::conflict, Place{run_.files[i].path.string()}, "the file changed during the import"));
      }
    }
    progress_.end();
    return {};
  }

  const ImportOptions& options_;
  Database& database_;
  Snapshot snapshot_;
  UniqueRules rules_;
  Problems problems_;
  Progress progress_;
  ImportRun run_;
  Version version_ = 0;
};

/// Leaves in `outcome` what was done.
std::expected<void, Error> import_into(Database& database, const ImportOptions& options, std::vector<ImportFile>& files,
                                       ImportOutcome& outcome) {
  {
    Import import(options, database, files);
    const auto done = import.run();
    outcome.problems = import.problems();
    if (!done) return done;
    outcome.version = import.version();
  }
  return database.close();
}

/// The same. Memory that runs out is an error like any other: a world that was made for the run must go with it.
std::expected<void, Error> try_import(Database& database, const ImportOptions& options, std::vector<ImportFile>& files,
                                      ImportOutcome& outcome) {
  try {
    return import_into(database, options, files, outcome);
  } catch (const std::bad_alloc&) {
    return std::unexpected(Error::out_of_memory());
  }
}

}  // namespace

ExitStatus run_import(const ImportOptions& options) {
  ImportOutcome outcome;
  const auto fail = [&](const Error& error) {
    report_failure(options, outcome, error);
    return exit_status_of(error.code());
  };
  catch_interrupts();
  const auto began = std::chrono::steady_clock::now();
  auto files = find_files(options);
  if (!files) return fail(files.error());
  const auto schema = read_schema(options);
  if (!schema) return fail(schema.error());
  auto database = open_database(options, *schema);
  if (!database) return fail(database.error());

  auto done = try_import(*database, options, *files, outcome);
  // A world that was made for this import goes with it; errors are left at that, as something else is being reported.
  if (!done && database->recovery().created) (void)database->close_and_remove();
  // Closed, and not destroyed: the plans of the files refer to its schema.
  if (auto closed = database->close(); done && !closed) done = std::unexpected(std::move(closed.error()));
  if (!done) {
    end_if_interrupted();
    return fail(done.error());
  }
  if (*schema) {
    if (const auto adopted = adopt_indexes(options, database->schema(), **schema); !adopted) {
      print_error(fmt::format("the rows are committed; {} has not got the schema's indexes", options.folder.string()));
      return fail(adopted.error());
    }
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return report_success(options, outcome, *files);
}

}  // namespace stoa::cli
