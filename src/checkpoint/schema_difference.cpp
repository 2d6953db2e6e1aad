#include "checkpoint/schema_difference.h"

#include "base/printable.h"
#include "schema/kinds.h"

#include <stoa/cell_text.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace stoa::checkpoint {
namespace {

constexpr std::size_t value_bytes_max = 64;

std::string_view yes_or_no(bool value) { return value ? "true" : "false"; }

/// Nothing where both say the same.
std::string two(std::string_view where, std::string_view what, std::string_view kept, std::string_view given) {
  if (kept == given) return {};
  const auto shown = [](std::string_view text) {
    const std::string_view start = start_of(text, value_bytes_max);
    return fmt::format("{}{}", start, start.size() == text.size() ? "" : "...");
  };
  return fmt::format("{}: {} is {} in the folder and {} in the schema given", where, what, shown(kept), shown(given));
}
std::string two(std::string_view where, std::string_view what, bool kept, bool given) {
  return two(where, what, yes_or_no(kept), yes_or_no(given));
}
template <typename Number>
requires std::is_enum_v<Number> || std::is_unsigned_v<Number> std::string two_numbers(std::string_view where,
                                                                                      Number kept, Number given) {
  return two(where, "number", fmt::format("{}", static_cast<std::uint64_t>(kept)),
             fmt::format("{}", static_cast<std::uint64_t>(given)));
}

class Comparison {
 public:
  Comparison(const SchemaModel& kept, const SchemaModel& given) : kept_(kept), given_(given) {}

  [[nodiscard]] std::string run() const {
    if (kept_.name != given_.name) {
      return fmt::format("the database's name is {}, not {}", printable(kept_.name), printable(given_.name));
    }
    // What is missing first: by it alone others may have other numbers.
    for (const TableModel& table : kept_.tables) {
      if (given_.find(table.name) == nullptr) return fmt::format("table {} is not in the schema given", table.name);
    }
    for (const TableModel& table : given_.tables) {
      if (kept_.find(table.name) == nullptr) return fmt::format("table {} is not in the folder's schema", table.name);
    }
    for (const TableModel& table : kept_.tables) {
      if (std::string found = of_tables(table, *given_.find(table.name)); !found.empty()) return found;
    }
    return {};
  }

 private:
  [[nodiscard]] std::string of_tables(const TableModel& kept, const TableModel& given) const {
    const std::string where = fmt::format("table {}", kept.name);
    for (const FieldModel& field : kept.fields) {
      if (given.find(field.name) == nullptr) {
        return fmt::format("{}: field {} is not in the schema given", where, field.name);
      }
    }
    for (const FieldModel& field : given.fields) {
      if (kept.find(field.name) == nullptr) {
        return fmt::format("{}: field {} is not in the folder's schema", where, field.name);
      }
    }
    for (const FieldModel& field : kept.fields) {
      const FieldModel& other = *given.find(field.name);
      const std::string field_where = fmt::format("{}: field {}", where, field.name);
      if (std::string found = of_types(field_where, field.type, other.type); !found.empty()) return found;
      if (std::string found = of_rules(field_where, field, other); !found.empty()) return found;
    }
    const auto storage = [](const TableModel& table) { return table.storage == Storage::dense ? "dense" : "sparse"; };
    for (std::string found :
         {two_numbers(where, kept.number, given.number),
          two(where, "storage", std::string_view(storage(kept)), storage(given)),
          two(where, "log", kept.logged, given.logged), two(where, "replicate", kept.replicated, given.replicated)}) {
      if (!found.empty()) return found;
    }
    return of_unique_rules(where, kept, given);
  }

  /// A rule is its fields, in whatever order.
  static std::string of_unique_rules(const std::string& where, const TableModel& kept, const TableModel& given) {
    using Rules = std::vector<std::vector<std::string>>;
    const auto rules_of = [](const TableModel& table) {
      Rules out;
      for (const std::vector<FieldId>& rule : table.unique_together) {
        std::vector<std::string>& names = out.emplace_back();
        for (const FieldId field : rule) names.push_back(table.field(field).name);
        std::ranges::sort(names);
      }
      return out;
    };
    const Rules in_kept = rules_of(kept);
    const Rules in_given = rules_of(given);
    const auto missing = [](const Rules& rules, const Rules& others) {
      return std::ranges::find_if(rules,
                                  [&](const auto& rule) { return std::ranges::find(others, rule) == others.end(); });
    };
    if (const auto rule = missing(in_kept, in_given); rule != in_kept.end()) {
      return fmt::format("{}: ({}) are unique together in the folder, and not in the schema given", where,
                         fmt::join(*rule, ", "));
    }
    if (const auto rule = missing(in_given, in_kept); rule != in_given.end()) {
      return fmt::format("{}: ({}) are unique together in the schema given, and not in the folder", where,
                         fmt::join(*rule, ", "));
    }
    return {};
  }

