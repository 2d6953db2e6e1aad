#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string_view>

#include "schema/check.h"
#include "schema/kinds.h"
#include "schema/layout.h"

namespace stoa::schema {
namespace {

class DefinitionCheck {
 public:
  DefinitionCheck(const SchemaModel& schema, Mistakes& mistakes)
      : schema_(schema), mistakes_(mistakes), depths_(schema.structs.size(), unvisited) {}

  bool run() {
    if (schema_.name.empty()) add("database.name", "the database has no name");
    if (!is_utf8(schema_.name)) add("database.name", "the database's name is not UTF-8");
    check_count("enums", "enums", schema_.enums.size(), definition_count_max);
    check_count("structs", "structs", schema_.structs.size(), definition_count_max);
    check_count("tables", "tables", schema_.tables.size(), table_count_max);
    for (const EnumModel& model : schema_.enums) check_enum(model);
    for (const StructModel& model : schema_.structs) {
      const std::string path = fmt::format("structs.{}", model.name);
      check_name(path, model.name);
      if (model.fields.empty()) add(path, fmt::format("struct {} has no fields", model.name));
      check_fields(path, model.fields);
    }
    check_tables();
    for (std::size_t i = 0; i < schema_.structs.size(); ++i) depth_of(i);
    return !is_recursive_;
  }

 private:
  static constexpr std::uint32_t unvisited = 0;
  static constexpr std::uint32_t in_progress = std::numeric_limits<std::uint32_t>::max();

  void add(std::string path, std::string reason) { mistakes_.push_back({std::move(path), std::move(reason)}); }

  void check_count(std::string_view path, std::string_view what, std::size_t count, std::size_t max) {
    if (count > max) add(std::string(path), fmt::format("{} {}, more than {}", count, what, max));
  }

  void check_name(const std::string& path, std::string_view name) {
    if (!is_identifier(name)) {
      add(path, fmt::format("\"{}\" is no name: letters, digits and _, not a digit first", name));
    }
  }

  void check_enum(const EnumModel& model) {
    const std::string path = fmt::format("enums.{}", model.name);
    check_name(path, model.name);
    if (model.variants.empty()) add(path, fmt::format("enum {} has no variants", model.name));
    check_count(path, "variants", model.variants.size(), no_variant);
    std::set<std::string_view> names;
    for (const EnumVariant& variant : model.variants) {
      const std::string variant_path = fmt::format("{}.variants.{}", path, variant.name);
      check_name(variant_path, variant.name);
      if (!names.insert(variant.name).second) {
        add(variant_path, fmt::format("enum {} has two variants named {}", model.name, variant.name));
      }
    }
    for (std::size_t i = 1; i < model.variants.size(); ++i) {  // in the order of their values
      const EnumVariant& variant = model.variants[i];
      if (variant.value != model.variants[i - 1].value) continue;
      add(fmt::format("{}.variants.{}", path, variant.name),
          fmt::format("variants {} and {} of enum {} have the same value", model.variants[i - 1].name, variant.name,
                      model.name));
    }
  }

  void check_fields(const std::string& path, const std::vector<FieldModel>& fields) {
    check_count(path, "fields", fields.size(), field_count_max);
    std::set<std::string_view> names;
    for (const FieldModel& field : fields) {
      const std::string field_path = fmt::format("{}.fields.{}", path, field.name);
      check_name(field_path, field.name);
      if (!names.insert(field.name).second) add(field_path, fmt::format("two fields are named {}", field.name));
    }
  }

  void check_tables() {
    std::set<std::string_view> names;
    for (const TableModel& table : schema_.tables) {
      const std::string path = fmt::format("tables.{}", table.name);
      check_name(path, table.name);
      if (!names.insert(table.name).second) add(path, fmt::format("two tables are named {}", table.name));
      check_fields(path, table.fields);
    }
  }

  /// How many structs are inside one another, this one included.
  std::uint32_t depth_of(std::size_t definition) {
    std::uint32_t& depth = depths_[definition];
    const StructModel& model = schema_.structs[definition];
    if (depth == in_progress) {
      is_recursive_ = true;
      add(fmt::format("structs.{}", model.name), fmt::format("struct {} contains itself", model.name));
      return 1;
    }
    if (depth != unvisited) return depth;
    depth = in_progress;
    std::uint32_t deepest = 0;
    for (const std::uint16_t inner : structs_in(model.fields)) deepest = std::max(deepest, depth_of(inner));
    depth = deepest + 1;
    if (depth == struct_depth_max + 1) {  // once: those around it are deeper still
      add(fmt::format("structs.{}", model.name),
          fmt::format("struct {} is {} structs deep, more than {}", model.name, depth, struct_depth_max));
    }
    return depth;
  }

  const SchemaModel& schema_;
  Mistakes& mistakes_;
  std::vector<std::uint32_t> depths_;  // by struct
  bool is_recursive_ = false;
};

}  // namespace

bool check_definitions(const detail::SchemaDraft& draft, Mistakes& mistakes) {
  return DefinitionCheck(draft.model, mistakes).run();
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || text.size() - i < length) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0U) != 0x80U) return false;
      code = code << 6U | (next & 0x3FU);
    }
    const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (is_overlong || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return false;
    i += length;
  }
  return true;
}

}  // namespace stoa::schema
