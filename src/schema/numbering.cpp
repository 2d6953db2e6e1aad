#include "schema/numbering.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace stoa::schema {
namespace {

/// `what` is the items' kind, for messages; `path` precedes their names.
template <typename Item>
void number_scope(std::vector<Item>& items, std::string_view what, const std::string& path, Mistakes& mistakes) {
  using Number = decltype(Item::number);
  static_assert(to_index(no_table) == no_variant && to_index(no_field) == no_variant);
  constexpr auto none = static_cast<Number>(no_variant);
  const auto is_given = [none](const Item& item) { return item.number != none; };
  const auto given = static_cast<std::size_t>(std::ranges::count_if(items, is_given));

  if (given == 0) {
    std::vector<Item*> sorted;
    for (Item& item : items) sorted.push_back(&item);
    std::ranges::sort(sorted, {}, [](const Item* item) -> const std::string& { return item->name; });
    for (std::size_t i = 0; i < sorted.size(); ++i) sorted[i]->number = static_cast<Number>(i);
    return;
  }
  std::vector<const Item*> holders(items.size());
  for (const Item& item : items) {
    const std::string item_path = fmt::format("{}.{}", path, item.name);
    if (!is_given(item)) {
      mistakes.push_back({item_path, fmt::format("{} has no number, and other {} have one", item.name, what)});
      continue;
    }
    const auto number = static_cast<std::size_t>(item.number);
    if (number >= items.size()) {
      mistakes.push_back({item_path + ".number", fmt::format("number {} of {}: with {} {} the highest is {}", number,
                                                             item.name, items.size(), what, items.size() - 1)});
    } else if (holders[number] != nullptr) {
      mistakes.push_back({item_path + ".number",
                          fmt::format("{} and {} have the same number {}", holders[number]->name, item.name, number)});
    } else {
      holders[number] = &item;
    }
  }
}

}  // namespace

void assign_numbers(SchemaModel& schema, Mistakes& mistakes) {
  number_scope(schema.tables, "tables", "tables", mistakes);
  for (TableModel& table : schema.tables) {
    number_scope(table.fields, "fields", fmt::format("tables.{}.fields", table.name), mistakes);
  }
  for (StructModel& model : schema.structs) {
    number_scope(model.fields, "fields", fmt::format("structs.{}.fields", model.name), mistakes);
  }
  for (EnumModel& model : schema.enums) {
    number_scope(model.variants, "variants", fmt::format("enums.{}.variants", model.name), mistakes);
  }
}

}  // namespace stoa::schema
