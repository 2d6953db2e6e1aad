// A copy-on-write B+tree over blocks of the pool: the ordered indexes. It is a set of keys; what a value or an entity
// means, and whether a value may stand twice, is its caller's business.
#pragma once

#include "memory/page_writer.h"

#include <stoa/detail/constants.h>

#include <algorithm>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa::storage {

/// Ordered by value, then by the entity's bits, so that equal values stand together.
struct IndexKey {
  std::uint64_t value;
  std::uint64_t entity;
  friend constexpr auto operator<=>(const IndexKey&, const IndexKey&) = default;
};
static_assert(sizeof(IndexKey) == 16);

inline constexpr std::uint32_t btree_keys_max = detail::btree_fanout;
/// Every node but the top holds at least so many. A quarter, not half: a node fresh from a split or a merge is far from
/// both limits, so that inserts and erases in turn at one place do not split and merge in turn.
inline constexpr std::uint32_t btree_keys_min = std::max(2U, btree_keys_max / 4);
/// Levels above the leaves, at most: each has btree_keys_min times fewer nodes, and 2^48 bytes hold no more leaves.
inline constexpr std::uint32_t btree_height_max = 48 / static_cast<std::uint32_t>(std::bit_width(btree_keys_min) - 1);

/// A leaf, or the part of an inner node that a search reads. An inner node's keys[i] is above every key under child i-1
/// and not above any under child i. keys[0] is the bound that its parent has for it, so that entries can go from
/// sibling to sibling as they are; no search reads it, and on the tree's left edge it is not set.
struct BTreeNode {
  std::uint32_t count = 0;  ///< keys of a leaf, children of an inner node
  alignas(16) IndexKey keys[btree_keys_max];
};
static_assert(offsetof(BTreeNode, keys) == 16, "a key must not lie across two cache lines");

struct BTreeInner : BTreeNode {
  const BTreeNode* child[btree_keys_max];
};
static_assert(sizeof(BTreeInner) == sizeof(BTreeNode) + btree_keys_max * sizeof(void*));

/// Plain data, kept inside a root. A copy is a tree of its own that stays as it was for as long as its root is pinned;
/// a copy from the root being filled is void once the original changes.
struct BTree {
  const BTreeNode* top = nullptr;  ///< a leaf where height is 0; null where count is 0
  std::uint32_t height = 0;        ///< levels above the leaves
  std::uint32_t reserved = 0;
  std::uint64_t count = 0;  ///< keys
};
static_assert(sizeof(BTree) == 24);

/// A place in one tree.
///
/// Lifetime: valid while the tree's root is pinned, or until the writer changes the tree.
/// Threads:  any, one at a time; no allocation.
class BTreeCursor {
 public:
  BTreeCursor() = default;  ///< at no key

  [[nodiscard]] bool valid() const noexcept { return steps_[0].node != nullptr; }
  /// Requires: valid(), as for next() and prev().
  [[nodiscard]] const IndexKey& key() const noexcept { return steps_[0].node->keys[steps_[0].index]; }

  /// To the following key; past the last one the cursor is no longer valid.
  void next() noexcept {
    if (++steps_[0].index == steps_[0].node->count) next_leaf();
  }
  /// To the preceding key; before the first one the cursor is no longer valid.
  void prev() noexcept {
    if (steps_[0].index-- == 0) prev_leaf();
  }

 private:
  friend BTreeCursor lower_bound(const BTree& tree, IndexKey key) noexcept;
  friend BTreeCursor first(const BTree& tree) noexcept;
  friend BTreeCursor last(const BTree& tree) noexcept;

  struct Step {
    const BTreeNode* node;
    std::uint32_t index;
  };

  void next_leaf() noexcept;
  void prev_leaf() noexcept;
  void descend_first(const BTreeNode* node, std::uint32_t level) noexcept;
  void descend_last(const BTreeNode* node, std::uint32_t level) noexcept;

  std::uint32_t height_ = 0;
  Step steps_[btree_height_max + 1] = {{nullptr, 0}};  // by level; 0 is the leaf
};

/// Threads: any, like the two that follow; no allocation.
[[nodiscard]] bool contains(const BTree& tree, IndexKey key) noexcept;
/// At the first key that is not below `key`; not valid where there is none.
[[nodiscard]] BTreeCursor lower_bound(const BTree& tree, IndexKey key) noexcept;
[[nodiscard]] BTreeCursor first(const BTree& tree) noexcept;
[[nodiscard]] BTreeCursor last(const BTree& tree) noexcept;

/// Adds a key; false if it was there. A node that the writer owns is changed in place, any other is copied.
///
/// Errors:  throws std::bad_alloc; the tree then has the keys that it had.
/// Threads: the writer only.
bool insert(memory::PageWriter& writer, BTree& tree, IndexKey key);

/// Takes a key out; false if it was not there. A node that falls below btree_keys_min takes keys from a sibling, or
/// becomes one with it where both fit; an empty tree has no nodes.
///
/// Errors:  throws std::bad_alloc; the tree then has the keys that it had.
/// Threads: the writer only.
bool erase(memory::PageWriter& writer, BTree& tree, IndexKey key);

/// A new tree. At most 2^height of its leaves are not full, and those are half full at least.
///
/// Requires: ascending keys, each once.
/// Errors:   throws std::bad_alloc; nothing is left allocated.
/// Threads:  the writer only.
[[nodiscard]] BTree build(memory::PageWriter& writer, std::span<const IndexKey> sorted);

/// Takes all keys out, and lets go of every node.
void clear(memory::PageWriter& writer, BTree& tree) noexcept;

}  // namespace stoa::storage
