// Pages and the persistent radix array over them, as readers walk them. How they are allocated, copied and reclaimed is
// the writer's business and not in any public header.
#pragma once

#include <stoa/detail/constants.h>

#include <cstddef>
#include <cstdint>

namespace stoa::detail {

/// Stands right before every block's payload; only the writer reads or writes it.
struct BlockHeader {
  std::uint64_t birth = 0;      ///< the root that the block was made for
  std::uint64_t retire = 0;     ///< retired: the first root without it. In use: the root that last appended to it
  BlockHeader* next = nullptr;  ///< while retired or free
  std::uint32_t units = 0;      ///< the whole block's size in units of 64 bytes
  std::uint16_t rows_written : 14 = 0;
  std::uint16_t listed : 1 = 0;   ///< on a list of retired blocks
  std::uint16_t revived : 1 = 0;  ///< on such a list, and in use again: who comes to it there takes it off
  std::uint16_t rows_sealed = 0;  ///< rows below it may be seen by readers. Listed: the account that it is told under

  void set_rows_written(std::uint32_t rows) noexcept { rows_written = rows & 0x3FFFU; }
};
static_assert(sizeof(BlockHeader) == 32 && chunk_row_bits_max < 14);

/// A persistent radix array of pages: `top` is the only page where `bits` is 0, and a node of children otherwise. A
/// null child is a run of pages that were never written.
struct PagedArray {
  const void* top = nullptr;
  std::uint32_t bits = 0;  ///< of a page's number that the nodes go by: node_bits for each on the way to a page
  std::uint32_t reserved = 0;

  [[nodiscard]] std::uint32_t height() const noexcept { return bits / node_bits; }
};

struct RadixNode {
  const void* child[node_children];
};

[[nodiscard]] inline const void* child_at(const void* node, std::uint64_t page, std::uint32_t shift) noexcept {
  return static_cast<const RadixNode*>(node)->child[(page >> shift) & (node_children - 1)];
}

/// The page, or nullptr where it was never written. The last two steps, which are all there are for a million entities,
/// are known ones: how many reads of entities in no order a core has under way goes by how few instructions each takes.
[[nodiscard]] inline const void* find_page(const PagedArray& array, std::uint64_t page) noexcept {
  const void* at = array.top;
  std::uint32_t shift = array.bits;
  if (page >> shift != 0) return nullptr;
  for (; shift > 2 * node_bits; shift -= node_bits) {
    if (at == nullptr) return nullptr;
    at = child_at(at, page, shift - node_bits);
  }
  if (at == nullptr || shift == 0) return at;
  if (shift != node_bits) {
    at = child_at(at, page, node_bits);
    if (at == nullptr) return nullptr;
  }
  return child_at(at, page, 0);
}

/// The first page at or after number `page` that was written, `page` then being its number; nullptr after the last. A
/// run of pages that were never written costs a step for each node that it spans, and not for each page.
[[nodiscard]] inline const void* next_page(const PagedArray& array, std::uint64_t& page) noexcept {
  while (page >> array.bits == 0) {
    const void* at = array.top;
    std::uint32_t shift = array.bits;
    while (shift != 0 && at != nullptr) {
      shift -= node_bits;
      at = static_cast<const RadixNode*>(at)->child[(page >> shift) & (node_children - 1)];
    }
    if (at != nullptr) return at;
    page = ((page >> shift) + 1) << shift;
  }
  return nullptr;
}

/// Requires: the page was written.
[[nodiscard]] inline const void* page_unchecked(const PagedArray& array, std::uint64_t page) noexcept {
  const void* at = array.top;
  std::uint32_t shift = array.bits;
  for (; shift > 2 * node_bits; shift -= node_bits) at = child_at(at, page, shift - node_bits);
  if (shift == 0) return at;
  if (shift != node_bits) at = child_at(at, page, node_bits);
  return child_at(at, page, 0);
}

}  // namespace stoa::detail
