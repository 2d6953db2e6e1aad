#include <fmt/format.h>
#include <stoa/database.h>

#include <string>
#include <vector>

#include "cli/cell_printer.h"
#include "cli/commands.h"
#include "cli/end.h"
#include "cli/json.h"
#include "cli/text.h"
#include "csv/writer.h"

namespace stoa::cli {
namespace {

constexpr std::string_view entity_column = "@entity";  // no field's name: those are identifiers

class Dump {
 public:
  Dump(const DumpOptions& options, const Snapshot& snapshot, const TableModel& table)
      : options_(options), snapshot_(snapshot), table_(table), printer_(snapshot) {}

  std::expected<void, Error> run() {
    if (options_.format == DumpFormat::csv) append_header();
    auto visited = snapshot_.each(table_.name, [this](Entity entity, const RowView& row) {
      if (!written_) return;
      if (options_.format == DumpFormat::csv) {
        append_csv(entity, row);
      } else {
        append_json_object(entity, row);
      }
      written_ = output_.flush_if_large();
    });
    if (!visited) return visited;
    if (!written_) return written_;
    warn_of_ambiguous_cells();
    return output_.flush();
  }

 private:
  void append_header() {
    std::vector<std::string_view> names;
    if (options_.entities) names.push_back(entity_column);
    for (const FieldModel& field : table_.fields) names.push_back(field.name);
    csv::append_record(output_.text(), names);
  }

  void append_csv(Entity entity, const RowView& row) {
    cells_.clear();
    if (options_.entities) cells_.push_back(entity_text(entity));
    for (const FieldModel& field : table_.fields) {
      std::string& cell = cells_.emplace_back(printer_.text(row.field(field)));
      if (cell.empty() && field.default_value) ++ambiguous_cells_;
    }
    views_.assign(cells_.begin(), cells_.end());
    csv::append_record(output_.text(), views_);
  }

  void append_json_object(Entity entity, const RowView& row) {
    std::string& out = output_.text();
    JsonWriter json(out);
    json.begin_object();
    if (options_.entities) json.member(entity_column, entity_text(entity));
    const SchemaModel& schema = snapshot_.schema().model();
    for (const FieldModel& field : table_.fields) {
      json.name(field.name);
      const Value value = row.field(field).value();
      const FieldModel* key = printer_.target_key(field);
      if (key == nullptr || value.is_null()) {
        json.value(schema, field, value);
      } else {
        json.value(schema, *key, printer_.key_of(field, std::get<Entity>(value.variant())));
      }
    }
    json.end_object();
    out += '\n';
  }

  /// In CSV an empty cell is the default, also where the default is not empty.
  void warn_of_ambiguous_cells() const {
    if (ambiguous_cells_ == 0) return;
    print_error(fmt::format("warning: {} empty {} in fields with a default: an import would read the default",
                            ambiguous_cells_, noun_for(ambiguous_cells_, "text is", "texts are")));
  }

  const DumpOptions& options_;
  const Snapshot& snapshot_;
  const TableModel& table_;
  CellPrinter printer_;
  Output output_;
  std::expected<void, Error> written_;
  std::vector<std::string> cells_;
  std::vector<std::string_view> views_;
  std::uint64_t ambiguous_cells_ = 0;
};

std::expected<void, Error> dump(const DumpOptions& options) {
  auto database = Database::open_read_only(options.folder);
  if (!database) return std::unexpected(database.error());
  const Snapshot snapshot = database->snapshot();
  const TableModel* table = snapshot.schema().model().find(options.table);
  if (table == nullptr) return std::unexpected(Error::not_found(fmt::format("table {}", options.table)));
  if (table->is_tag() && options.format == DumpFormat::csv && !options.entities) {
    return std::unexpected(
        Error(ErrorCode::not_found,
              fmt::format("table {} has no fields to dump; --entities lists its entities", table->name)));
  }
  return Dump(options, snapshot, *table).run();
}

}  // namespace

ExitStatus run_dump(const DumpOptions& options) {
  const auto done = dump(options);
  return done ? ExitStatus::done : end_with_error(done.error(), options.json);
}

}  // namespace stoa::cli
