#include <fmt/format.h>
#include <stoa/cell_text.h>
#include <stoa/database.h>

#include <iterator>
#include <string>
#include <vector>

#include "cli/bounds.h"
#include "cli/commands.h"
#include "cli/end.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/text_index.h"

namespace stoa::cli {
namespace {

constexpr std::size_t violations_shown_max = 20;

struct Findings {
  std::uint64_t rows = 0;
  std::uint64_t references = 0;  // that are not null
  std::uint64_t unique_values = 0;
  std::uint64_t bounded_values = 0;
  std::uint64_t required_values = 0;
  std::uint64_t violation_count = 0;
  std::vector<std::string> violations;  // the first of them

  void add(std::string violation) {
    ++violation_count;
    if (violations.size() < violations_shown_max) violations.push_back(std::move(violation));
  }
};

/// Fields whose values together belong to one row, and those seen so far.
struct Rule {
  std::vector<const FieldModel*> fields;
  TextIndex values;
  std::vector<Entity> holders;
};

/// Judges one table from its rows alone: nothing that the database derived from them is believed.
class TableVerifier {
 public:
  TableVerifier(const Snapshot& snapshot, const TableModel& table, Findings& findings)
      : snapshot_(snapshot), schema_(snapshot.schema().model()), table_(table), findings_(findings) {
    for (const FieldModel& field : table.fields) {
      if (field.unique || field.key) rules_.push_back({{&field}, {}, {}});
    }
    for (const std::vector<FieldId>& together : table.unique_together) {
      Rule& rule = rules_.emplace_back();
      for (const FieldId number : together) rule.fields.push_back(&table.field(number));
    }
  }

  void run() {
    std::uint64_t rows = 0;
    const auto visited = snapshot_.each(table_.name, [&](Entity entity, const RowView& row) {
      ++rows;
      if (!snapshot_.alive(entity)) {
        findings_.add(fmt::format("{}: a row of entity {}, which is not alive", table_.name, entity_text(entity)));
      }
      for (const FieldModel& field : table_.fields) judge_field(entity, field, row.field(field).value());
      for (Rule& rule : rules_) judge_rule(entity, rule, row);
    });
    const std::size_t counted = snapshot_.count(table_.name).value_or(0);
    if (!visited || rows != counted) {
      findings_.add(fmt::format("{}: {} rows, but its count says {}", table_.name, rows, counted));
    }
    findings_.rows += rows;
  }

 private:
  void add(Entity entity, const FieldModel& field, std::string_view what) {
    findings_.add(fmt::format("{}.{}: entity {} {}", table_.name, field.name, entity_text(entity), what));
  }

  void judge_field(Entity entity, const FieldModel& field, const Value& value) {
    if (field.required || field.key) {
      ++findings_.required_values;
      const auto* text = std::get_if<std::string>(&value.variant());
      const bool is_text = field.type.kind == FieldKind::text;
      if (value.is_null() || (is_text && text != nullptr && text->empty())) {
        add(entity, field, "has no value, and one is required");
      }
    }
    if (field.min || field.max) {
      ++findings_.bounded_values;
      if (!is_in_bounds(field, value)) {
        add(entity, field,
            fmt::format("has {}, which is not {}", format_value(schema_, field, value), format_bounds(schema_, field)));
      }
    }
    if (field.reference && !value.is_null()) judge_reference(entity, field, std::get<Entity>(value.variant()));
  }

  void judge_reference(Entity entity, const FieldModel& field, Entity target) {
    ++findings_.references;
    if (field.reference->target == no_table) {
      if (!snapshot_.alive(target)) {
        add(entity, field, fmt::format("refers to entity {}, which is not alive", entity_text(target)));
      }
      return;
    }
    const std::string& table = schema_.table(field.reference->target).name;
    if (!snapshot_.has(table, target).value_or(false)) {
      add(entity, field, fmt::format("refers to entity {}, which has no row in {}", entity_text(target), table));
    }
  }

