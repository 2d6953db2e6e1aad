#include "storage/paged_array.h"

#include <algorithm>
#include <cstring>

namespace stoa::storage {
namespace {

using detail::node_bits;
using detail::node_children;
using detail::RadixNode;

RadixNode* own_node(PageWriter& pages, const void*& link) {
  if (link == nullptr) {
    auto* made = static_cast<RadixNode*>(pages.allocate(sizeof(RadixNode)));
    std::memset(made, 0, sizeof(RadixNode));
    link = made;
    return made;
  }
  if (!pages.owns(link)) {
    const void* shared = link;
    link = pages.copy(shared, sizeof(RadixNode), sizeof(RadixNode));
    pages.discard(shared);
  }
  return static_cast<RadixNode*>(const_cast<void*>(link));
}

// The link that holds page `number`, on a path that the write buffer owns. Each step leaves a whole array behind it, so
// an allocation that fails on the way changes no content.
const void*& own_path(PageWriter& pages, PagedArray& array, std::uint64_t number) {
  while (number >> array.bits != 0) {
    if (array.top != nullptr) {
      const void* above = nullptr;
      own_node(pages, above)->child[0] = array.top;
      array.top = above;
    }
    array.bits += node_bits;
  }
  const void** link = &array.top;
  for (std::uint32_t shift = array.bits; shift != 0;) {
    shift -= node_bits;
    link = &own_node(pages, *link)->child[(number >> shift) & (node_children - 1)];
  }
  return *link;
}

bool has_children(const RadixNode& node, std::size_t from) {
  return std::any_of(node.child + from, node.child + node_children, [](const void* child) { return child != nullptr; });
}

// Takes page `number` out, and with it each node above it that has no children left.
void take_out(PageWriter& pages, const void*& link, std::uint32_t shift, std::uint64_t number) {
  if (shift == 0) {
    link = nullptr;
    return;
  }
  shift -= node_bits;
  RadixNode* node = own_node(pages, link);
  take_out(pages, node->child[(number >> shift) & (node_children - 1)], shift, number);
  if (has_children(*node, 0)) return;
  pages.discard(node);
  link = nullptr;
}

// An array is no higher than its last page needs.
void lower(PageWriter& pages, PagedArray& array) {
  while (array.bits != 0) {
    const auto* top = static_cast<const RadixNode*>(array.top);
    if (top != nullptr && has_children(*top, 1)) return;
    array.top = top == nullptr ? nullptr : top->child[0];
    array.bits -= node_bits;
    if (top != nullptr) pages.discard(top);
  }
}

}  // namespace

void set_page(PageWriter& pages, PagedArray& array, std::uint64_t number, const void* page) {
  if (page != nullptr) {
    own_path(pages, array, number) = page;
  } else if (detail::find_page(array, number) != nullptr) {
    take_out(pages, array.top, array.bits, number);
    lower(pages, array);
  }
}

void* make_own_page(PageWriter& pages, PagedArray& array, std::uint64_t number, std::size_t page_bytes,
                    std::size_t used_bytes, memory::Account account) {
  const void*& link = own_path(pages, array, number);
  const void* shared = link;
  void* page = pages.allocate(page_bytes);
  if (shared == nullptr) {
    std::memset(page, 0, used_bytes);
  } else {
    std::memcpy(page, shared, used_bytes);
    pages.discard(shared, account);
  }
  link = page;
  return page;
}

bool any_leaves(const PageWriter& pages, const PagedArray& array, std::uint64_t number) noexcept {
  std::uint32_t shift = array.bits;
  if (number >> shift != 0) return false;
  const void* at = array.top;
  for (; at != nullptr && !pages.leaves(at);
       at = static_cast<const RadixNode*>(at)->child[(number >> shift) & (node_children - 1)]) {
    if (shift == 0) return false;
    shift -= node_bits;
  }
  return at != nullptr;
}

void relocate_page(PageWriter& pages, PagedArray& array, std::uint64_t number, memory::Account account) {
  if (!any_leaves(pages, array, number)) return;
  const void** link = &array.top;
  for (std::uint32_t shift = array.bits; shift != 0 && *link != nullptr;) {
    if (pages.leaves(*link)) pages.relocate(*link);
    shift -= node_bits;
    link = &own_node(pages, *link)->child[(number >> shift) & (node_children - 1)];
  }
  if (*link != nullptr && pages.leaves(*link)) pages.relocate(*link, account);
}

}  // namespace stoa::storage
