// A copy-on-write B+tree over blocks of the pool: the ordered indexes. It is a set of keys (index_key.h has the two
// kinds that there are); what a value or an entity means, and whether a value may stand twice, is its caller's
// business.
#pragma once

#include "memory/page_writer.h"
#include "storage/index_key.h"

#include <stoa/detail/constants.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa::storage {

inline constexpr std::uint32_t btree_keys_max = detail::btree_fanout;
/// Every node but the top holds at least so many. A quarter, not half: a node fresh from a split or a merge is far from
/// both limits, so that inserts and erases in turn at one place do not split and merge in turn.
inline constexpr std::uint32_t btree_keys_min = std::max(2U, btree_keys_max / 4);
/// Levels above the leaves, at most: each has btree_keys_min times fewer nodes, and 2^48 bytes hold no more leaves.
inline constexpr std::uint32_t btree_height_max = 48 / static_cast<std::uint32_t>(std::bit_width(btree_keys_min) - 1);

/// A leaf, or the part of an inner node that a search reads. An inner node's keys[i] is a bound: above all keys before
/// child i, and not above the least under it, which it is where keys are texts: one that is no longer in the tree may
/// refer to a text that is gone. No search reads keys[0], which is there so that entries can go from sibling to sibling
/// as they are; on the tree's left edge it need not be right.
template <typename Key>
struct BTreeNode {
  std::uint32_t count = 0;  ///< keys of a leaf, children of an inner node
  alignas(16) Key keys[btree_keys_max];
};
static_assert(offsetof(BTreeNode<IndexKey>, keys) == 16, "a key must not lie across two cache lines");

template <typename Key>
struct BTreeInner : BTreeNode<Key> {
  const BTreeNode<Key>* child[btree_keys_max];
};

/// Plain data, kept inside a root. A copy is a tree of its own that stays as it was for as long as its root is pinned;
/// a copy from the root being filled is void once the original changes.
template <typename Key>
struct BTree {
  const BTreeNode<Key>* top = nullptr;  ///< a leaf where height is 0; null where count is 0
  std::uint32_t height = 0;             ///< levels above the leaves
  std::uint32_t reserved = 0;
  std::uint64_t count = 0;  ///< keys
};
static_assert(sizeof(BTree<IndexKey>) == 24 && sizeof(BTree<TextKey>) == 24);

/// A place in one tree: a leaf and a key of it. From leaf to leaf it goes by way of the top.
///
/// Lifetime: valid while the tree's root is pinned, or until the writer changes the tree.
/// Threads:  any, one at a time; no allocation.
template <typename Key>
class BTreeCursor {
 public:
  BTreeCursor() = default;  ///< at no key
  BTreeCursor(const BTree<Key>& tree, const BTreeNode<Key>* leaf, std::uint32_t index) noexcept
      : tree_(tree), leaf_(leaf), index_(index) {}

  [[nodiscard]] bool valid() const noexcept { return leaf_ != nullptr; }
  /// Requires: valid(), as for next() and prev().
  [[nodiscard]] const Key& key() const noexcept { return leaf_->keys[index_]; }
  [[nodiscard]] const BTreeNode<Key>* leaf() const noexcept { return leaf_; }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }

  /// To the following key; past the last one the cursor is no longer valid.
  void next() noexcept {
    if (++index_ == leaf_->count) next_leaf();
  }
  /// To the preceding key; before the first one the cursor is no longer valid.
  void prev() noexcept {
    if (index_-- == 0) prev_leaf();
  }

 private:
  void next_leaf() noexcept;
  void prev_leaf() noexcept;

  BTree<Key> tree_;
  const BTreeNode<Key>* leaf_ = nullptr;
  std::uint32_t index_ = 0;
};

