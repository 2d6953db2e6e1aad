#include "schema/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "schema/cell_text.h"
#include "schema/kinds.h"
#include "schema/type_form.h"

namespace stoa::schema {
namespace {

std::string_view on_delete_name(OnDelete on_delete) {
  constexpr std::array<std::string_view, 4> names{"restrict", "set_null", "remove", "cascade"};
  return names[std::to_underlying(on_delete)];
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

/// As TOML writes a float: always with a point or an exponent, so that it does not read back as an integer.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string out(buffer.data(), end);
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

/// f32 in the digits that a float needs, unless they name another float once a double is between.
std::string f32_text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), static_cast<float>(value)).ptr;
  double read_back = 0;
  std::from_chars(buffer.data(), end, read_back);
  if (!std::isfinite(value) || static_cast<float>(read_back) != static_cast<float>(value)) return float_text(value);
  std::string out(buffer.data(), end);
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

std::string value_text(const SchemaModel& schema, const FieldType& type, const Value& value) {
  const Value::Variant& variant = value.variant();
  if (const auto* list = std::get_if<Value::List>(&variant)) {
    std::string out = "[";
    for (std::size_t i = 0; i < list->size(); ++i) {
      const FieldType element =
          type.extent != 0 ? FieldType{type.kind, 0, type.definition} : schema.structs[type.definition].fields[i].type;
      if (i != 0) out += ", ";
      out += value_text(schema, element, (*list)[i]);
    }
    return out + "]";
  }
  if (const auto* boolean = std::get_if<bool>(&variant)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&variant)) return fmt::format("{}", *integer);
  if (const auto* integer = std::get_if<std::uint64_t>(&variant)) {
    // TOML's integers are signed; the reader takes a u64's digits as a string too.
    const bool fits = std::in_range<std::int64_t>(*integer);
    return fits ? fmt::format("{}", *integer) : fmt::format("\"{}\"", *integer);
  }
  if (const auto* number = std::get_if<double>(&variant)) {
    return type.kind == FieldKind::f32 ? f32_text(*number) : float_text(*number);
  }
  const auto& text = std::get<std::string>(variant);
  return type.kind == FieldKind::bytes ? quoted(format_hex(text)) : quoted(text);
}

/// What is said of a field but its name and type, and its index. The same words for the text and for the hash.
std::string rules_text(const SchemaModel& schema, const FieldModel& field) {
  const FieldType element{.kind = field.type.kind, .extent = 0, .definition = field.type.definition};
  std::string out = fmt::format(", number = {}", to_index(field.number));
  if (field.reference) {
    const std::string_view target = field.reference->table.empty() ? "*" : std::string_view(field.reference->table);
    out += fmt::format(", references = {}, on_delete = \"{}\"", quoted(target),
                       on_delete_name(field.reference->on_delete));
  }
  if (field.key) {
    out += ", key = true";
  } else {
    if (field.required) out += ", required = true";
    if (field.unique) out += ", unique = true";
  }
  if (field.default_value) out += ", default = " + value_text(schema, field.type, *field.default_value);
  if (field.min) out += ", min = " + value_text(schema, element, *field.min);
  if (field.max) out += ", max = " + value_text(schema, element, *field.max);
  return out;
}

std::string table_rules_text(const TableModel& table) {
  return fmt::format("number = {}\nstorage = \"{}\"\nlog = {}\nreplicate = {}\n", to_index(table.number),
                     table.storage == Storage::dense ? "dense" : "sparse", table.logged, table.replicated);
}

void append_enum(const EnumModel& model, std::string& out) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, "\n[enums.{}]\nbase = \"{}\"\nvariants = [\n", model.name, kind_name(model.base));
  for (const EnumVariant& variant : model.variants) {
    const bool as_text = model.base == FieldKind::u64 && variant.value < 0;
    const std::string value =
        as_text ? fmt::format("\"{}\"", static_cast<std::uint64_t>(variant.value)) : fmt::format("{}", variant.value);
    fmt::format_to(at, "  {{ name = \"{}\", value = {}, number = {} }},\n", variant.name, value, variant.number);
  }
  out += "]\n";
}

void append_struct(const SchemaModel& schema, const StructModel& model, std::string& out) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, "\n[structs.{}]\nfields = [\n", model.name);
  for (const FieldModel& field : model.fields) {
    fmt::format_to(at, "  {{ name = \"{}\", type = \"{}\" }},\n", field.name, type_text(schema, field.type));
  }
  out += "]\n";
}

void append_table(const SchemaModel& schema, const TableModel& table, std::string& out) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, "\n[tables.{}]\n{}", table.name, table_rules_text(table));
  if (!table.unique_together.empty()) {
    out += "unique = [";
    for (std::size_t i = 0; i < table.unique_together.size(); ++i) {
      out += i == 0 ? "[" : ", [";
      std::string_view separator;
      for (const FieldId id : table.unique_together[i]) {
        fmt::format_to(at, "{}\"{}\"", separator, table.field(id).name);
        separator = ", ";
      }
      out += ']';
    }
    out += "]\n";
  }
  out += "fields = [\n";
  for (const FieldModel& field : table.fields) {
    fmt::format_to(at, "  {{ name = \"{}\", type = \"{}\"{}{} }},\n", field.name, type_text(schema, field.type),
                   rules_text(schema, field), field.index ? ", index = true" : "");
  }
  out += "]\n";
}

}  // namespace

std::string canonical_text(const SchemaModel& schema) {
  std::string out = fmt::format("[database]\nname = {}\n", quoted(schema.name));
  for (const EnumModel& model : schema.enums) append_enum(model, out);
  for (const StructModel& model : schema.structs) append_struct(schema, model, out);
  for (const TableId table : schema.by_name) append_table(schema, schema.table(table), out);
  return out;
}

// Not of the indexes: they are derived, and may differ between a folder and who opens it.
SchemaHash schema_hash(const SchemaModel& schema) {
  std::string form = fmt::format("stoa schema 1\nname = {}\n", quoted(schema.name));
  auto at = std::back_inserter(form);
  for (const TableModel& table : schema.tables) {
    fmt::format_to(at, "table {}\n{}", table.name, table_rules_text(table));
    for (const std::uint16_t position : table.by_number) {
      const FieldModel& field = table.fields[position];
      fmt::format_to(at, "field {} {}{}\n", field.name, stored_form(schema, field.type), rules_text(schema, field));
    }
    std::vector<std::vector<FieldId>> rules = table.unique_together;
    for (std::vector<FieldId>& rule : rules) std::ranges::sort(rule);
    std::ranges::sort(rules);
    for (const std::vector<FieldId>& rule : rules) {
      form += "unique";
      for (const FieldId field : rule) fmt::format_to(at, " {}", to_index(field));
      form += '\n';
    }
  }
  return hash128(std::as_bytes(std::span(form)));
}

}  // namespace stoa::schema
