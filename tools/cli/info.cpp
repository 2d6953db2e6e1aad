#include <fmt/format.h>
#include <stoa/database.h>

#include <algorithm>
#include <iterator>

#include "cli/commands.h"
#include "cli/end.h"
#include "cli/json.h"
#include "cli/text.h"

namespace stoa::cli {
namespace {

double milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }
double mebibytes(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void append_json(JsonWriter& json, const Database& database, const Snapshot& snapshot) {
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
      .member("transactions", recovery.transactions)
      .member("milliseconds", milliseconds(recovery.duration))
      .member("dropped_tail", recovery.dropped_tail)
      .end_object();
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
  fmt::format_to(out, "entities   {} in {} archetypes\n", snapshot.count(), metrics.archetypes);
  fmt::format_to(out, "memory     {:.1f} MiB in use, {:.1f} MiB reserved\n", mebibytes(metrics.bytes_in_use),
                 mebibytes(metrics.bytes_reserved));
  fmt::format_to(out, "recovery   {} transactions from the log in {:.0f} ms\n", recovery.transactions,
                 milliseconds(recovery.duration));
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
    append_json(json, *database, snapshot);
    output.text() += '\n';
  } else {
    append_text(output.text(), options.folder, *database, snapshot);
  }
  return end_command(output, ExitStatus::done);
}

}  // namespace stoa::cli
