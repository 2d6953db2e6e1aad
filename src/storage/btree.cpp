#include "storage/btree.h"

#include "storage/btree_edit.h"

#include <cassert>
#include <cstring>
#include <new>
#include <type_traits>

namespace stoa::storage {
namespace {

using btree::child_index;
using btree::close_entry;
using btree::inner;
using btree::leaf_index;
using btree::merge;
using btree::move_entries;
using btree::own;
using btree::Path;
using btree::path_to;
using memory::PageWriter;

// insert() and erase() go down the path and make each node ready before they enter it: the writer's own, and neither
// full nor at its least. Each such step leaves a whole tree with the same keys, and is the only thing that allocates;
// so where memory runs out nothing needs to be undone. In the leaf there is then nothing left that could fail.

// Whether an inner node may name a key that is no longer in the tree. A text's would borrow from nobody.
template <typename Key>
constexpr bool bounds_may_be_gone = std::is_same_v<Key, IndexKey>;

template <typename Key>
BTreeNode<Key>* new_node(PageWriter& writer, std::uint32_t level) {
  return level == 0 ? new (writer.allocate(sizeof(BTreeNode<Key>))) BTreeNode<Key>
                    : new (writer.allocate(sizeof(BTreeInner<Key>))) BTreeInner<Key>;
}

// Makes room for one entry.
template <typename Key>
void open_entry(BTreeNode<Key>& node, std::uint32_t index, std::uint32_t level) noexcept {
  move_entries(node, index + 1, node, index, node.count - index, level);
  ++node.count;
}

// How many entries of a full node that is entered at `index` stay on the left. At an end most go to the other side, so
// that keys which come in order leave nodes well filled.
std::uint32_t split_count(std::uint32_t index, std::uint32_t level) noexcept {
  const std::uint32_t index_last = level == 0 ? btree_keys_max : btree_keys_max - 1;
  if (index == index_last) return btree_keys_max - btree_keys_min;
  return index == 0 ? btree_keys_min : btree_keys_max / 2;
}

// Splits the full child `at` of `parent` after `left_count` entries. Requires: the child is at `level` and owned, as is
// the parent, which has room.
template <typename Key>
void split(PageWriter& writer, BTreeInner<Key>& parent, std::uint32_t at, std::uint32_t left_count,
           std::uint32_t level) {
  BTreeNode<Key>* right = new_node<Key>(writer, level);
  auto& left = const_cast<BTreeNode<Key>&>(*parent.child[at]);
  right->count = left.count - left_count;
  move_entries(*right, 0, left, left_count, right->count, level);
  left.count = left_count;
  open_entry(parent, at + 1, level + 1);
  parent.keys[at + 1] = right->keys[0];
  parent.child[at + 1] = right;
}

// Puts a new top over the old one, which is full, and splits that. Requires: the top is owned.
template <typename Key>
void split_top(PageWriter& writer, BTree<Key>& tree, std::uint32_t left_count) {
  assert(tree.height < btree_height_max);
  auto& top = inner(*new_node<Key>(writer, tree.height + 1));
  top.count = 1;
  top.child[0] = tree.top;
  try {
    split(writer, top, 0, left_count, tree.height);
  } catch (...) {
    writer.discard(&top);
    throw;
  }
  tree.top = &top;
  ++tree.height;
}

// Moves the bound between two siblings so that `left` has `left_count` of their entries. Requires: both are owned.
template <typename Key>
void balance(BTreeInner<Key>& parent, std::uint32_t left_at, std::uint32_t left_count, std::uint32_t level) noexcept {
  auto& left = const_cast<BTreeNode<Key>&>(*parent.child[left_at]);
  auto& right = const_cast<BTreeNode<Key>&>(*parent.child[left_at + 1]);
  const std::uint32_t right_count = left.count + right.count - left_count;
  if (left.count < left_count) {
    const std::uint32_t moved = left_count - left.count;
    move_entries(left, left.count, right, 0, moved, level);
    move_entries(right, 0, right, moved, right_count, level);
  } else {
    const std::uint32_t moved = left.count - left_count;
    move_entries(right, moved, right, 0, right.count, level);
    move_entries(right, 0, left, left_count, moved, level);
  }
  left.count = left_count;
  right.count = right_count;
  parent.keys[left_at + 1] = right.keys[0];
}

// Gives the child that `path` enters, and which holds btree_keys_min entries, more than that. Requires: `parent`, one
// above `level`, is owned and ready.
template <typename Key>
void refill(PageWriter& writer, BTreeInner<Key>& parent, Path& path, std::uint32_t level) {
  std::uint32_t& at = path.index[level + 1];
  const std::uint32_t left_at = at == 0 ? 0 : at - 1;
  const BTreeNode<Key>& left = own(writer, parent.child[left_at], level);
  const std::uint32_t left_count = left.count;
  const std::uint32_t both_count = left_count + parent.child[left_at + 1]->count;
  if (both_count <= btree_keys_max) {
    merge(writer, parent, left_at, level);
    if (at != left_at) path.index[level] += left_count;
    at = left_at;
  } else {
    own(writer, parent.child[left_at + 1], level);
    // The odd one goes to the child entered: even half of the least that does not fit is then above the minimum.
    balance(parent, left_at, at == left_at ? both_count - both_count / 2 : both_count / 2, level);
    if (at != left_at) path.index[level] += left_count - left.count;
  }
}

// Whether the key can only be in the place's leaf, where the place then goes to it or to the first one above it. What
// is below a leaf's first key may belong to the leaf before.
template <typename Key>
bool find_near(BTreePlace<Key>& place, const Key& key) noexcept {
  if (place.leaf == nullptr || place.index == place.leaf->count) return false;
  const BTreeNode<Key>& leaf = *place.leaf;
  if (below(leaf.keys[leaf.count - 1], key)) return false;
  if (below(leaf.keys[place.index], key)) {  // most stand side by side
    place.index += leaf_index(leaf.keys + place.index, leaf.count - place.index, key);
  }
  return place.index != 0 || leaf.keys[0] == key;
}

template <typename Key>
void put_key(BTree<Key>& tree, BTreeNode<Key>& leaf, std::uint32_t index, const Key& key) noexcept {
  open_entry(leaf, index, 0);
  leaf.keys[index] = key;
  ++tree.count;
}

// Goes to another leaf under the place's parent, and makes it the writer's own, where the key, which is not below the
// place's, can only be there. What is not below the last child's bound may be the next parent's.
// Not to one that has the key, or no room for it.
template <typename Key>
bool go_to_sibling(PageWriter& writer, BTreePlace<Key>& place, const Key& key) {
  if (place.above == nullptr || !below(key, place.above->keys[place.above->count - 1])) return false;
  const BTreeNode<Key>*& link = place.above->child[child_index(*place.above, key)];
  const std::uint32_t index = leaf_index(*link, key);  // first: it asks for all of the leaf at once
  if (link->count == btree_keys_max || (index != link->count && link->keys[index] == key)) return false;
  place = {&own(writer, link, 0), index, place.above};
  return true;
}

template <typename Key>
void discard_all(PageWriter& writer, const BTreeNode<Key>& node, std::uint32_t level) noexcept {
  if (level != 0) {
    for (std::uint32_t i = 0; i != node.count; ++i) discard_all(writer, *inner(node).child[i], level - 1);
  }
  writer.discard(&node);
}

// The tree of `sorted` whose top is at `level`; `node_keys` is what a full child of it holds. All children but the last
// two are full, and those share the rest evenly, so that both are half full at least.
template <typename Key>
const BTreeNode<Key>* build_node(PageWriter& writer, std::span<const Key> sorted, std::uint32_t level,
                                 std::uint64_t child_keys) {
  BTreeNode<Key>& node = *new_node<Key>(writer, level);
  if (level == 0) {
    node.count = static_cast<std::uint32_t>(sorted.size());
    std::copy(sorted.begin(), sorted.end(), node.keys);
    return &node;
  }
  try {
    while (!sorted.empty()) {
      std::uint64_t taken = std::min<std::uint64_t>(child_keys, sorted.size());
      if (sorted.size() > child_keys && sorted.size() < 2 * child_keys) taken = sorted.size() / 2;
      node.keys[node.count] = sorted.front();
      inner(node).child[node.count] = build_node(writer, sorted.first(taken), level - 1, child_keys / btree_keys_max);
      ++node.count;
      sorted = sorted.subspan(taken);
    }
  } catch (...) {
    discard_all(writer, node, level);
    throw;
  }
  return &node;
}

}  // namespace

template <typename Key>
bool insert(PageWriter& writer, BTree<Key>& tree, const Key& key, BTreePlace<Key>& place) {
  if (find_near(place, key) || go_to_sibling(writer, place, key)) {
    BTreeNode<Key>& leaf = *place.leaf;
    if (place.index != leaf.count && leaf.keys[place.index] == key) return false;
    if (leaf.count != btree_keys_max) {
      put_key(tree, leaf, place.index, key);
      return true;
    }
  }
  if (tree.top == nullptr) {
    tree = build<Key>(writer, {&key, 1});
    return true;
  }
  Path path = path_to(tree, key);
  if (path.found) return false;
  const BTreeNode<Key>** link = &tree.top;
  BTreeInner<Key>* parent = nullptr;
  for (std::uint32_t level = tree.height;; --level) {
    BTreeNode<Key>* node = &own(writer, *link, level);
    std::uint32_t& index = path.index[level];
    if (node->count == btree_keys_max) {
      const std::uint32_t left_count = split_count(index, level);
      if (parent == nullptr) {
        split_top(writer, tree, left_count);
        parent = &inner(const_cast<BTreeNode<Key>&>(*tree.top));
        path.index[level + 1] = 0;
      } else {
        split(writer, *parent, path.index[level + 1], left_count, level);
      }
      // An index of a leaf that stands between both halves belongs to the left one: the key is below the bound. That of
      // a child is a place that is taken, and belongs to the right.
      if (index > left_count || (index == left_count && level != 0)) {
        index -= left_count;
        node = &const_cast<BTreeNode<Key>&>(*parent->child[path.index[level + 1] + 1]);
      }
    }
    if (level == 0) {
      put_key(tree, *node, index, key);
      place = {node, index, parent};
      return true;
    }
    parent = &inner(*node);
    link = &parent->child[index];
  }
}

template <typename Key>
bool erase(PageWriter& writer, BTree<Key>& tree, const Key& key, BTreePlace<Key>& place) {
  if (find_near(place, key)) {
    BTreeNode<Key>& leaf = *place.leaf;
    if (!(leaf.keys[place.index] == key)) return false;
    const bool may_be_first = bounds_may_be_gone<Key>;
    if ((place.index != 0 || may_be_first) && leaf.count > btree_keys_min) {
      close_entry(leaf, place.index, 0);
      --tree.count;
      return true;
    }
  }
  if (tree.top == nullptr) return false;
  Path path = path_to(tree, key);
  if (!path.found) return false;
  if (tree.count == 1) {
    clear(writer, tree);
    place = {};
    return true;
  }
  BTreeNode<Key>* nodes[btree_height_max + 1];  // of the path, by level
  BTreeNode<Key>* node = &own(writer, tree.top, tree.height);
  nodes[tree.height] = node;
  for (std::uint32_t level = tree.height; level != 0;) {
    BTreeInner<Key>& parent = inner(*node);
    --level;
    if (parent.child[path.index[level + 1]]->count == btree_keys_min) {
      refill(writer, parent, path, level);
      if (parent.count == 1) {  // only the top can have so few
        tree.top = parent.child[0];
        tree.height = level;
        writer.discard(&parent);
        node = &const_cast<BTreeNode<Key>&>(*tree.top);
        nodes[level] = node;
        continue;
      }
    }
    node = &own(writer, parent.child[path.index[level + 1]], level);
    nodes[level] = node;
  }
  close_entry(*node, path.index[0], 0);
  // If it was the least of its leaf, the inner nodes that name it name the next one.
  for (std::uint32_t level = 0; level != tree.height && path.index[level] == 0; ++level) {
    nodes[level + 1]->keys[path.index[level + 1]] = node->keys[0];
  }
  --tree.count;
  place = {node, path.index[0]};
  return true;
}

template <typename Key>
BTree<Key> build(PageWriter& writer, std::span<const Key> sorted) {
  assert(std::adjacent_find(sorted.begin(), sorted.end(), [](const Key& a, const Key& b) { return !below(a, b); }) ==
         sorted.end());
  if (sorted.empty()) return {};
  std::uint32_t height = 0;
  std::uint64_t child_keys = 1;  // of a full child of the top
  while (sorted.size() > child_keys * btree_keys_max) {
    child_keys *= btree_keys_max;
    ++height;
  }
  return {.top = build_node(writer, sorted, height, child_keys), .height = height, .count = sorted.size()};
}

template <typename Key>
void clear(PageWriter& writer, BTree<Key>& tree) noexcept {
  if (tree.top != nullptr) discard_all(writer, *tree.top, tree.height);
  tree = {};
}

template bool insert(PageWriter&, BTree<IndexKey>&, const IndexKey&, BTreePlace<IndexKey>&);
template bool erase(PageWriter&, BTree<IndexKey>&, const IndexKey&, BTreePlace<IndexKey>&);
template BTree<IndexKey> build(PageWriter&, std::span<const IndexKey>);
template void clear(PageWriter&, BTree<IndexKey>&) noexcept;

template bool insert(PageWriter&, BTree<TextKey>&, const TextKey&, BTreePlace<TextKey>&);
template bool erase(PageWriter&, BTree<TextKey>&, const TextKey&, BTreePlace<TextKey>&);
template BTree<TextKey> build(PageWriter&, std::span<const TextKey>);
template void clear(PageWriter&, BTree<TextKey>&) noexcept;

}  // namespace stoa::storage
