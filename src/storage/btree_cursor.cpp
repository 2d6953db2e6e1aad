#include "storage/btree_search.h"

namespace stoa::storage {

using btree::child_index;
using btree::first_leaf;
using btree::inner;
using btree::last_leaf;
using btree::leaf_index;

template <typename Key>
bool contains(const BTree<Key>& tree, const Key& key) noexcept {
  return tree.top != nullptr && btree::path_to(tree, key).found;
}

template <typename Key>
BTreeCursor<Key> lower_bound(const BTree<Key>& tree, const Key& key) noexcept {
  if (tree.top == nullptr) return {};
  const BTreeNode<Key>* node = tree.top;
  for (std::uint32_t level = tree.height; level != 0; --level) node = inner(*node).child[child_index(*node, key)];
  const std::uint32_t index = leaf_index(*node, key);
  if (index != node->count) return {tree, node, index};
  BTreeCursor<Key> before(tree, node, index - 1);
  before.next();
  return before;
}

template <typename Key>
BTreeCursor<Key> first(const BTree<Key>& tree) noexcept {
  return {tree, tree.top == nullptr ? nullptr : first_leaf(tree.top, tree.height), 0};
}

template <typename Key>
BTreeCursor<Key> last(const BTree<Key>& tree) noexcept {
  if (tree.top == nullptr) return {};
  const BTreeNode<Key>* const leaf = last_leaf(tree.top, tree.height);
  return {tree, leaf, leaf->count - 1};
}

template <typename Key>
void BTreeCursor<Key>::next_leaf() noexcept {
  const Key key = leaf_->keys[leaf_->count - 1];
  leaf_ = nullptr;
  index_ = 0;
  const BTreeNode<Key>* node = tree_.top;
  const BTreeNode<Key>* after = nullptr;  // the lowest subtree that comes after the leaf
  std::uint32_t after_level = 0;
  for (std::uint32_t level = tree_.height; level != 0; --level) {
    const std::uint32_t at = child_index(*node, key);
    if (at + 1 != node->count) {
      after = inner(*node).child[at + 1];
      after_level = level - 1;
    }
    node = inner(*node).child[at];
  }
  if (after != nullptr) leaf_ = first_leaf(after, after_level);
}

template <typename Key>
void BTreeCursor<Key>::prev_leaf() noexcept {
  const Key key = leaf_->keys[0];
  leaf_ = nullptr;
  index_ = 0;
  const BTreeNode<Key>* node = tree_.top;
  const BTreeNode<Key>* before = nullptr;
  std::uint32_t before_level = 0;
  for (std::uint32_t level = tree_.height; level != 0; --level) {
    const std::uint32_t at = child_index(*node, key);
    if (at != 0) {
      before = inner(*node).child[at - 1];
      before_level = level - 1;
    }
    node = inner(*node).child[at];
  }
  if (before == nullptr) return;
  leaf_ = last_leaf(before, before_level);
  index_ = leaf_->count - 1;
}

template class BTreeCursor<IndexKey>;
template bool contains(const BTree<IndexKey>&, const IndexKey&) noexcept;
template BTreeCursor<IndexKey> lower_bound(const BTree<IndexKey>&, const IndexKey&) noexcept;
template BTreeCursor<IndexKey> first(const BTree<IndexKey>&) noexcept;
template BTreeCursor<IndexKey> last(const BTree<IndexKey>&) noexcept;

template class BTreeCursor<TextKey>;
template bool contains(const BTree<TextKey>&, const TextKey&) noexcept;
template BTreeCursor<TextKey> lower_bound(const BTree<TextKey>&, const TextKey&) noexcept;
template BTreeCursor<TextKey> first(const BTree<TextKey>&) noexcept;
template BTreeCursor<TextKey> last(const BTree<TextKey>&) noexcept;

}  // namespace stoa::storage
