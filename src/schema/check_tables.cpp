#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/check.h"
#include "schema/kinds.h"
#include "schema/row_codec.h"
#include "schema/value_codec.h"

namespace stoa::schema {
namespace {

class TableCheck {
 public:
  TableCheck(detail::SchemaDraft& draft, Mistakes& mistakes)
      : draft_(draft), schema_(draft.model), mistakes_(mistakes) {
    for (const TableModel& table : schema_.tables) tables_.emplace(table.name, &table);
  }

  void run() {
    for (TableModel& table : schema_.tables) {
      table_ = &table;
      path_ = fmt::format("tables.{}", table.name);
      if (table.bytes > row_bytes_max) {
        add(fmt::format("a row of {} is {} bytes, more than {}", table.name, table.bytes, row_bytes_max));
      }
      const FieldModel* key = nullptr;
      for (FieldModel& field : table.fields) {
        path_ = fmt::format("tables.{}.fields.{}", table.name, field.name);
        check_search(field);
        if (field.key) {
          if (key != nullptr)
            add("key", fmt::format("{} and {} are both keys of {}", key->name, field.name, table.name));
          key = &field;
        }
        if (field.reference) check_reference(field);
        check_values(field);
      }
    }
    for (const detail::CompoundUnique& rule : draft_.compound_uniques) check_compound(rule);
  }

 private:
  void add(std::string reason) { mistakes_.push_back({path_, std::move(reason)}); }
  void add(std::string_view part, std::string reason) {
    mistakes_.push_back({fmt::format("{}.{}", path_, part), std::move(reason)});
  }

  static bool is_searchable(const FieldModel& field) {
    return field.type.extent == 0 && field.type.kind != FieldKind::structure;
  }

  void check_search(const FieldModel& field) {
    const std::string type = type_text(schema_, field.type);
    if (!is_searchable(field)) {
      if (field.key) add("key", fmt::format("{} is {}: arrays and structs are no keys", field.name, type));
      if (field.unique) add("unique", fmt::format("{} is {}: arrays and structs cannot be unique", field.name, type));
      if (field.index) add("index", fmt::format("{} is {}: arrays and structs have no index", field.name, type));
    } else if (field.key && field.type.kind == FieldKind::entity) {
      add("key", fmt::format("{} is an entity: a key is what stands for one in a file", field.name));
    }
  }

  void check_reference(const FieldModel& field) {
    const Reference& reference = *field.reference;
    if (field.type.kind != FieldKind::entity || field.type.extent != 0) {
      add("references",
          fmt::format("{} is {}: only an entity can be a reference", field.name, type_text(schema_, field.type)));
    }
    if (reference.on_delete == OnDelete::set_null && (field.required || field.key)) {
      add("on_delete", fmt::format("{} is required, so it cannot be set to null", field.name));
    }
    if (reference.table.empty()) return;
    const auto found = tables_.find(reference.table);
    if (found == tables_.end()) {
      add("references", fmt::format("{} references {}, and no table has that name", field.name, reference.table));
      return;
    }
    if (table_->logged && !found->second->logged) {
      add("references", fmt::format("{} is logged and {} is not: after recovery {} would refer to nothing",
                                    table_->name, reference.table, field.name));
    }
    if (table_->replicated && !found->second->replicated) {
      add("references", fmt::format("{} is replicated and {} is not: on a replica {} would refer to nothing",
                                    table_->name, reference.table, field.name));
    }
  }

  /// The value as the field would give it back; a mistake where the field cannot hold it.
  void normalise(std::string_view part, const FieldType& type, std::optional<Value>& value) {
    std::vector<std::byte> cell(std::size_t{element_bytes(schema_, type)} * element_count(type));
    if (const auto done = write_value(schema_, type, cell.data(), *value); !done) {
      add(part, fmt::format("{}: {}", part, done.error().reason()));
      value.reset();
      return;
    }
    Value exact = read_value(schema_, type, cell.data());  // a copy first: a text's cell borrows the old value
    value = std::move(exact);
  }

