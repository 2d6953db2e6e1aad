#include <fmt/format.h>
#include <stoa/database.h>

#include <bit>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/diff_report.h"
#include "cli/end.h"

namespace stoa::cli {
namespace {

/// By bits, as the state hash and the unique rules tell values apart: both zeros and all NaNs are different ones.
bool is_same(const Value& a, const Value& b) {
  const auto* list_a = std::get_if<Value::List>(&a.variant());
  const auto* list_b = std::get_if<Value::List>(&b.variant());
  if (list_a != nullptr && list_b != nullptr) return std::ranges::equal(*list_a, *list_b, is_same);
  const auto* number_a = std::get_if<double>(&a.variant());
  const auto* number_b = std::get_if<double>(&b.variant());
  if (number_a != nullptr && number_b != nullptr) {
    return std::bit_cast<std::uint64_t>(*number_a) == std::bit_cast<std::uint64_t>(*number_b);
  }
  return a == b;
}

bool has_same_type(const FieldModel& a, const FieldModel& b) {
  return a.type.kind == b.type.kind && a.type.extent == b.type.extent && a.bytes == b.bytes;
}

/// A table that both have, and its fields that can be compared.
struct CommonTable {
  const TableModel* a = nullptr;
  const TableModel* b = nullptr;
  std::vector<std::pair<const FieldModel*, const FieldModel*>> fields;
};

class Comparison {
 public:
  Comparison(const Snapshot& a, const Snapshot& b, DiffReport& report)
      : a_(a), b_(b), schema_a_(a.schema().model()), schema_b_(b.schema().model()), report_(report) {}

  void run() {
    compare_schemas();
    compare_entities();
    for (const auto& [name, table] : tables_) compare_rows(name, table);
  }

 private:
  void compare_schemas() {
    for (const TableModel& table : schema_a_.tables) tables_[table.name].a = &table;
    for (const TableModel& table : schema_b_.tables) tables_[table.name].b = &table;
    const bool differ = schema_a_.hash != schema_b_.hash;
    bool explained = false;
    const auto tell = [&](const std::string& reason) {
      report_.schema_difference(reason);
      explained = true;
    };
    if (schema_a_.name != schema_b_.name) {
      tell(fmt::format("the database's name is {} in A and {} in B", schema_a_.name, schema_b_.name));
    }
    for (auto& [name, table] : tables_) {
      if (table.a == nullptr || table.b == nullptr) {
        tell(fmt::format("table {} is only in {}", name, table.a != nullptr ? 'A' : 'B'));
        continue;
      }
      for (const FieldModel& field : table.a->fields) {
        const FieldModel* const other = table.b->find(field.name);
        if (other == nullptr) {
          tell(fmt::format("field {}.{} is only in A", name, field.name));
        } else if (!has_same_type(field, *other)) {
          tell(fmt::format("field {}.{} has another type in B: its values are not compared", name, field.name));
        } else {
          table.fields.emplace_back(&field, other);
        }
      }
      for (const FieldModel& field : table.b->fields) {
        if (table.a->find(field.name) == nullptr) tell(fmt::format("field {}.{} is only in B", name, field.name));
      }
    }
    if (differ && !explained) tell("rules, defaults, numbers, enum variants or storage differ");
  }

  void compare_entities() {
    report_.begin_section({});
    a_.each([&](Entity entity) {
      if (!b_.alive(entity)) report_.entity(Side::a, entity);
    });
    b_.each([&](Entity entity) {
      if (!a_.alive(entity)) report_.entity(Side::b, entity);
    });
    report_.end_section();
  }

  void compare_rows(const std::string& name, const CommonTable& table) {
    report_.begin_section(name);
    if (table.a != nullptr) {
      (void)a_.each(name, [&](Entity entity, const RowView& row) {  // it has the table
        if (table.b == nullptr || !b_.has(name, entity).value_or(false)) {
          report_.row(Side::a, entity, row);
        } else {
          compare_fields(entity, table, row, b_.row(name, entity).value());
        }
      });
    }
    if (table.b != nullptr) {
      (void)b_.each(name, [&](Entity entity, const RowView& row) {
        if (table.a == nullptr || !a_.has(name, entity).value_or(false)) report_.row(Side::b, entity, row);
      });
    }
    report_.end_section();
  }

  void compare_fields(Entity entity, const CommonTable& table, const RowView& row_a, const RowView& row_b) {
    differences_.clear();
    for (const auto& [field_a, field_b] : table.fields) {
      Value value_a = row_a.field(*field_a).value();
      Value value_b = row_b.field(*field_b).value();
      if (!is_same(value_a, value_b)) {
        differences_.push_back({field_a, field_b, std::move(value_a), std::move(value_b)});
      }
    }
    if (!differences_.empty()) report_.differing_row(entity, differences_);
  }

  const Snapshot& a_;
  const Snapshot& b_;
  const SchemaModel& schema_a_;
  const SchemaModel& schema_b_;
  DiffReport& report_;
  std::map<std::string, CommonTable> tables_;  // by name, and so in its order
  std::vector<FieldDifference> differences_;   // of one row
};

// 1 says that the two differ, so nothing else may.
ExitStatus end_uncompared(const Error& error, bool json) {
  (void)end_with_error(error, json);
  return ExitStatus::call_wrong;
}

}  // namespace

ExitStatus run_diff(const DiffOptions& options) {
  auto a = Database::open_read_only(options.a);
  if (!a) return end_uncompared(a.error(), options.json);
  auto b = Database::open_read_only(options.b);
  if (!b) return end_uncompared(b.error(), options.json);
  const Snapshot snapshot_a = a->snapshot();
  const Snapshot snapshot_b = b->snapshot();
  DiffReport report(options, snapshot_a.schema().model(), snapshot_b.schema().model());
  Comparison(snapshot_a, snapshot_b, report).run();
  if (const auto written = report.end(); !written) return end_uncompared(written.error(), options.json);
  return report.found_any() ? ExitStatus::data_wrong : ExitStatus::done;
}

}  // namespace stoa::cli