/// Threads: any, like the two that follow; no allocation.
template <typename Key>
[[nodiscard]] bool contains(const BTree<Key>& tree, const Key& key) noexcept;
/// At the first key that is not below `key`; not valid where there is none.
template <typename Key>
[[nodiscard]] BTreeCursor<Key> lower_bound(const BTree<Key>& tree, const Key& key) noexcept;
template <typename Key>
[[nodiscard]] BTreeCursor<Key> first(const BTree<Key>& tree) noexcept;
template <typename Key>
[[nodiscard]] BTreeCursor<Key> last(const BTree<Key>& tree) noexcept;

/// Where a tree was changed last: keys that are changed one after the other, and stand side by side or not far apart,
/// need not be looked for from the top each.
///
/// Lifetime: until the tree is changed without it, or a call with it throws.
template <typename Key>
struct BTreePlace {
  BTreeNode<Key>* leaf = nullptr;    ///< the writer's own; null before the first change
  std::uint32_t index = 0;           ///< of the key that was changed: all keys before it are lower
  BTreeInner<Key>* above = nullptr;  ///< the leaf's parent, the writer's own as well; null where it is not known
};

/// Adds a key; false if it was there. A node that the writer owns is changed in place, any other is copied.
///
/// Requires: with the same `place` as the call before: no lower key.
/// Errors:   throws std::bad_alloc; the tree then has the keys that it had.
/// Threads:  the writer only.
template <typename Key>
bool insert(memory::PageWriter& writer, BTree<Key>& tree, const Key& key, BTreePlace<Key>& place);
template <typename Key>
bool insert(memory::PageWriter& writer, BTree<Key>& tree, const Key& key) {
  BTreePlace<Key> place;
  return insert(writer, tree, key, place);
}

/// Takes a key out; false if it was not there. A node that falls below btree_keys_min takes keys from a sibling, or
/// becomes one with it where both fit; an empty tree has no nodes.
///
/// Requires: as insert().
/// Errors:   throws std::bad_alloc; the tree then has the keys that it had.
/// Threads:  the writer only.
template <typename Key>
bool erase(memory::PageWriter& writer, BTree<Key>& tree, const Key& key, BTreePlace<Key>& place);
template <typename Key>
bool erase(memory::PageWriter& writer, BTree<Key>& tree, const Key& key) {
  BTreePlace<Key> place;
  return erase(writer, tree, key, place);
}

/// Puts a key in the place of its equal, which may borrow from elsewhere; nothing where there is none. The second call
/// for the same key in a root needs no memory.
///
/// Errors:  throws std::bad_alloc; the tree then has the keys that it had.
/// Threads: the writer only.
template <typename Key>
void replace(memory::PageWriter& writer, BTree<Key>& tree, const Key& key);

/// How far a walk over a tree's nodes has come: from one of those right above the leaves to the next. A tree that
/// changes meanwhile may have some of them passed over.
struct BTreeWalk {
  std::uint32_t height = 0xFFFF'FFFFU;
  std::uint32_t index[btree_height_max + 2] = {};  ///< the child that the way goes to, by level; from 2 on
};
/// Of the next such node: makes one of leaves that are neighbours, where they leave a quarter free. False at the end.
///
/// Errors:  throws std::bad_alloc; the tree then has the keys that it had, and the walk is where it was.
/// Threads: the writer only.
template <typename Key>
bool merge_some(memory::PageWriter& writer, BTree<Key>& tree, BTreeWalk& walk);
/// The same: copies of the leaves, of it, and of what is above it take their places, where they are to go elsewhere.
template <typename Key>
bool relocate_some(memory::PageWriter& writer, BTree<Key>& tree, BTreeWalk& walk);

/// A new tree. At most 2^height of its leaves are not full, and those are half full at least.
///
/// Requires: ascending keys, each once.
/// Errors:   throws std::bad_alloc; nothing is left allocated.
/// Threads:  the writer only.
template <typename Key>
[[nodiscard]] BTree<Key> build(memory::PageWriter& writer, std::span<const Key> sorted);

/// Takes all keys out, and lets go of every node.
template <typename Key>
void clear(memory::PageWriter& writer, BTree<Key>& tree) noexcept;

}  // namespace stoa::storage
