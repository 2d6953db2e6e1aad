// How the B+tree's own files walk it: from node to node, and within one.
#pragma once

#include "storage/btree.h"

#include <algorithm>
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

// How many of the keys, which are ascending, come first: those for which `first` holds. Without branches, as nothing
// predicts them. A node that is not in a cache would cost one miss after another where a step waits for the one before
// it, so all its lines are asked for at once: that halves the time of a lookup among a million keys.
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

// Where a comparison takes no longer than a load, many that wait for nothing are done sooner than a few that wait for
// each other: every eighth key, and then the seven before the first of these that does not hold. What lies behind the
// keys is taken for the last of them.
template <typename First>
std::uint32_t count_first(const IndexKey* keys, std::uint32_t count, First first) noexcept {
  constexpr std::uint32_t apart = 8;
  constexpr std::uint32_t groups = (btree_keys_max + apart - 1) / apart;
  if (count == 0) return 0;
  const std::uint32_t last = count - 1;
  const auto holds = [&](std::uint32_t at) { return static_cast<std::uint32_t>(first(keys[std::min(at, last)])); };
  constexpr std::uint32_t line_keys = 64 / sizeof(IndexKey);
  for (std::uint32_t at = 0; at < btree_keys_max; at += line_keys) __builtin_prefetch(keys + at);
  std::uint32_t whole = 0;
  for (std::uint32_t group = 0; group != groups; ++group) whole += holds(group * apart + apart - 1);
  if (whole == groups) return count;
  std::uint32_t out = whole * apart;
  const std::uint32_t begin = out;
  for (std::uint32_t i = 0; i != apart - 1; ++i) out += holds(begin + i);
  return out;
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
