// How the B+tree's own files walk it: from node to node, and within one.
#pragma once

#include "storage/btree.h"

#include <cstddef>
#include <cstdint>

namespace stoa::storage::btree {

template <typename Key>
BTreeInner<Key>& inner(BTreeNode<Key>& node) noexcept {
  return static_cast<BTreeInner<Key>&>(node);
}
template <typename Key>
const BTreeInner<Key>& inner(const BTreeNode<Key>& node) noexcept {
  return static_cast<const BTreeInner<Key>&>(node);
}

// How many of the keys, which are ascending, come first: those for which `first` holds. Without branches, and so each
// step waits for the one before it; a node that is not in a cache would cost one miss after another. All its lines are
// asked for at once instead: that halves the time of a lookup among a million keys.
template <typename Key, typename First>
std::uint32_t count_first(const Key* keys, std::uint32_t count, First first) noexcept {
  constexpr std::uint32_t line_keys = 64 / sizeof(Key);
  for (std::uint32_t i = 0; i < count; i += line_keys) __builtin_prefetch(keys + i);
  const Key* at = keys;
  while (count > 1) {
    const std::uint32_t half = count / 2;
    at += std::size_t{half} * static_cast<std::size_t>(first(at[half - 1]));
    count -= half;
  }
  return static_cast<std::uint32_t>(at - keys) + static_cast<std::uint32_t>(count == 1 && first(*at));
}

// The place of the first key of a leaf, or of a part of one, that is not below `key`.
template <typename Key>
std::uint32_t leaf_index(const Key* keys, std::uint32_t count, const Key& key) noexcept {
  return count_first(keys, count, [&](const Key& held) { return below(held, key); });
}
template <typename Key>
std::uint32_t leaf_index(const BTreeNode<Key>& leaf, const Key& key) noexcept {
  return leaf_index(leaf.keys, leaf.count, key);
}

// The child under which `key` is or would be.
template <typename Key>
std::uint32_t child_index(const BTreeNode<Key>& node, const Key& key) noexcept {
  return count_first(node.keys + 1, node.count - 1, [&](const Key& bound) { return !below(key, bound); });
}

// The way to a key, or to where it would be, in the steps' order: the leaf is level 0.
struct Path {
  std::uint32_t index[btree_height_max + 1];
  bool found;
};

template <typename Key>
Path path_to(const BTree<Key>& tree, const Key& key) noexcept {
  Path path;
  const BTreeNode<Key>* node = tree.top;
  for (std::uint32_t level = tree.height; level != 0; --level) {
    path.index[level] = child_index(*node, key);
    node = inner(*node).child[path.index[level]];
  }
  path.index[0] = leaf_index(*node, key);
  path.found = path.index[0] != node->count && node->keys[path.index[0]] == key;
  return path;
}

template <typename Key>
const BTreeNode<Key>* first_leaf(const BTreeNode<Key>* node, std::uint32_t level) noexcept {
  for (; level != 0; --level) node = inner(*node).child[0];
  return node;
}

template <typename Key>
const BTreeNode<Key>* last_leaf(const BTreeNode<Key>* node, std::uint32_t level) noexcept {
  for (; level != 0; --level) node = inner(*node).child[node->count - 1];
  return node;
}

}  // namespace stoa::storage::btree
