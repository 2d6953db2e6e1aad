#include "schema/toml_reader.h"

#include <stoa/schema.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/printable.h"
#include "schema/cell_text.h"
#include "schema/kinds.h"
#include "schema/toml_nesting.h"
#include "schema/toml_object.h"

namespace stoa::schema {
namespace {

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Reader {
 public:
  explicit Reader(detail::SchemaDraft& draft) : draft_(draft) {}

  void read(const toml::table& root) {
    draft_.marks["database"] = {.line = 1, .column = 1};  // where it is missing
    const toml::table* database = section(root, "database");
    const toml::table* enums = section(root, "enums");
    const toml::table* structs = section(root, "structs");
    const toml::table* tables = section(root, "tables");
    reject_unknown_sections(root);

    if (database != nullptr) {
      TomlObject object(draft_, *database, "database");
      // Something where it is of a wrong type: that it is there is not to be doubted.
      draft_.model.name = object.text("name").value_or(database->contains("name") ? "?" : "");
      object.finish();
    }
    // What is beyond the count has no index of its own: nothing is read, and the count is what is wrong.
    const bool has_room = is_counted(enums, "enums") & is_counted(structs, "structs");
    if (!has_room) return;
    // Names first: a type may be used above its definition.
    each_object(enums, "enums", [this](TomlObject& object, std::string_view name) { read_enum(object, name); });
    declare_structs(structs);
    each_object(structs, "structs", [this](TomlObject& object, std::string_view name) { read_struct(object, name); });
    each_object(tables, "tables", [this](TomlObject& object, std::string_view name) { read_table(object, name); });
  }

 private:
  void wrong(std::string path, std::string reason) { draft_.mistakes.push_back({std::move(path), std::move(reason)}); }

  const toml::table* section(const toml::table& root, std::string_view key) {
    const toml::node* node = root.get(key);
    if (node == nullptr) return nullptr;
    mark(draft_, std::string(key), node->source());
    if (!node->is_table()) wrong(std::string(key), fmt::format("{} is a table, not {}", key, type_of_node(*node)));
    return node->as_table();
  }

  void reject_unknown_sections(const toml::table& root) {
    for (const auto& [key, value] : root) {
      constexpr std::array<std::string_view, 4> known{"database", "enums", "structs", "tables"};
      if (std::ranges::find(known, key.str()) != known.end()) continue;
      wrong(mark(draft_, std::string(key.str()), key.source()),
            fmt::format("unknown key \"{}\"; known here: database, enums, structs, tables", key.str()));
    }
  }

  bool is_counted(const toml::table* section, std::string_view name) {
    if (section == nullptr || section->size() <= definition_count_max) return true;
    wrong(std::string(name), fmt::format("{} {}, more than {}", section->size(), name, definition_count_max));
    return false;
  }

  template <typename Fn>
  void each_object(const toml::table* section, std::string_view name, Fn fn) {
    if (section == nullptr) return;
    for (const auto& [key, value] : *section) {
      const std::string path = mark(draft_, fmt::format("{}.{}", name, key.str()), key.source());
      if (const toml::table* table = value.as_table()) {
        TomlObject object(draft_, *table, path);
        fn(object, key.str());
      } else {
        wrong(path, fmt::format("{} is a table, not {}", key.str(), type_of_node(value)));
      }
    }
  }

  bool claim_type_name(const std::string& path, std::string_view name, FieldType type) {
    if (kind_named(name)) {
      wrong(path, fmt::format("{} is a built-in type", name));
    } else if (!types_.emplace(name, type).second) {
      wrong(path, fmt::format("{} is an enum already", name));
    } else {
      return true;
    }
    return false;
  }

  void read_enum(TomlObject& object, std::string_view name) {
    EnumModel model;
    model.name = name;
    if (const auto base = object.text("base")) {
      const std::optional<FieldKind> kind = kind_named(*base);
      if (kind && (is_signed_integer(*kind) || is_unsigned_integer(*kind))) {
        model.base = *kind;
      } else {
        object.wrong("base", fmt::format("an enum's base is an integer type, not \"{}\"", *base));
      }
    }
    if (const toml::array* variants = object.array("variants")) {
      VariantsSoFar so_far;
      for (std::size_t i = 0; i < variants->size(); ++i)
        read_variant(model, object.path("variants"), i, (*variants)[i], so_far);
      if (so_far.is_any_twice) {  // the numbers count one that is not here
        for (EnumVariant& variant : model.variants) variant.number = no_variant;
      }
    }
    std::ranges::stable_sort(model.variants, {}, &EnumVariant::value);
    object.finish();
    const FieldType type{.kind = FieldKind::enumeration,
                         .extent = 0,
                         .definition = static_cast<std::uint16_t>(draft_.model.enums.size())};
    claim_type_name(object.path(), name, type);
    draft_.model.enums.push_back(std::move(model));
  }

  struct VariantsSoFar {
    std::set<std::string> names;
    std::optional<std::int64_t> last_value;
    bool is_any_twice = false;
  };

  /// Variants are known by their names, as fields are, and by their numbers until those are read.
  void read_variant(EnumModel& model, const std::string& path, std::size_t index, const toml::node& node,
                    VariantsSoFar& so_far) {
    const std::optional<std::int64_t> next = next_value(model, so_far.last_value);
    EnumVariant variant{.name = {}, .value = next.value_or(0), .number = no_variant};
    const std::string index_path = mark(draft_, fmt::format("{}[{}]", path, index), node.source());
    bool is_twice = false;
    const auto claim_name = [&](const std::string& name) {
      variant.name = name;
      is_twice = !so_far.names.insert(name).second;
      if (!is_twice) mark(draft_, fmt::format("{}.{}", path, name), node.source());
    };
    if (const auto name = node.value_exact<std::string>()) {
      claim_name(*name);
      if (!next) wrong(index_path, base_reason(model, variant.name));
    } else if (const toml::table* table = node.as_table()) {
      TomlObject object(draft_, *table, index_path);
      claim_name(object.required_text("name").value_or(""));
      if (const toml::node* value = object.node("value")) {
        read_variant_value(model, object, *value, variant);
      } else if (!next) {
        wrong(index_path, base_reason(model, variant.name));
      }
      if (const auto number = object.number("number")) {
        variant.number = *number;
        if (!is_twice) mark(draft_, fmt::format("{}.{}.number", path, variant.name), table->get("number")->source());
      }
      object.finish();
      if (variant.name.empty()) return;
    } else {
      wrong(index_path, fmt::format("a variant is a name or a table with a name, not {}", type_of_node(node)));
      return;
    }
    so_far.last_value = variant.value;
    if (is_twice) {
      wrong(index_path, fmt::format("enum {} has two variants named {}", model.name, variant.name));
      so_far.is_any_twice = true;
      return;
    }
    model.variants.push_back(std::move(variant));
  }

  void read_variant_value(const EnumModel& model, TomlObject& object, const toml::node& node, EnumVariant& variant) {
    const auto text = node.value_exact<std::string>();
    const auto digits = text && model.base == FieldKind::u64 ? parse_digits(*text) : std::nullopt;
    if (const auto integer = node.value_exact<std::int64_t>()) {
      variant.value = *integer;
      if (!fits_base(model.base, *integer)) object.wrong("value", base_reason(model, variant.name));
    } else if (digits) {
      variant.value = static_cast<std::int64_t>(*digits);
    } else {
      object.wrong("value", fmt::format("a variant's value is an integer, not {}", type_of_node(node)));
    }
  }

  static std::string base_reason(const EnumModel& model, std::string_view variant) {
    return fmt::format("the value of {} does not fit {}", variant, kind_name(model.base));
  }

  /// One more than the last variant's value, 0 for the first; nullopt where the base has no such value.
  static std::optional<std::int64_t> next_value(const EnumModel& model, std::optional<std::int64_t> last_value) {
    if (!last_value) return 0;
    const std::int64_t last = *last_value;
    const std::uint32_t value_bits = scalar_bytes(model.base) * 8 - (is_signed_integer(model.base) ? 1 : 0);
    const std::uint64_t highest = ~std::uint64_t{0} >> (64 - value_bits);
    if (static_cast<std::uint64_t>(last) == highest) return std::nullopt;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(last) + 1);
  }

