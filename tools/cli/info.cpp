#include <fmt/format.h>
#include <stoa/database.h>

#include <algorithm>
#include <iterator>

#include "cli/commands.h"
#include "cli/end.h"
#include "cli/folder_files.h"
#include "cli/json.h"
#include "cli/text.h"

namespace stoa::cli {
namespace {

double milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }
double mebibytes(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void append_json(JsonWriter& json, const std::filesystem::path& folder, const Database& database,
                 const Snapshot& snapshot) {
  const SchemaModel& model = database.schema().model();
  const Metrics metrics = database.metrics();
  const Recovery& recovery = database.recovery();
  json.begin_object()
      .member("name", model.name)
      .member("version", snapshot.version())
      .member("state_hash", hash_text(snapshot.state_hash()))
      .member("schema_hash", hash_text(model.hash))
      .member("entities", snapshot.count())
      .member("archetypes", metrics.archetypes);
  json.name("tables").begin_array();
  for (const TableId number : model.by_name) {
    const TableModel& table = model.table(number);
    json.begin_object()
        .member("name", table.name)
        .member("rows", snapshot.count(table.name).value())
        .member("row_bytes", table.bytes)
        .member("allocated_bytes", metrics.tables[to_index(number)].allocated_bytes)
        .member("storage", table.storage == Storage::dense ? "dense" : "sparse")
        .end_object();
  }
  json.end_array();
  json.name("memory")
      .begin_object()
      .member("bytes_in_use", metrics.bytes_in_use)
      .member("bytes_reserved", metrics.bytes_reserved)
      .end_object();
  json.name("recovery")
      .begin_object()
      .member("checkpoint", recovery.checkpoint)
      .member("transactions", recovery.transactions)
      .member("milliseconds", milliseconds(recovery.duration))
      .member("passed_by", recovery.passed_by)
      .member("dropped_tail", recovery.dropped_tail)
      .end_object();
  const FolderFiles files = files_in(folder);
  json.name("checkpoints").begin_array();
  for (const CheckpointFile& file : files.checkpoints) {
    json.begin_object().member("version", file.version).member("bytes", file.bytes).end_object();
  }
  json.end_array();
  json.name("log").begin_object().member("segments", files.segments).member("bytes", files.segment_bytes).end_object();
  json.end_object();
}

void append_text(std::string& text, const std::filesystem::path& folder, const Database& database,
                 const Snapshot& snapshot) {
  const SchemaModel& model = database.schema().model();
  const Metrics metrics = database.metrics();
  const Recovery& recovery = database.recovery();
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{}: {} at version {}\n", folder.string(), model.name, snapshot.version());
  fmt::format_to(out, "state      {}\n", hash_text(snapshot.state_hash()));
  fmt::format_to(out, "schema     {}\n", hash_text(model.hash));
  fmt::format_to(out, "entities   {} in {} {}\n", snapshot.count(), metrics.archetypes,
                 noun_for(metrics.archetypes, "archetype", "archetypes"));
  fmt::format_to(out, "memory     {:.1f} MiB in use, {:.1f} MiB reserved\n", mebibytes(metrics.bytes_in_use),
                 mebibytes(metrics.bytes_reserved));
  const FolderFiles files = files_in(folder);
  for (const CheckpointFile& file : files.checkpoints) {
    fmt::format_to(out, "checkpoint version {}, {:.1f} MiB\n", file.version, mebibytes(file.bytes));
  }
  fmt::format_to(out, "log        {} {}, {:.1f} MiB\n", files.segments, noun_for(files.segments, "segment", "segments"),
                 mebibytes(files.segment_bytes));
  fmt::format_to(out, "recovery   from version {}, {} {} from the log in {:.0f} ms\n", recovery.checkpoint,
                 recovery.transactions, noun_for(recovery.transactions, "transaction", "transactions"),
                 milliseconds(recovery.duration));
  if (!recovery.passed_by.empty()) fmt::format_to(out, "passed by  {}\n", recovery.passed_by);
  if (!recovery.dropped_tail.empty()) fmt::format_to(out, "dropped    {}\n", recovery.dropped_tail);

  std::size_t width = 5;
  for (const TableModel& table : model.tables) width = std::max(width, table.name.size());
  fmt::format_to(out, "\n{:<{}}  {:>12}  {:>9}  {:>9}  storage\n", "table", width, "rows", "row bytes", "MiB");
  for (const TableId number : model.by_name) {
    const TableModel& table = model.table(number);
    fmt::format_to(out, "{:<{}}  {:>12}  {:>9}  {:>9.1f}  {}\n", table.name, width, snapshot.count(table.name).value(),
                   table.bytes, mebibytes(metrics.tables[to_index(number)].allocated_bytes),
                   table.storage == Storage::dense ? "dense" : "sparse");
  }
}

}  // namespace

ExitStatus run_info(const InfoOptions& options) {
  auto database = Database::open_read_only(options.folder);
  if (!database) return end_with_error(database.error(), options.json);
  const Snapshot snapshot = database->snapshot();
  Output output;
  if (options.json) {
    JsonWriter json(output.text());
    append_json(json, options.folder, *database, snapshot);
    output.text() += '\n';
  } else {
    append_text(output.text(), options.folder, *database, snapshot);
  }
  return end_command(output, ExitStatus::done);
}

}  // namespace stoa::cli
