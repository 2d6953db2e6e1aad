#include "storage/btree.h"

#include <cassert>
#include <cstring>
#include <functional>
#include <new>

namespace stoa::storage {
namespace {

using memory::PageWriter;

BTreeInner& inner(BTreeNode& node) noexcept { return static_cast<BTreeInner&>(node); }
const BTreeInner& inner(const BTreeNode& node) noexcept { return static_cast<const BTreeInner&>(node); }

// Searches. --------------------------------------------------------------------------------------------------------

// operator<=> compiles to branches, and here nothing predicts them.
bool below(const IndexKey& a, const IndexKey& b) noexcept {
  return (a.value < b.value) | ((a.value == b.value) & (a.entity < b.entity));
}

constexpr std::uint32_t line_keys = 64 / sizeof(IndexKey);

// How many of the keys, which are ascending, come first: those for which `first` holds. Without branches, and so each
// step waits for the one before it; a node that is not in a cache would cost one miss after another. All its lines are
// asked for at once instead: that halves the time of a lookup among a million keys.
template <typename First>
std::uint32_t count_first(const IndexKey* keys, std::uint32_t count, First first) noexcept {
  for (std::uint32_t i = 0; i < count; i += line_keys) __builtin_prefetch(keys + i);
  const IndexKey* at = keys;
  while (count > 1) {
    const std::uint32_t half = count / 2;
    at += std::size_t{half} * static_cast<std::size_t>(first(at[half - 1]));
    count -= half;
  }
  return static_cast<std::uint32_t>(at - keys) + static_cast<std::uint32_t>(count == 1 && first(*at));
}

// The place of the first key of a leaf that is not below `key`.
std::uint32_t leaf_index(const BTreeNode& leaf, const IndexKey& key) noexcept {
  return count_first(leaf.keys, leaf.count, [&](const IndexKey& held) { return below(held, key); });
}

// The child under which `key` is or would be.
std::uint32_t child_index(const BTreeNode& node, const IndexKey& key) noexcept {
  return count_first(node.keys + 1, node.count - 1, [&](const IndexKey& bound) { return !below(key, bound); });
}

// The way to a key, or to where it would be, in the steps' order: the leaf is level 0.
struct Path {
  std::uint32_t index[btree_height_max + 1];
  bool found;
};

Path path_to(const BTree& tree, const IndexKey& key) noexcept {
  Path path;
  const BTreeNode* node = tree.top;
  for (std::uint32_t level = tree.height; level != 0; --level) {
    path.index[level] = child_index(*node, key);
    node = inner(*node).child[path.index[level]];
  }
  path.index[0] = leaf_index(*node, key);
  path.found = path.index[0] != node->count && node->keys[path.index[0]] == key;
  return path;
}

// Changes. ---------------------------------------------------------------------------------------------------------
//
// insert() and erase() go down the path and make each node ready before they enter it: the writer's own, and neither
// full nor at its least. Each such step leaves a whole tree with the same keys, and is the only thing that allocates;
// so where memory runs out nothing needs to be undone. In the leaf there is then nothing left that could fail.

BTreeNode* new_node(PageWriter& writer, std::uint32_t level) {
  return level == 0 ? new (writer.allocate(sizeof(BTreeNode))) BTreeNode
                    : new (writer.allocate(sizeof(BTreeInner))) BTreeInner;
}

// The node under `link`, made the writer's own.
BTreeNode& own(PageWriter& writer, const BTreeNode*& link, std::uint32_t level) {
  if (!writer.owns(link)) {
    const std::size_t bytes = level == 0 ? sizeof(BTreeNode) : sizeof(BTreeInner);
    const std::size_t used = level == 0 ? offsetof(BTreeNode, keys) + link->count * sizeof(IndexKey) : bytes;
    const auto* copy = static_cast<const BTreeNode*>(writer.copy(link, used, bytes));
    writer.discard(link);
    link = copy;
  }
  return const_cast<BTreeNode&>(*link);
}

// Copies entries, which may overlap; the counts are the caller's.
void move_entries(BTreeNode& to, std::uint32_t to_index, const BTreeNode& from, std::uint32_t from_index,
                  std::uint32_t count, std::uint32_t level) noexcept {
  std::memmove(to.keys + to_index, from.keys + from_index, count * sizeof(IndexKey));
  if (level != 0) {
    std::memmove(inner(to).child + to_index, inner(from).child + from_index, count * sizeof(BTreeNode*));
  }
}

// Makes room for one entry.
void open_entry(BTreeNode& node, std::uint32_t index, std::uint32_t level) noexcept {
  move_entries(node, index + 1, node, index, node.count - index, level);
  ++node.count;
}

void close_entry(BTreeNode& node, std::uint32_t index, std::uint32_t level) noexcept {
  move_entries(node, index, node, index + 1, node.count - index - 1, level);
  --node.count;
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
void split(PageWriter& writer, BTreeInner& parent, std::uint32_t at, std::uint32_t left_count, std::uint32_t level) {
  BTreeNode* right = new_node(writer, level);
  auto& left = const_cast<BTreeNode&>(*parent.child[at]);
  right->count = left.count - left_count;
  move_entries(*right, 0, left, left_count, right->count, level);
  left.count = left_count;
  open_entry(parent, at + 1, level + 1);
  parent.keys[at + 1] = right->keys[0];
  parent.child[at + 1] = right;
}

// Puts a new top over the old one, which is full, and splits that. Requires: the top is owned.
void split_top(PageWriter& writer, BTree& tree, std::uint32_t left_count) {
  assert(tree.height < btree_height_max);
  auto& top = inner(*new_node(writer, tree.height + 1));
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

// Takes all entries of `right` into `left`, its sibling before it. Requires: they fit; `left` is owned.
void merge(PageWriter& writer, BTreeInner& parent, std::uint32_t left_at, std::uint32_t level) noexcept {
  auto& left = const_cast<BTreeNode&>(*parent.child[left_at]);
  const BTreeNode& right = *parent.child[left_at + 1];
  move_entries(left, left.count, right, 0, right.count, level);
  left.count += right.count;
  close_entry(parent, left_at + 1, level + 1);
  writer.discard(&right);
}

// Moves the bound between two siblings so that `left` has `left_count` of their entries. Requires: both are owned.
void balance(BTreeInner& parent, std::uint32_t left_at, std::uint32_t left_count, std::uint32_t level) noexcept {
  auto& left = const_cast<BTreeNode&>(*parent.child[left_at]);
  auto& right = const_cast<BTreeNode&>(*parent.child[left_at + 1]);
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
void refill(PageWriter& writer, BTreeInner& parent, Path& path, std::uint32_t level) {
  std::uint32_t& at = path.index[level + 1];
  const std::uint32_t left_at = at == 0 ? 0 : at - 1;
  const BTreeNode& left = own(writer, parent.child[left_at], level);
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

void discard_all(PageWriter& writer, const BTreeNode& node, std::uint32_t level) noexcept {
  if (level != 0) {
    for (std::uint32_t i = 0; i != node.count; ++i) discard_all(writer, *inner(node).child[i], level - 1);
  }
  writer.discard(&node);
}

// The tree of `sorted` whose top is at `level`; `node_keys` is what a full child of it holds. All children but the last
// two are full, and those share the rest evenly, so that both are half full at least.
const BTreeNode* build_node(PageWriter& writer, std::span<const IndexKey> sorted, std::uint32_t level,
                            std::uint64_t child_keys) {
  BTreeNode& node = *new_node(writer, level);
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

bool contains(const BTree& tree, IndexKey key) noexcept { return tree.top != nullptr && path_to(tree, key).found; }

bool insert(PageWriter& writer, BTree& tree, IndexKey key) {
  if (tree.top == nullptr) {
    tree = build(writer, {&key, 1});
    return true;
  }
  Path path = path_to(tree, key);
  if (path.found) return false;
  const BTreeNode** link = &tree.top;
  BTreeInner* parent = nullptr;
  for (std::uint32_t level = tree.height;; --level) {
    BTreeNode* node = &own(writer, *link, level);
    std::uint32_t& index = path.index[level];
    if (node->count == btree_keys_max) {
      const std::uint32_t left_count = split_count(index, level);
      if (parent == nullptr) {
        split_top(writer, tree, left_count);
        parent = &inner(const_cast<BTreeNode&>(*tree.top));
        path.index[level + 1] = 0;
      } else {
        split(writer, *parent, path.index[level + 1], left_count, level);
      }
      // An index of a leaf that stands between both halves belongs to the left one: the key is below the bound. That of
      // a child is a place that is taken, and belongs to the right.
      if (index > left_count || (index == left_count && level != 0)) {
        index -= left_count;
        node = &const_cast<BTreeNode&>(*parent->child[path.index[level + 1] + 1]);
      }
    }
    if (level == 0) {
      open_entry(*node, index, level);
      node->keys[index] = key;
      ++tree.count;
      return true;
    }
    parent = &inner(*node);
    link = &parent->child[index];
  }
}

bool erase(PageWriter& writer, BTree& tree, IndexKey key) {
  if (tree.top == nullptr) return false;
  Path path = path_to(tree, key);
  if (!path.found) return false;
  if (tree.count == 1) {
    clear(writer, tree);
    return true;
  }
  BTreeNode* node = &own(writer, tree.top, tree.height);
  for (std::uint32_t level = tree.height; level != 0;) {
    BTreeInner& parent = inner(*node);
    --level;
    if (parent.child[path.index[level + 1]]->count == btree_keys_min) {
      refill(writer, parent, path, level);
      if (parent.count == 1) {  // only the top can have so few
        tree.top = parent.child[0];
        tree.height = level;
        writer.discard(&parent);
        node = &const_cast<BTreeNode&>(*tree.top);
        continue;
      }
    }
    node = &own(writer, parent.child[path.index[level + 1]], level);
  }
  close_entry(*node, path.index[0], 0);
  --tree.count;
  return true;
}

BTree build(PageWriter& writer, std::span<const IndexKey> sorted) {
  assert(std::adjacent_find(sorted.begin(), sorted.end(), std::greater_equal<>{}) == sorted.end());
  if (sorted.empty()) return {};
  std::uint32_t height = 0;
  std::uint64_t child_keys = 1;  // of a full child of the top
  while (sorted.size() > child_keys * btree_keys_max) {
    child_keys *= btree_keys_max;
    ++height;
  }
  return {.top = build_node(writer, sorted, height, child_keys), .height = height, .count = sorted.size()};
}

void clear(PageWriter& writer, BTree& tree) noexcept {
  if (tree.top != nullptr) discard_all(writer, *tree.top, tree.height);
  tree = {};
}

// Cursors. ---------------------------------------------------------------------------------------------------------

BTreeCursor lower_bound(const BTree& tree, IndexKey key) noexcept {
  BTreeCursor cursor;
  if (tree.top == nullptr) return cursor;
  cursor.height_ = tree.height;
  const BTreeNode* node = tree.top;
  for (std::uint32_t level = tree.height; level != 0; --level) {
    cursor.steps_[level] = {node, child_index(*node, key)};
    node = inner(*node).child[cursor.steps_[level].index];
  }
  cursor.steps_[0] = {node, leaf_index(*node, key)};
  if (cursor.steps_[0].index == node->count) cursor.next_leaf();
  return cursor;
}

BTreeCursor first(const BTree& tree) noexcept {
  BTreeCursor cursor;
  cursor.height_ = tree.height;
  if (tree.top != nullptr) cursor.descend_first(tree.top, tree.height);
  return cursor;
}

BTreeCursor last(const BTree& tree) noexcept {
  BTreeCursor cursor;
  cursor.height_ = tree.height;
  if (tree.top != nullptr) cursor.descend_last(tree.top, tree.height);
  return cursor;
}

void BTreeCursor::next_leaf() noexcept {
  for (std::uint32_t level = 1; level <= height_; ++level) {
    Step& step = steps_[level];
    if (step.index + 1 < step.node->count) {
      ++step.index;
      descend_first(inner(*step.node).child[step.index], level - 1);
      return;
    }
  }
  steps_[0].node = nullptr;
}

void BTreeCursor::prev_leaf() noexcept {
  for (std::uint32_t level = 1; level <= height_; ++level) {
    Step& step = steps_[level];
    if (step.index != 0) {
      --step.index;
      descend_last(inner(*step.node).child[step.index], level - 1);
      return;
    }
  }
  steps_[0].node = nullptr;
}

void BTreeCursor::descend_first(const BTreeNode* node, std::uint32_t level) noexcept {
  for (;; --level) {
    steps_[level] = {node, 0};
    if (level == 0) return;
    node = inner(*node).child[0];
  }
}

void BTreeCursor::descend_last(const BTreeNode* node, std::uint32_t level) noexcept {
  for (;; --level) {
    steps_[level] = {node, node->count - 1};
    if (level == 0) return;
    node = inner(*node).child[node->count - 1];
  }
}

}  // namespace stoa::storage