  static bool fits_base(FieldKind base, std::int64_t value) {
    const std::uint32_t bits = scalar_bytes(base) * 8;
    if (bits == 64) return value >= 0 || is_signed_integer(base);
    const std::int64_t lowest = is_signed_integer(base) ? -(std::int64_t{1} << (bits - 1)) : 0;
    const std::int64_t highest = (std::int64_t{1} << (is_signed_integer(base) ? bits - 1 : bits)) - 1;
    return value >= lowest && value <= highest;
  }

  void declare_structs(const toml::table* structs) {
    if (structs == nullptr) return;
    for (const auto& [key, value] : *structs) {
      if (!value.is_table()) continue;
      const FieldType type{.kind = FieldKind::structure,
                           .extent = 0,
                           .definition = static_cast<std::uint16_t>(draft_.model.structs.size())};
      claim_type_name(mark(draft_, fmt::format("structs.{}", key.str()), key.source()), key.str(), type);
      struct_indices_.emplace(key.str(), type.definition);
      draft_.model.structs.emplace_back().name = key.str();
    }
  }

  void read_struct(TomlObject& object, std::string_view name) {
    std::vector<FieldModel> fields = read_fields(object, [this](TomlObject& field) {
      FieldModel model;
      read_name_and_type(field, model);
      return model;
    });
    object.finish();
    draft_.model.structs[struct_indices_.find(name)->second].fields = std::move(fields);
  }

