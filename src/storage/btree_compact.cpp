// The B+tree's part in compaction: the same keys in fewer or in other nodes.
#include "storage/btree_edit.h"

#include <algorithm>

namespace stoa::storage {
namespace {

using btree::inner;
using btree::own;
using btree::Path;
using btree::path_to;
using memory::PageWriter;

// Leaves that are made one have room for some keys more, so that they need not be split at the next.
constexpr std::uint32_t merged_keys_max = btree_keys_max - btree_keys_max / 4;

// The nodes from the top down to the one right above the leaves that the walk stands at, by level; of a tree that is a
// leaf, that. False past the last one.
template <typename Key>
bool nodes_at(const BTree<Key>& tree, BTreeWalk& walk, const BTreeNode<Key>** nodes) noexcept {
  if (tree.top == nullptr) return false;
  if (walk.height != tree.height) walk = {.height = tree.height};
  const std::uint32_t end = std::max(tree.height, 1U) + 1;
  nodes[tree.height] = tree.top;
  for (std::uint32_t level = tree.height; level > 1 && walk.index[end] == 0;) {
    if (walk.index[level] < nodes[level]->count) {
      nodes[level - 1] = inner(*nodes[level]).child[walk.index[level]];
      --level;
    } else {
      walk.index[level] = 0;
      ++walk.index[++level];
    }
  }
  return walk.index[end] == 0;
}

// The last of these nodes, all made the writer's own, and where they are to be.
template <typename Key>
BTreeInner<Key>& own_way(PageWriter& writer, BTree<Key>& tree, const BTreeWalk& walk) {
  const BTreeNode<Key>** link = &tree.top;
  for (std::uint32_t level = tree.height;; --level) {
    if (writer.leaves(*link)) writer.relocate(*link);
    BTreeNode<Key>& node = own(writer, *link, level);
    if (level <= 1) return inner(node);
    link = &inner(node).child[walk.index[level]];
  }
}

}  // namespace

template <typename Key>
void replace(PageWriter& writer, BTree<Key>& tree, const Key& key) {
  if (tree.top == nullptr) return;
  const Path path = path_to(tree, key);
  if (!path.found) return;
  BTreeNode<Key>* nodes[btree_height_max + 1];  // of the path, by level
  const BTreeNode<Key>** link = &tree.top;
  for (std::uint32_t level = tree.height;; --level) {
    nodes[level] = &own(writer, *link, level);
    if (level == 0) break;
    link = &inner(*nodes[level]).child[path.index[level]];
  }
  nodes[0]->keys[path.index[0]] = key;
  // Where it is the least of its leaf, inner nodes name it too.
  for (std::uint32_t level = 0; level != tree.height && path.index[level] == 0; ++level) {
    nodes[level + 1]->keys[path.index[level + 1]] = key;
  }
}

template <typename Key>
bool merge_some(PageWriter& writer, BTree<Key>& tree, BTreeWalk& walk) {
  const BTreeNode<Key>* nodes[btree_height_max + 1];
  if (!nodes_at(tree, walk, nodes)) return false;
  if (tree.height == 0) return false;
  const BTreeInner<Key>* parent = &inner(*nodes[1]);
  const std::uint32_t count_min = tree.height == 1 ? 2 : btree_keys_min;
  for (std::uint32_t at = 0; at + 1 < parent->count && parent->count > count_min;) {
    if (parent->child[at]->count + parent->child[at + 1]->count > merged_keys_max) {
      ++at;
      continue;
    }
    BTreeInner<Key>& own_parent = own_way(writer, tree, walk);
    own(writer, own_parent.child[at], 0);
    btree::merge(writer, own_parent, at, 0);
    parent = &own_parent;
  }
  ++walk.index[2];
  return true;
}

template <typename Key>
bool relocate_some(PageWriter& writer, BTree<Key>& tree, BTreeWalk& walk) {
  const BTreeNode<Key>* nodes[btree_height_max + 1];
  if (!nodes_at(tree, walk, nodes)) return false;
  const auto leaves = [&writer](const BTreeNode<Key>* node) { return writer.leaves(node); };
  if (tree.height == 0) {
    if (leaves(tree.top)) writer.relocate(tree.top);
  } else {
    const BTreeInner<Key>& last = inner(*nodes[1]);
    if (std::any_of(nodes + 1, nodes + tree.height + 1, leaves) ||
        std::any_of(last.child, last.child + last.count, leaves)) {
      BTreeInner<Key>& owned = own_way(writer, tree, walk);
      for (std::uint32_t at = 0; at != owned.count; ++at) {
        if (leaves(owned.child[at])) writer.relocate(owned.child[at]);
      }
    }
  }
  ++walk.index[2];
  return true;
}

template void replace(PageWriter&, BTree<IndexKey>&, const IndexKey&);
template bool merge_some(PageWriter&, BTree<IndexKey>&, BTreeWalk&);
template bool relocate_some(PageWriter&, BTree<IndexKey>&, BTreeWalk&);

template void replace(PageWriter&, BTree<TextKey>&, const TextKey&);
template bool merge_some(PageWriter&, BTree<TextKey>&, BTreeWalk&);
template bool relocate_some(PageWriter&, BTree<TextKey>&, BTreeWalk&);

}  // namespace stoa::storage
