// Which pages of two states of a PagedArray differ: a step for each node that does, none for what they share.
#pragma once

#include <stoa/detail/page.h>

#include <cstdint>

namespace stoa::storage {
namespace detail_of_diff {

using detail::node_bits;
using detail::node_children;
using detail::RadixNode;

// Both subtrees have `height` levels of nodes and begin at page number `first`.
template <typename Function>
void differing_pages(const void* a, const void* b, std::uint32_t height, std::uint64_t first, Function& function) {
  if (a == b) return;
  if (height == 0) {
    function(first, a, b);
    return;
  }
  const auto* nodes_a = static_cast<const RadixNode*>(a);
  const auto* nodes_b = static_cast<const RadixNode*>(b);
  for (std::uint64_t i = 0; i != node_children; ++i) {
    differing_pages(nodes_a == nullptr ? nullptr : nodes_a->child[i], nodes_b == nullptr ? nullptr : nodes_b->child[i],
                    height - 1, first + (i << ((height - 1) * node_bits)), function);
  }
}

}  // namespace detail_of_diff

/// Calls function(page number, page of a, page of b) for each page that is not the same block in both; nullptr where it
/// was never written. Ascending.
template <typename Function>
void for_each_differing_page(const detail::PagedArray& a, const detail::PagedArray& b, Function&& function) {
  using detail::node_bits;
  using detail::RadixNode;
  const detail::PagedArray& low = a.height() < b.height() ? a : b;
  const detail::PagedArray& high = a.height() < b.height() ? b : a;
  // What the higher one has beyond the lower one's reach, level by level; its leftmost subtree is as high in the end.
  const void* leftmost = high.top;
  for (std::uint32_t height = high.height(); height != low.height(); --height) {
    leftmost = leftmost == nullptr ? nullptr : static_cast<const RadixNode*>(leftmost)->child[0];
  }
  const bool a_is_low = &low == &a;
  detail_of_diff::differing_pages(a_is_low ? a.top : leftmost, a_is_low ? leftmost : b.top, low.height(), 0, function);
  for (std::uint32_t height = low.height() + 1; height <= high.height(); ++height) {
    const void* node = high.top;
    for (std::uint32_t above = high.height(); above != height; --above) {
      node = node == nullptr ? nullptr : static_cast<const RadixNode*>(node)->child[0];
    }
    if (node == nullptr) continue;
    for (std::uint64_t i = 1; i != detail::node_children; ++i) {
      const void* child = static_cast<const RadixNode*>(node)->child[i];
      detail_of_diff::differing_pages(a_is_low ? nullptr : child, a_is_low ? child : nullptr, height - 1,
                                      i << ((height - 1) * node_bits), function);
    }
  }
}

}  // namespace stoa::storage