  void read_table(TomlObject& object, std::string_view name) {
    TableModel table;
    table.name = name;
    if (const auto number = object.number("number")) table.number = TableId{*number};
    if (const auto storage = object.text("storage")) {
      if (*storage == "sparse") {
        table.storage = Storage::sparse;
      } else if (*storage != "dense") {
        object.wrong("storage", fmt::format("storage is dense or sparse, not \"{}\"", *storage));
      }
    }
    table.logged = object.boolean("log").value_or(true);
    table.replicated = object.boolean("replicate").value_or(true);
    if (const toml::array* rules = object.array("unique")) read_compound_uniques(object, name, *rules);
    table.fields = read_fields(object, [this](TomlObject& field) { return read_table_field(field); });
    object.finish();
    draft_.model.tables.push_back(std::move(table));
  }

  void read_compound_uniques(const TomlObject& object, std::string_view table, const toml::array& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::string path = mark(draft_, fmt::format("{}[{}]", object.path("unique"), i), rules[i].source());
      const toml::array* names = rules[i].as_array();
      const auto is_string = [](const toml::node& node) { return node.is_string(); };
      if (names == nullptr || !std::ranges::all_of(*names, is_string)) {
        wrong(path, "unique is a list of lists of field names");
        continue;
      }
      detail::CompoundUnique rule{.table = std::string(table), .fields = {}, .path = path};
      for (const toml::node& node : *names) rule.fields.push_back(*node.value_exact<std::string>());
      draft_.compound_uniques.push_back(std::move(rule));
    }
  }

  /// The fields in the array `fields`, as `read` makes them of its tables.
  template <typename Read>
  std::vector<FieldModel> read_fields(TomlObject& object, Read read) {
    std::vector<FieldModel> out;
    const toml::array* fields = object.array("fields");
    if (fields == nullptr) return out;
    std::set<std::string> names;
    bool is_any_twice = false;
    for (std::size_t i = 0; i < fields->size(); ++i) {
      const toml::node& node = *fields->get(i);
      const toml::table* table = node.as_table();
      // A field is known by its name where it has one of its own, so that later checks find its place; and else by a
      // number that no name can be taken for.
      const toml::node* name = table == nullptr ? nullptr : table->get("name");
      const bool is_named = name != nullptr && name->is_string();
      const bool is_twice = is_named && !names.insert(*name->value_exact<std::string>()).second;
      const std::string path =
          mark(draft_,
               is_named && !is_twice ? fmt::format("{}.{}", object.path("fields"), *name->value_exact<std::string>())
                                     : fmt::format("{}[{}]", object.path("fields"), i),
               node.source());
      if (table == nullptr) {
        wrong(path, fmt::format("a field is a table, not {}", type_of_node(node)));
        continue;
      }
      TomlObject field(draft_, *table, path);
      FieldModel model = read(field);
      field.finish();
      if (is_twice) {
        wrong(path, fmt::format("two fields are named {}", model.name));
        is_any_twice = true;
      } else if (!model.name.empty()) {
        out.push_back(std::move(model));
      }
    }
    if (is_any_twice) {  // the numbers count one that is not here
      for (FieldModel& field : out) field.number = no_field;
    }
    return out;
  }

