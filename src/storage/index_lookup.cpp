#include "storage/index_lookup.h"

#include "storage/index_set.h"
#include "storage/index_value.h"

namespace stoa::storage {
namespace {

using detail::IndexInfo;

template <typename Fits>
std::optional<std::uint32_t> find_index(const detail::WorldInfo& world, TableId table, FieldId field, Fits fits) {
  const detail::WorldInfo::Table& info = world.tables[to_index(table)];
  for (std::uint32_t number = info.index_first; number != info.index_end(); ++number) {
    const IndexInfo& index = world.indexes[number];
    if (index.fields.size() == 1 && index.fields[0] == field && fits(index)) return number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> find_unique_index(const detail::WorldInfo& world, TableId table, FieldId field) {
  return find_index(world, table, field, [](const IndexInfo& index) { return index.kind == IndexInfo::Kind::unique; });
}

std::optional<std::uint32_t> find_ordered_index(const detail::WorldInfo& world, TableId table, FieldId field) {
  return find_index(world, table, field, [](const IndexInfo& index) { return index.form != IndexInfo::Form::hash; });
}

Entity find_holder(const detail::Root& root, std::uint32_t index, const std::byte* row, Entity except) {
  const IndexInfo& info = root.world->indexes[index];
  const auto key = index_key(*root.world, info, {}, row);
  if (!key) return {};
  for (auto at = lower_bound(index_at<IndexKey>(root, index), *key); at.valid() && at.key().value == key->value;
       at.next()) {
    const Entity holder = detail::entity_of_rank(at.key().entity);
    if (holder == except) continue;
    if (same_in_index(*root.world, info, row, detail::find_row(root, info.table, holder))) return holder;
  }
  return {};
}

}  // namespace stoa::storage
