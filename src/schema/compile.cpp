#include <stoa/schema.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schema/binding.h"
#include "schema/canonical.h"
#include "schema/check.h"
#include "schema/definitions.h"
#include "schema/layout.h"
#include "schema/mistakes.h"
#include "schema/numbering.h"

namespace stoa {
namespace {

using schema::Mistakes;

/// Each C++ type is one table's, and is that table's row byte for byte.
void check_bindings(const detail::SchemaDraft& draft, Mistakes& mistakes) {
  std::map<std::uint32_t, const detail::Binding*> by_type;
  std::map<std::string_view, const detail::Binding*> by_table;
  for (const detail::Binding& binding : draft.bindings) {
    const std::string path = fmt::format("tables.{}", binding.table);
    const std::string& type = binding.type.type_name;
    const ErrorCode code = binding.declares ? ErrorCode::schema_invalid : ErrorCode::schema_mismatch;
    const auto add = [&](std::string reason) { mistakes.push_back({path, std::move(reason), code}); };

    if (const auto [other, is_new] = by_type.emplace(binding.type.type_index, &binding); !is_new) {
      const bool is_repeated = !binding.declares && other->second->table == binding.table;
      if (!is_repeated) {
        add(fmt::format("{} is the row of {} already: one C++ type, one table", type, other->second->table));
      }
      continue;
    }
    if (const auto [other, is_new] = by_table.emplace(binding.table, &binding); !is_new) {
      if (!binding.declares) {  // two declarations have the same name: that is said already
        add(fmt::format("its rows are {} already, not {}: one C++ type, one table", other->second->type.type_name,
                        type));
      }
      continue;
    }
    const auto table = std::ranges::find(draft.model.tables, binding.table, &TableModel::name);
    if (table == draft.model.tables.end()) {
      add(fmt::format("{} is bound to {}, and no table has that name", type, binding.table));
      continue;
    }
    for (const std::string& difference : schema::differences(draft.model, *table, binding.type)) {
      add(binding.declares ? difference + "; describe every member of it, without alignas or packing" : difference);
    }
  }
}

/// Everything that follows from what was said. Requires: nothing is wrong with it.
void complete(detail::SchemaDraft& draft) {
  SchemaModel& model = draft.model;
  std::ranges::sort(model.tables, {}, &TableModel::number);
  for (const TableModel& table : model.tables) model.by_name.push_back(table.number);
  std::ranges::sort(model.by_name, {}, [&](TableId id) -> const std::string& { return model.table(id).name; });
  for (TableModel& table : model.tables) {
    table.by_number.resize(table.fields.size());
    for (std::size_t i = 0; i < table.fields.size(); ++i) {
      FieldModel& field = table.fields[i];
      table.by_number[to_index(field.number)] = static_cast<std::uint16_t>(i);
      if (field.key) field.unique = field.required = true;
      if (field.reference && !field.reference->table.empty()) {
        field.reference->target = model.find(field.reference->table)->number;
      }
    }
  }
  for (const detail::CompoundUnique& rule : draft.compound_uniques) {
    TableModel& table = *detail::find_table(draft, rule.table);
    std::vector<FieldId>& fields = table.unique_together.emplace_back();
    for (const std::string& name : rule.fields) fields.push_back(table.find(name)->number);
  }
  schema::settle_definitions(model);
  for (TableModel& table : model.tables) schema::derive_leaves(model, table);
  model.hash = schema::schema_hash(model);
}

}  // namespace

std::expected<std::shared_ptr<const CompiledSchema>, Error> Schema::compile() const {
  detail::SchemaDraft draft = draft_;
  Mistakes mistakes = draft.mistakes;
  if (schema::check_definitions(draft, mistakes)) {
    schema::lay_out(draft.model);
    schema::check_tables(draft, mistakes);
    check_bindings(draft, mistakes);
  }
  schema::assign_numbers(draft.model, mistakes);
  if (!mistakes.empty()) return std::unexpected(schema::to_error(draft, mistakes));

  complete(draft);
  std::vector<TableId> tables_by_type;
  for (const detail::Binding& binding : draft.bindings) {
    const std::size_t type = binding.type.type_index;
    if (type >= tables_by_type.size()) tables_by_type.resize(type + 1, no_table);
    tables_by_type[type] = draft.model.find(binding.table)->number;
  }
  std::string text = schema::canonical_text(draft.model);
  return std::make_shared<const CompiledSchema>(std::move(draft.model), std::move(tables_by_type), std::move(text));
}

}  // namespace stoa