  /// Returns: whether the type is right. Where it is not it becomes u8, so that rules which name the field find it.
  bool read_name_and_type(TomlObject& object, FieldModel& field) {
    field.name = object.required_text("name").value_or("");
    const auto text = object.required_text("type");
    const auto type = text ? read_type(object, *text) : std::nullopt;
    field.type = type.value_or(FieldType{.kind = FieldKind::u8, .extent = 0, .definition = 0});
    return type.has_value();
  }

  std::optional<FieldType> read_type(TomlObject& object, std::string_view text) {
    const std::size_t bracket = std::min(text.find('['), text.size());
    const std::string_view name = text.substr(0, bracket);
    FieldType type;
    if (const auto kind = kind_named(name)) {
      type.kind = *kind;
    } else if (const auto found = types_.find(name); found != types_.end()) {
      type = found->second;
    } else {
      object.wrong("type", fmt::format("\"{}\" is no type: neither built in nor an enum or a struct here", name));
      return std::nullopt;
    }
    if (bracket == text.size()) return type;
    const auto extent =
        text.ends_with(']') ? parse_digits(text.substr(bracket + 1, text.size() - bracket - 2)) : std::nullopt;
    if (!extent || *extent == 0 || *extent > row_bytes_max) {
      object.wrong("type",
                   fmt::format("\"{}\" is no array type: name[count], with a count of 1 to {}", text, row_bytes_max));
      return std::nullopt;
    }
    type.extent = static_cast<std::uint32_t>(*extent);
    return type;
  }

  FieldModel read_table_field(TomlObject& object) {
    FieldModel field;
    const bool is_typed = read_name_and_type(object, field);
    if (const auto number = object.number("number")) field.number = FieldId{*number};
    field.required = object.boolean("required").value_or(false);
    field.unique = object.boolean("unique").value_or(false);
    field.key = object.boolean("key").value_or(false);
    field.index = object.boolean("index").value_or(false);
    read_reference(object, field);
    const FieldType element{.kind = field.type.kind, .extent = 0, .definition = field.type.definition};
    const toml::node* default_value = object.node("default");
    const toml::node* min = object.node("min");
    const toml::node* max = object.node("max");
    if (is_typed) {
      field.default_value = read_value_of(object, "default", default_value, field.type);
      field.min = read_value_of(object, "min", min, element);
      field.max = read_value_of(object, "max", max, element);
    } else {
      field.reference.reset();  // what the type would have to be is not known
    }
    return field;
  }

  void read_reference(TomlObject& object, FieldModel& field) {
    const auto target = object.text("references");
    const auto on_delete = object.text("on_delete");
    if (target && target->empty()) {
      object.wrong("references", "references is a table's name, or \"*\" for any entity");
    } else if (target) {
      field.reference =
          Reference{.table = *target == "*" ? std::string() : *target, .target = no_table, .on_delete = {}};
    }
    if (!on_delete) return;
    constexpr std::array<std::string_view, 4> names{"restrict", "set_null", "remove", "cascade"};
    const auto* found = std::ranges::find(names, *on_delete);
    if (found == names.end()) {
      object.wrong("on_delete",
                   fmt::format("on_delete is restrict, set_null, remove or cascade, not \"{}\"", *on_delete));
    } else if (field.reference) {
      field.reference->on_delete = static_cast<OnDelete>(found - names.begin());
    } else if (!target) {
      object.wrong("on_delete", "on_delete without references");
    }
  }