  void judge_rule(Entity entity, Rule& rule, const RowView& row) {
    value_.clear();
    for (const FieldModel* field : rule.fields) {
      const Value value = row.field(*field).value();
      if (value.is_null()) return;  // null never collides
      append_part(value_, rule.fields.size(), exact_text(schema_, *field, value));
    }
    ++findings_.unique_values;
    const std::uint32_t number = rule.values.add(value_);
    if (number == rule.holders.size()) {
      rule.holders.push_back(entity);
      if (rule.fields.size() == 1) judge_index(entity, *rule.fields.front(), row);
      return;
    }
    std::string names;
    for (const FieldModel* field : rule.fields) names += (names.empty() ? "" : ", ") + field->name;
    findings_.add(fmt::format("{}({}): entity {} has the same values as entity {}", table_.name, names,
                              entity_text(entity), entity_text(rule.holders[number])));
  }

  /// What the database finds by the value is the row that has it.
  void judge_index(Entity entity, const FieldModel& field, const RowView& row) {
    const auto found = snapshot_.find(table_.name, field.name, row.field(field).value());
    if (!found || *found != entity) add(entity, field, "is not what its own value finds");
  }

  const Snapshot& snapshot_;
  const SchemaModel& schema_;
  const TableModel& table_;
  Findings& findings_;
  std::vector<Rule> rules_;
  std::string value_;
};

void append_json(JsonWriter& json, const Findings& findings, const Database& database, const Snapshot& snapshot) {
  json.begin_object()
      .member("ok", findings.violation_count == 0)
      .member("version", snapshot.version())
      .member("state_hash", hash_text(snapshot.state_hash()))
      .member("rows", findings.rows)
      .member("references", findings.references)
      .member("unique_values", findings.unique_values)
      .member("required_values", findings.required_values)
      .member("bounded_values", findings.bounded_values)
      .member("checkpoint_passed_by", database.recovery().passed_by)
      .member("dropped_tail", database.recovery().dropped_tail)
      .member("violation_count", findings.violation_count)
      .name("violations")
      .begin_array();
  for (const std::string& violation : findings.violations) json.value(violation);
  json.end_array().end_object();
}

void append_text(std::string& text, const std::filesystem::path& folder, const Findings& findings,
                 const Database& database, const Snapshot& snapshot) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{}: version {}, state {}\n", folder.string(), snapshot.version(),
                 hash_text(snapshot.state_hash()));
  const std::string& passed_by = database.recovery().passed_by;
  if (!passed_by.empty()) fmt::format_to(out, "passed by  {}\n", passed_by);
  const std::string& dropped = database.recovery().dropped_tail;
  if (!dropped.empty()) fmt::format_to(out, "dropped    {}\n", dropped);
  const auto append = [&out](std::uint64_t count, std::string_view one, std::string_view more) {
    fmt::format_to(out, "{:>12} {}\n", count, noun_for(count, one, more));
  };
  append(findings.rows, "row", "rows");
  append(findings.references, "reference", "references");
  append(findings.unique_values, "unique value", "unique values");
  append(findings.required_values, "required value", "required values");
  append(findings.bounded_values, "value with bounds", "values with bounds");
  append(findings.violation_count, "violation", "violations");
}

void print_violations(const Findings& findings) {
  for (const std::string& violation : findings.violations) print_error(violation);
  const std::uint64_t more = findings.violation_count - findings.violations.size();
  if (more != 0)
    print_error(fmt::format("{} more {} not shown", more, noun_for(more, "violation is", "violations are")));
}

}  // namespace

ExitStatus run_verify(const VerifyOptions& options) {
  auto database = Database::open_read_only(options.folder);
  if (!database) return end_with_error(database.error(), options.json);
  const Snapshot snapshot = database->snapshot();
  Findings findings;
  for (const TableModel& table : snapshot.schema().model().tables) TableVerifier(snapshot, table, findings).run();
  for (const std::string& index : snapshot.wrong_indexes()) {
    findings.add(fmt::format("{}: its index is not what the rows say", index));
  }

  print_violations(findings);
  Output output;
  if (options.json) {
    JsonWriter json(output.text());
    append_json(json, findings, *database, snapshot);
    output.text() += '\n';
  } else {
    append_text(output.text(), options.folder, findings, *database, snapshot);
  }
  return end_command(output, findings.violation_count == 0 ? ExitStatus::done : ExitStatus::data_wrong);
}

}  // namespace stoa::cli