  /// Enums and structs are what is in them: their names are nobody's concern.
  [[nodiscard]] std::string of_types(const std::string& where, const FieldType& kept, const FieldType& given) const {
    if (kept.kind != given.kind || kept.extent != given.extent) {
      return two(where, "type", schema::type_text(kept_, kept), schema::type_text(given_, given));
    }
    if (kept.kind == FieldKind::enumeration) {
      return of_enums(where, kept_.enums[kept.definition], given_.enums[given.definition]);
    }
    if (kept.kind == FieldKind::structure) {
      return of_structs(where, kept_.structs[kept.definition], given_.structs[given.definition]);
    }
    return {};
  }

  static std::string of_enums(const std::string& where, const EnumModel& kept, const EnumModel& given) {
    if (std::string found = two(where, "base", schema::kind_name(kept.base), schema::kind_name(given.base));
        !found.empty()) {
      return found;
    }
    const auto find = [](const EnumModel& model, const std::string& name) {
      const auto found = std::ranges::find(model.variants, name, &EnumVariant::name);
      return found == model.variants.end() ? nullptr : &*found;
    };
    for (const EnumVariant& variant : kept.variants) {
      if (find(given, variant.name) == nullptr) {
        return fmt::format("{}: variant {} is not in the schema given", where, variant.name);
      }
    }
    for (const EnumVariant& variant : given.variants) {
      if (find(kept, variant.name) == nullptr) {
        return fmt::format("{}: variant {} is not in the folder's schema", where, variant.name);
      }
    }
    for (const EnumVariant& variant : kept.variants) {
      const EnumVariant* other = find(given, variant.name);
      const std::string variant_where = fmt::format("{}: variant {}", where, variant.name);
      for (std::string found :
           {two(variant_where, "value", fmt::format("{}", variant.value), fmt::format("{}", other->value)),
            two_numbers(variant_where, variant.number, other->number)}) {
        if (!found.empty()) return found;
      }
    }
    return {};
  }

  /// In their order: it is that of the bytes.
  [[nodiscard]] std::string of_structs(const std::string& where, const StructModel& kept,
                                       const StructModel& given) const {
    for (std::size_t i = 0; i < std::max(kept.fields.size(), given.fields.size()); ++i) {
      const auto name_of = [i](const StructModel& model) {
        return i < model.fields.size() ? std::string_view(model.fields[i].name) : std::string_view("missing");
      };
      std::string found = two(where, fmt::format("field {} of its struct", i + 1), name_of(kept), name_of(given));
      if (!found.empty()) return found;
      found = of_types(fmt::format("{}.{}", where, kept.fields[i].name), kept.fields[i].type, given.fields[i].type);
      if (!found.empty()) return found;
    }
    return {};
  }

  [[nodiscard]] std::string of_rules(const std::string& where, const FieldModel& kept, const FieldModel& given) const {
    FieldModel kept_element = kept;
    FieldModel given_element = given;
    kept_element.type.extent = given_element.type.extent = 0;
    for (std::string found :
         {two_numbers(where, kept.number, given.number), two(where, "key", kept.key, given.key),
          two(where, "required", kept.required, given.required), two(where, "unique", kept.unique, given.unique),
          two(where, "references", target_of(kept), target_of(given)),
          two(where, "on_delete", on_delete_of(kept), on_delete_of(given)),
          two(where, "default", value_text(kept_, kept, kept.default_value),
              value_text(given_, given, given.default_value)),
          two(where, "min", value_text(kept_, kept_element, kept.min), value_text(given_, given_element, given.min)),
          two(where, "max", value_text(kept_, kept_element, kept.max), value_text(given_, given_element, given.max))}) {
      if (!found.empty()) return found;
    }
    return {};
  }

  static std::string_view target_of(const FieldModel& field) {
    if (!field.reference) return "nothing";
    return field.reference->table.empty() ? "\"*\"" : std::string_view(field.reference->table);
  }
  static std::string_view on_delete_of(const FieldModel& field) {
    constexpr std::array<std::string_view, 4> names{"restrict", "set_null", "remove", "cascade"};
    return field.reference ? names[static_cast<std::size_t>(field.reference->on_delete)] : "nothing";
  }

  static std::string value_text(const SchemaModel& schema, const FieldModel& field, const std::optional<Value>& value) {
    if (!value) return "nothing";
    std::string out = printable(format_value(schema, field, *value));
    return field.type.kind == FieldKind::text && field.type.extent == 0 ? fmt::format("\"{}\"", out) : out;
  }

  const SchemaModel& kept_;
  const SchemaModel& given_;
};

}  // namespace

std::string first_difference(const SchemaModel& kept, const SchemaModel& given) {
  return Comparison(kept, given).run();
}

}  // namespace stoa::checkpoint
