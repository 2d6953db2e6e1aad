#include <fmt/format.h>
#include <stoa/schema.h>

#include <charconv>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "cli/commands.h"
#include "cli/end.h"
#include "cli/json.h"
#include "cli/text.h"
#include "csv/shown.h"

namespace stoa::cli {
namespace {

std::expected<std::shared_ptr<const CompiledSchema>, Error> compile(const std::filesystem::path& file) {
  const auto schema = Schema::from_toml_file(file);
  if (!schema) return std::unexpected(schema.error());
  return schema->compile();
}

std::size_t count_fields(const SchemaModel& model) {
  std::size_t out = 0;
  for (const TableModel& table : model.tables) out += table.fields.size();
  return out;
}

void append_schema(JsonWriter& json, const SchemaModel& model) {
  json.begin_object().member("ok", true).member("name", model.name).member("hash", hash_text(model.hash));
  json.name("tables").begin_array();
  for (const TableId number : model.by_name) {
    const TableModel& table = model.table(number);
    json.begin_object()
        .member("name", table.name)
        .member("storage", table.storage == Storage::dense ? "dense" : "sparse")
        .member("fields", table.fields.size())
        .member("row_bytes", table.bytes)
        .end_object();
  }
  json.end_array().end_object();
}

/// A number and the colon behind it, taken off the front; 0 where there is none.
std::uint64_t take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const char* const end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (digits == 0 || !text.substr(digits).starts_with(':')) return 0;
  text.remove_prefix(digits + 1);
  return number;
}

/// One line of a schema's error: file:line:column: reason, or a reason alone.
void append_mistake(JsonWriter& json, const std::string& file, std::string_view line) {
  json.begin_object();
  if (const std::string shown = csv::printable(file) + ':'; line.starts_with(shown)) {
    line.remove_prefix(shown.size());
    json.member("file", file);
    if (const std::uint64_t number = take_number(line); number != 0) json.member("line", number);
    if (const std::uint64_t column = take_number(line); column != 0) json.member("column", column);
    if (line.starts_with(' ')) line.remove_prefix(1);
  }
  json.member("reason", line).end_object();
}

void append_mistakes(JsonWriter& json, const std::string& file, std::string_view message) {
  json.begin_object().member("ok", false).name("errors").begin_array();
  while (!message.empty()) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    append_mistake(json, file, message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  json.end_array().end_object();
}

}  // namespace

ExitStatus run_check(const CheckOptions& options) {
  Output output;
  JsonWriter json(output.text());
  const auto compiled = compile(options.schema);
  if (!compiled) {
    print_error(compiled.error());
    if (options.json) append_mistakes(json, options.schema.string(), compiled.error().message());
  } else if (options.json) {
    append_schema(json, (*compiled)->model());
  } else {
    const SchemaModel& model = (*compiled)->model();
    const std::size_t fields = count_fields(model);
    fmt::format_to(std::back_inserter(output.text()), "{}: {} is right: {} {}, {} {}, hash {}", options.schema.string(),
                   model.name, model.tables.size(), noun_for(model.tables.size(), "table", "tables"), fields,
                   noun_for(fields, "field", "fields"), hash_text(model.hash));
  }
  if (!output.text().empty()) output.text() += '\n';
  return end_command(output, compiled ? ExitStatus::done : exit_status_of(compiled.error().code()));
}

}  // namespace stoa::cli