  std::optional<Value> read_value_of(TomlObject& object, std::string_view key, const toml::node* node,
                                     const FieldType& type) {
    if (node == nullptr) return std::nullopt;
    std::optional<Value> value = to_value(*node, type);
    if (!value) {
      object.wrong(key, type.kind == FieldKind::bytes
                            ? "bytes are a string of hexadecimal digits, two for each byte"
                            : fmt::format("no field holds {}; a struct's value is a list", type_of_node(*node)));
    }
    return value;
  }

  /// The node as it is; the type matters only where TOML has no word for the value.
  std::optional<Value> to_value(const toml::node& node, const FieldType& type) {
    if (const toml::array* array = node.as_array()) return to_list(*array, type);
    if (const auto boolean = node.value_exact<bool>()) return Value(*boolean);
    if (const auto integer = node.value_exact<std::int64_t>()) return Value(*integer);
    if (const auto number = node.value_exact<double>()) return Value(*number);
    const auto text = node.value_exact<std::string>();
    if (!text) return std::nullopt;
    if (type.kind == FieldKind::bytes) {
      auto bytes = parse_hex(*text);
      return bytes ? std::optional<Value>(std::move(*bytes)) : std::nullopt;
    }
    const auto digits = type.kind == FieldKind::u64 ? parse_digits(*text) : std::nullopt;
    return digits ? Value(*digits) : Value(*text);
  }

  std::optional<Value> to_list(const toml::array& array, const FieldType& type) {
    Value::List list;
    for (std::size_t i = 0; i < array.size(); ++i) {
      FieldType element{.kind = type.kind, .extent = 0, .definition = type.definition};
      if (type.extent == 0 && type.kind == FieldKind::structure) {
        const std::vector<FieldModel>& fields = draft_.model.structs[type.definition].fields;
        if (i < fields.size()) element = fields[i].type;  // a list that is too long is refused later
      }
      std::optional<Value> value = to_value(array[i], element);
      if (!value) return std::nullopt;
      list.push_back(std::move(*value));
    }
    return Value(std::move(list));
  }

  detail::SchemaDraft& draft_;
  std::map<std::string, FieldType, std::less<>> types_;  // enums and structs by name
  std::map<std::string, std::uint16_t, std::less<>> struct_indices_;
};

}  // namespace

std::expected<detail::SchemaDraft, Error> read_toml(std::string_view text, std::string source) {
  detail::SchemaDraft draft;
  draft.source = std::move(source);
  if (const auto deep = find_deep_nesting(text)) {
    return std::unexpected(
        Error(ErrorCode::schema_invalid,
              Place{.source = std::move(draft.source), .line = deep->line, .column = deep->column, .offset = 0},
              fmt::format("more than {} levels of dotted names and brackets", toml_nesting_max)));
  }
  try {
    const toml::table root = toml::parse(text);
    Reader(draft).read(root);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    return std::unexpected(
        Error(ErrorCode::schema_invalid,
              Place{.source = std::move(draft.source), .line = at.line, .column = at.column, .offset = 0},
              printable(error.description())));
  }
  return draft;
}

}  // namespace stoa::schema

namespace stoa {

std::expected<Schema, Error> Schema::from_toml(std::string_view text, std::string source) {
  Schema schema{std::string()};
  std::expected<detail::SchemaDraft, Error> draft = schema::read_toml(text, std::move(source));
  if (!draft) return std::unexpected(draft.error());
  schema.draft_ = std::move(*draft);
  if (const auto compiled = schema.compile(); !compiled) return std::unexpected(compiled.error());
  return schema;
}

std::expected<Schema, Error> Schema::from_toml_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> buffer;
  while (file) {
    file.read(buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) {  // a file that did not open, or a directory
    return std::unexpected(Error(ErrorCode::io, Place{.source = path.string(), .line = 0, .column = 0, .offset = 0},
                                 std::strerror(errno)));
  }
  return from_toml(text, path.string());
}

}  // namespace stoa