  /// Requires: both are normalised for the same kind of number.
  static bool is_below(const Value& a, const Value& b) {
    const auto below = [&]<typename T>(const T& left) {
      if constexpr (std::is_arithmetic_v<T>) return left < std::get<T>(b.variant());
      return false;
    };
    return std::visit(below, a.variant());
  }

  void check_bounds(FieldModel& field) {
    const FieldType element{.kind = field.type.kind, .extent = 0, .definition = field.type.definition};
    const auto check = [&](std::string_view part, std::optional<Value>& bound) {
      if (!bound) return;
      if (!is_number(element.kind)) {
        add(part, fmt::format("{} is {}: only numbers have bounds", field.name, type_text(schema_, field.type)));
        bound.reset();
        return;
      }
      normalise(part, element, bound);
      const double* number = bound ? std::get_if<double>(&bound->variant()) : nullptr;
      if (number != nullptr && std::isnan(*number)) {
        add(part, fmt::format("{}: NaN is no bound", part));
        bound.reset();
      }
    };
    check("min", field.min);
    check("max", field.max);
    if (field.min && field.max && is_below(*field.max, *field.min)) {
      add("max", fmt::format("max of {} is below its min", field.name));
    }
  }

  void check_values(FieldModel& field) {
    if (field.bytes > row_bytes_max) {  // already said of the row
      field.default_value.reset();
      return;
    }
    check_bounds(field);
    if (!field.default_value) return;
    if (holds_entity(field.type)) {
      add("default", fmt::format("{}: entities have no default", field.name));
      return;
    }
    normalise("default", field.type, field.default_value);
    if (!field.default_value) return;
    if (!texts_are_utf8(field.type, *field.default_value)) {
      add("default", fmt::format("{}: the default is not UTF-8", field.name));
    }
    std::vector<std::byte> cell(field.bytes);
    const auto done = write_value(schema_, field.type, cell.data(), *field.default_value);
    if (done && !in_range(field, cell.data())) {
      add("default", fmt::format("default of {} is outside its min and max", field.name));
    }
  }

  bool holds_entity(const FieldType& type) const {
    if (type.kind != FieldKind::structure) return type.kind == FieldKind::entity;
    return std::ranges::any_of(schema_.structs[type.definition].fields,
                               [this](const FieldModel& field) { return holds_entity(field.type); });
  }

  bool texts_are_utf8(const FieldType& type, const Value& value) const {
    if (const auto* list = std::get_if<Value::List>(&value.variant())) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        const FieldType element = type.extent != 0 ? FieldType{type.kind, 0, type.definition}
                                                   : schema_.structs[type.definition].fields[i].type;
        if (!texts_are_utf8(element, (*list)[i])) return false;
      }
      return true;
    }
    const auto* text = std::get_if<std::string>(&value.variant());
    return text == nullptr || type.kind == FieldKind::bytes || is_utf8(*text);
  }

  void check_compound(const detail::CompoundUnique& rule) {
    path_ = rule.path;
    const auto found = tables_.find(rule.table);
    if (found == tables_.end()) return;
    const TableModel& table = *found->second;
    if (rule.fields.size() < 2) add("a rule of one field is written on the field: unique = true");
    std::vector<std::string> sorted = rule.fields;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) add("a field is named twice");
    for (const std::string& name : rule.fields) {
      const FieldModel* field = table.find(name);
      if (field == nullptr) {
        add(fmt::format("{} has no field {}", table.name, name));
      } else if (!is_searchable(*field)) {
        add(fmt::format("{} is {}: arrays and structs cannot be unique", name, type_text(schema_, field->type)));
      }
    }
    auto& seen = compounds_[rule.table];
    if (std::ranges::find(seen, sorted) != seen.end()) add("the rule is there twice");
    seen.push_back(std::move(sorted));
  }

  detail::SchemaDraft& draft_;
  SchemaModel& schema_;
  Mistakes& mistakes_;
  std::unordered_map<std::string_view, const TableModel*> tables_;
  std::unordered_map<std::string_view, std::vector<std::vector<std::string>>> compounds_;
  const TableModel* table_ = nullptr;
  std::string path_;
};

}  // namespace

void check_tables(detail::SchemaDraft& draft, Mistakes& mistakes) { TableCheck(draft, mistakes).run(); }

}  // namespace stoa::schema
