#include "cli/diff_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "cli/field_text.h"
#include "cli/json.h"
#include "cli/text.h"

namespace stoa::cli {
namespace {

std::string_view letter(Side side) { return side == Side::a ? "a" : "b"; }
char sign_of(Side side) { return side == Side::a ? '-' : '+'; }

/// As JSON has it, but that different values differ in it: a NaN that is not the usual one has its bits.
void append_exact(JsonWriter& json, const SchemaModel& schema, const FieldModel& field, const Value& value) {
  const auto* const number = std::get_if<double>(&value.variant());
  if (number != nullptr && std::isnan(*number)) {
    json.value(exact_text(schema, field, value));
  } else {
    json.value(schema, field, value);
  }
}

}  // namespace

DiffReport::DiffReport(const DiffOptions& options, const SchemaModel& a, const SchemaModel& b)
    : options_(options),
      a_(a),
      b_(b),
      value_bytes_max_(options.all ? std::numeric_limits<std::size_t>::max() : shown_bytes_max) {}

void DiffReport::schema_difference(std::string_view reason) {
  ++schema_differences_;
  if (options_.json) {
    JsonWriter(output_.text()).begin_object().member("kind", "schema").member("reason", reason).end_object();
    found_ = true;
    end_line();
    return;
  }
  shown_ = 0;  // there are not many, and each may be why rows differ
  begin_line('~');
  fmt::format_to(std::back_inserter(output_.text()), "schema: {}", reason);
  end_line();
}

void DiffReport::begin_section(std::string_view table) {
  sections_.push_back({std::string(table), {}});
  shown_ = 0;
}

void DiffReport::entity(Side only_in, Entity entity) {
  count(only_in);
  if (options_.json) {
    JsonWriter(output_.text())
        .begin_object()
        .member("kind", "entity")
        .member("only_in", letter(only_in))
        .member("entity", entity_text(entity))
        .end_object();
    end_line();
    return;
  }
  if (!begin_line(sign_of(only_in))) return;
  fmt::format_to(std::back_inserter(output_.text()), "entity {}", entity_text(entity));
  end_line();
}

void DiffReport::row(Side only_in, Entity entity, const RowView& row) {
  count(only_in);
  std::string& text = output_.text();
  const SchemaModel& schema = this->schema(only_in);
  const TableModel& table = row.model();
  if (options_.json) {
    JsonWriter json(text);
    json.begin_object()
        .member("kind", "row")
        .member("only_in", letter(only_in))
        .member("table", table.name)
        .member("entity", entity_text(entity));
    json.name("row").begin_object();
    for (const FieldModel& field : table.fields) json.name(field.name).value(schema, field, row.field(field).value());
    json.end_object().end_object();
    end_line();
    return;
  }
  if (!begin_line(sign_of(only_in))) return;
  fmt::format_to(std::back_inserter(text), "{} {}", table.name, entity_text(entity));
  for (const FieldModel& field : table.fields) {
    fmt::format_to(std::back_inserter(text), " {}=", field.name);
    append_value_text(text, schema, field, row.field(field).value(), value_bytes_max_);
  }
  end_line();
}

void DiffReport::differing_row(Entity entity, std::span<const FieldDifference> fields) {
  ++sections_.back().counts.differ;
  const std::string& table = sections_.back().table;
  std::string& text = output_.text();
  if (options_.json) {
    JsonWriter json(text);
    json.begin_object().member("kind", "row").member("table", table).member("entity", entity_text(entity));
    json.name("fields").begin_object();
    for (const FieldDifference& field : fields) {
      json.name(field.field_a->name).begin_object();
      append_exact(json.name("a"), a_, *field.field_a, field.a);
      append_exact(json.name("b"), b_, *field.field_b, field.b);
      json.end_object();
    }
    json.end_object().end_object();
    end_line();
    return;
  }
  if (!begin_line('~')) return;
  fmt::format_to(std::back_inserter(text), "{} {}", table, entity_text(entity));
  for (const FieldDifference& field : fields) {
    fmt::format_to(std::back_inserter(text), " {}=", field.field_a->name);
    append_value_text(text, a_, *field.field_a, field.a, value_bytes_max_);
    text += " -> ";
    append_value_text(text, b_, *field.field_b, field.b, value_bytes_max_);
  }
  end_line();
}

void DiffReport::end_section() {
  const Section& section = sections_.back();
  const std::uint64_t total = section.counts.total();
  if (total == 0) {
    sections_.pop_back();
    return;
  }
  found_ = true;
  if (options_.json || total == shown_) return;
  fmt::format_to(
      std::back_inserter(output_.text()), "... and {} more {}; --all lists them\n", total - shown_,
      section.table.empty() ? std::string(noun_for(total - shown_, "entity", "entities")) : "of " + section.table);
}

std::expected<void, Error> DiffReport::end() {
  options_.json ? append_summary() : append_totals();
  if (!written_) return written_;
  return output_.flush();
}

DiffCounts& DiffReport::count(Side only_in) {
  DiffCounts& counts = sections_.back().counts;
  ++(only_in == Side::a ? counts.only_in_a : counts.only_in_b);
  return counts;
}

bool DiffReport::begin_line(char sign) {
  if (!options_.all && shown_ == shown_lines_max) return false;
  if (!found_) {
    fmt::format_to(std::back_inserter(output_.text()), "- only in A: {}\n+ only in B: {}\n~ differs, A -> B\n\n",
                   options_.a.string(), options_.b.string());
  }
  found_ = true;
  ++shown_;
  output_.text() += sign;
  output_.text() += ' ';
  return true;
}

void DiffReport::end_line() {
  output_.text() += '\n';
  if (written_) written_ = output_.flush_if_large();
}

void DiffReport::append_totals() {
  if (!found_) {
    output_.text() += "no differences\n";
    return;
  }
  const auto out = std::back_inserter(output_.text());
  std::size_t width = std::string_view("entities").size();
  for (const Section& section : sections_) width = std::max(width, section.table.size());
  if (schema_differences_ != 0) fmt::format_to(out, "\nthe schemas differ\n");
  if (sections_.empty()) return;
  fmt::format_to(out, "\n{:<{}}  {:>12}  {:>12}  {:>12}\n", "", width, "only in A", "only in B", "differ");
  for (const Section& section : sections_) {
    fmt::format_to(out, "{:<{}}  {:>12}  {:>12}  {:>12}\n", section.table.empty() ? "entities" : section.table, width,
                   section.counts.only_in_a, section.counts.only_in_b, section.counts.differ);
  }
}

void DiffReport::append_summary() {
  JsonWriter json(output_.text());
  const auto counts = [&json](const DiffCounts& of) {
    json.member("only_in_a", of.only_in_a).member("only_in_b", of.only_in_b);
  };
  const bool has_entities = !sections_.empty() && sections_.front().table.empty();
  json.begin_object().member("kind", "summary").member("equal", !found_);
  json.member("schema_differences", schema_differences_);
  json.name("entities").begin_object();
  counts(has_entities ? sections_.front().counts : DiffCounts{});
  json.end_object().name("tables").begin_array();
  for (const Section& section : sections_) {
    if (section.table.empty()) continue;
    json.begin_object().member("name", section.table);
    counts(section.counts);
    json.member("differ", section.counts.differ).end_object();
  }
  json.end_array().end_object();
  output_.text() += '\n';
}

}  // namespace stoa::cli
