// What those files of the B+tree do to single nodes that change it.
#pragma once

#include "storage/btree_search.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace stoa::storage::btree {

using memory::PageWriter;

// The node under `link`, made the writer's own.
template <typename Key>
BTreeNode<Key>& own(PageWriter& writer, const BTreeNode<Key>*& link, std::uint32_t level) {
  if (!writer.owns(link)) {
    const std::size_t bytes = level == 0 ? sizeof(BTreeNode<Key>) : sizeof(BTreeInner<Key>);
    const std::size_t used = level == 0 ? offsetof(BTreeNode<Key>, keys) + link->count * sizeof(Key) : bytes;
    const auto* copy = static_cast<const BTreeNode<Key>*>(writer.copy(link, used, bytes));
    writer.discard(link);
    link = copy;
  }
  return const_cast<BTreeNode<Key>&>(*link);
}

// Copies entries, which may overlap; the counts are the caller's.
template <typename Key>
void move_entries(BTreeNode<Key>& to, std::uint32_t to_index, const BTreeNode<Key>& from, std::uint32_t from_index,
                  std::uint32_t count, std::uint32_t level) noexcept {
  std::memmove(to.keys + to_index, from.keys + from_index, count * sizeof(Key));
  if (level != 0) {
    std::memmove(inner(to).child + to_index, inner(from).child + from_index, count * sizeof(BTreeNode<Key>*));
  }
}

template <typename Key>
void close_entry(BTreeNode<Key>& node, std::uint32_t index, std::uint32_t level) noexcept {
  move_entries(node, index, node, index + 1, node.count - index - 1, level);
  --node.count;
}

// Takes all entries of `right` into `left`, its sibling before it. Requires: they fit; `left` is owned.
template <typename Key>
void merge(PageWriter& writer, BTreeInner<Key>& parent, std::uint32_t left_at, std::uint32_t level) noexcept {
  auto& left = const_cast<BTreeNode<Key>&>(*parent.child[left_at]);
  const BTreeNode<Key>& right = *parent.child[left_at + 1];
  move_entries(left, left.count, right, 0, right.count, level);
  left.count += right.count;
  close_entry(parent, left_at + 1, level + 1);
  writer.discard(&right);
}

}  // namespace stoa::storage::btree
