#include "storage/derive_keys.h"

#include "storage/index_set.h"
#include "storage/index_value.h"

#include <stoa/detail/query.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

namespace stoa::storage {
namespace {

template <typename Key>
bool holds(const BTree<Key>& tree, const std::vector<Key>& keys) {
  if (tree.count != keys.size()) return false;
  BTreeCursor<Key> at = first(tree);
  for (const Key& key : keys) {
    if (!at.valid() || !(at.key() == key)) return false;
    at.next();
  }
  return !at.valid();
}

}  // namespace

template <typename Key>
std::vector<Key> derive_keys(const detail::Root& root, std::uint32_t number) {
  const detail::WorldInfo& world = *root.world;
  const detail::IndexInfo& index = world.indexes[number];
  const std::size_t row_bytes = world.tables[to_index(index.table)].cell_bytes;
  const std::array terms{detail::Term{index.table, detail::Term::Need::row}};
  std::vector<Key> keys;
  keys.reserve(detail::QueryCursor(root, terms).count());
  detail::QueryCursor cursor(root, terms);
  detail::Block block;
  const std::byte* column = nullptr;
  while (cursor.next(block, &column)) {
    for (std::uint32_t row = 0; row != block.rows; ++row) {
      const std::byte* at = column + row * row_bytes;
      if constexpr (std::is_same_v<Key, TextKey>) {
        keys.push_back(text_key(world, index, block.entities[row], at));
      } else if (const auto key = index_key(world, index, block.entities[row], at)) {
        keys.push_back(*key);
      }
    }
  }
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return below(a, b); });
  return keys;
}

bool is_as_derived(const detail::Root& root, std::uint32_t number) {
  if (root.world->indexes[number].form == detail::IndexInfo::Form::text) {
    return holds(index_at<TextKey>(root, number), derive_keys<TextKey>(root, number));
  }
  return holds(index_at<IndexKey>(root, number), derive_keys<IndexKey>(root, number));
}

template std::vector<IndexKey> derive_keys(const detail::Root&, std::uint32_t);
template std::vector<TextKey> derive_keys(const detail::Root&, std::uint32_t);

}  // namespace stoa::storage
