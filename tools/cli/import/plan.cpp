#include "cli/import/plan.h"

#include <fmt/format.h>
#include <stoa/cell_text.h>

#include <algorithm>
#include <utility>

#include "cli/bounds.h"
#include "csv/shown.h"

namespace stoa::cli {
namespace {

/// What a field has that no cell gives a value, as text: the declared default, or zero.
std::string default_text(const SchemaModel& schema, const FieldModel& field) {
  if (field.default_value) return format_value(schema, field, *field.default_value);
  switch (field.type.kind) {
    case FieldKind::boolean: return "false";
    case FieldKind::text:
    case FieldKind::bytes:
    case FieldKind::entity: return {};
    case FieldKind::enumeration: {
      const auto& variants = schema.enums[field.type.definition].variants;
      const auto zero = std::ranges::find(variants, 0, &EnumVariant::value);
      return zero == variants.end() ? "0" : zero->name;
    }
    default: return "0";
  }
}

/// Whether the value that a field has without cell and default is one of its values.
bool may_be_zero(const SchemaModel& schema, const FieldModel& field) {
  FieldModel element = field;
  element.type.extent = 0;
  if (field.type.kind == FieldKind::enumeration)
    return parse_value(schema, element, default_text(schema, element)).has_value();
  if (!field.min && !field.max) return true;
  const auto zero = parse_value(schema, element, "0");  // only numbers have bounds
  return zero && is_in_bounds(field, *zero);
}

/// Why a row cannot do without a value of the field; nothing where it can.
std::string why_needed(const SchemaModel& schema, const FieldModel& field) {
  if (field.key) return fmt::format("{} is the key", field.name);
  if (field.required) return fmt::format("{} is required", field.name);
  if (field.default_value || may_be_zero(schema, field)) return {};
  return fmt::format("{} has no default, and zero is none of its values", field.name);
}

class Planner {
 public:
  Planner(const SchemaModel& schema, const TableModel& table, const csv::Reader& reader, UniqueRules& rules)
      : schema_(schema), reader_(reader), rules_(rules) {
    plan_.table = &table;
  }

  std::expected<FilePlan, Error> run(bool ignore_unknown) {
    const std::span<const std::string> header = reader_.header();
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (auto planned = plan_column(i, header[i], ignore_unknown); !planned) return std::unexpected(planned.error());
    }
    for (const FieldModel& field : plan_.table->fields) {
      const std::string why = why_needed(schema_, field);
      if (!why.empty() && column_of(field) == RulePart::no_column) {
        Place place = reader_.cell_place(0);
        place.column = 0;
        return std::unexpected(Error(ErrorCode::invalid_argument, std::move(place),
                                     fmt::format("there is no column {}, and {}", field.name, why)));
      }
    }
    plan_rules();
    return std::move(plan_);
  }

 private:
  std::expected<void, Error> plan_column(std::size_t at, const std::string& name, bool ignore_unknown) {
    ColumnPlan& column = plan_.columns.emplace_back();
    column.field = plan_.table->find(name);
    if (column.field == nullptr) {
      if (ignore_unknown) return {};
      return refuse(at, fmt::format("table {} has no field {} (--ignore-unknown leaves such columns out)",
                                    plan_.table->name, csv::quoted(name)));
    }
    const FieldModel& field = *column.field;
    column.use = ColumnPlan::Use::value;
    if (const std::string why = why_needed(schema_, field); !why.empty()) {
      column.empty_reason = fmt::format("empty, and {}", why);
    }
    if (!field.reference) return {};
    column.use = ColumnPlan::Use::reference;
    ++plan_.reference_count;
    if (field.reference->target == no_table) {
      return refuse(at, fmt::format("{} may refer to any entity, so no key stands for its target", name));
    }
    const TableModel& target = schema_.table(field.reference->target);
    const FieldModel* key = target.key();
    if (key == nullptr) return refuse(at, fmt::format("{} refers to table {}, which has no key", name, target.name));
    column.target = &rules_.rule(target, {key});
    return {};
  }

  void plan_rules() {
    const TableModel& table = *plan_.table;
    if (const FieldModel* key = table.key()) {
      plan_.has_key = true;
      plan_rule({key});
    }
    for (const FieldModel& field : table.fields) {
      if (field.unique && !field.key) plan_rule({&field});
    }
    for (const std::vector<FieldId>& together : table.unique_together) {
      std::vector<const FieldModel*> fields;
      for (const FieldId number : together) fields.push_back(&table.field(number));
      plan_rule(std::move(fields));
    }
  }

  void plan_rule(std::vector<const FieldModel*> fields) {
    RulePlan plan;
    for (const FieldModel* field : fields) {
      const std::size_t column = column_of(*field);
      if (column != RulePart::no_column) plan_.columns[column].in_rule = true;
      plan.parts.push_back({.column = column,
                            .null_never_collides = field->type.kind == FieldKind::entity,
                            .default_text = default_text(schema_, *field)});
    }
    plan.rule = &rules_.rule(*plan_.table, std::move(fields));
    plan_.rules.push_back(std::move(plan));
  }

  [[nodiscard]] std::size_t column_of(const FieldModel& field) const {
    const auto found = std::ranges::find(plan_.columns, &field, &ColumnPlan::field);
    return found == plan_.columns.end() ? RulePart::no_column : static_cast<std::size_t>(found - plan_.columns.begin());
  }

  [[nodiscard]] std::unexpected<Error> refuse(std::size_t column, std::string reason) const {
    return std::unexpected(Error(ErrorCode::invalid_argument, reader_.cell_place(column), std::move(reason)));
  }

  const SchemaModel& schema_;
  const csv::Reader& reader_;
  UniqueRules& rules_;
  FilePlan plan_;
};

}  // namespace

std::expected<FilePlan, Error> plan_file(const SchemaModel& schema, const TableModel& table, const csv::Reader& reader,
                                         bool ignore_unknown, UniqueRules& rules) {
  return Planner(schema, table, reader, rules).run(ignore_unknown);
}

}  // namespace stoa::cli
