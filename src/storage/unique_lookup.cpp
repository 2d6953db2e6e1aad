#include "storage/unique_lookup.h"

#include "storage/index_set.h"

namespace stoa::storage {

std::optional<std::uint32_t> find_unique_index(const detail::WorldInfo& world, TableId table, FieldId field) {
  for (std::uint32_t number = 0; number < world.indexes.size(); ++number) {
    const detail::IndexInfo& index = world.indexes[number];
    if (index.kind == detail::IndexInfo::Kind::unique && index.table == table && index.fields.size() == 1 &&
        index.fields[0] == field) {
      return number;
    }
  }
  return std::nullopt;
}

Entity find_holder(const detail::Root& root, std::uint32_t index, const std::byte* row, Entity except) {
  const detail::IndexInfo& info = root.world->indexes[index];
  const auto value = index_value(*root.world, info, row);
  if (!value) return {};
  for (BTreeCursor at = lower_bound(index_at(root, index), {*value, 0}); at.valid() && at.key().value == *value;
       at.next()) {
    const Entity holder = Entity::from_bits(at.key().entity);
    if (holder == except) continue;
    if (same_in_index(*root.world, info, row, detail::find_row(root, info.table, holder))) return holder;
  }
  return {};
}

}  // namespace stoa::storage
