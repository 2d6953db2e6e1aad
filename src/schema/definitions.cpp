#include "schema/definitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "schema/kinds.h"

namespace stoa::schema {
namespace {

class Settlement {
 public:
  explicit Settlement(SchemaModel& schema)
      : schema_(schema), enum_is_used_(schema.enums.size()), struct_is_used_(schema.structs.size()) {}

  void run() {
    for (const TableModel& table : schema_.tables) {
      for (const std::uint16_t position : table.by_number) use(table.fields[position].type);
    }
    const std::vector<std::uint16_t> enums = keep(schema_.enums, enum_is_used_);
    const std::vector<std::uint16_t> structs = keep(schema_.structs, struct_is_used_);
    const auto redirect = [&](std::vector<FieldModel>& fields) {
      for (FieldModel& field : fields) {
        if (field.type.kind == FieldKind::enumeration) field.type.definition = enums[field.type.definition];
        if (field.type.kind == FieldKind::structure) field.type.definition = structs[field.type.definition];
      }
    };
    for (StructModel& model : schema_.structs) redirect(model.fields);
    for (TableModel& table : schema_.tables) redirect(table.fields);
  }

 private:
  void use(const FieldType& type) {
    if (type.kind == FieldKind::enumeration && !enum_is_used_[type.definition]) {
      enum_is_used_[type.definition] = true;
      claim_name(schema_.enums[type.definition].name);
    }
    if (type.kind == FieldKind::structure && !struct_is_used_[type.definition]) {
      struct_is_used_[type.definition] = true;
      claim_name(schema_.structs[type.definition].name);
      for (const FieldModel& field : schema_.structs[type.definition].fields) use(field.type);
    }
  }

  void claim_name(std::string& name) {
    const std::string wanted = name;
    for (std::uint32_t n = 2; kind_named(name).has_value() || !names_.insert(name).second; ++n) {
      name = fmt::format("{}_{}", wanted, n);
    }
  }

  /// Leaves the used ones, sorted by name; returns where each old index went.
  template <typename Definition>
  static std::vector<std::uint16_t> keep(std::vector<Definition>& definitions, const std::vector<bool>& is_used) {
    std::vector<std::uint16_t> order;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      if (is_used[i]) order.push_back(static_cast<std::uint16_t>(i));
    }
    std::ranges::sort(order, {}, [&](std::uint16_t i) -> const std::string& { return definitions[i].name; });
    std::vector<std::uint16_t> moved_to(definitions.size());
    std::vector<Definition> kept;
    for (const std::uint16_t old : order) {
      moved_to[old] = static_cast<std::uint16_t>(kept.size());
      kept.push_back(std::move(definitions[old]));
    }
    definitions = std::move(kept);
    return moved_to;
  }

  SchemaModel& schema_;
  std::vector<bool> enum_is_used_;
  std::vector<bool> struct_is_used_;
  std::set<std::string> names_;
};

}  // namespace

void settle_definitions(SchemaModel& schema) { Settlement(schema).run(); }

}  // namespace stoa::schema
