// The writer's side of the persistent radix array: path copying, in place where the write buffer owns the path.
#pragma once

#include "memory/page_writer.h"

#include <stoa/detail/page.h>

#include <cstddef>
#include <cstdint>

namespace stoa::storage {

using detail::PagedArray;
using memory::PageWriter;

/// Makes `page` (nullptr: none) the array's page number `number`, copying what of the path is shared. The page that was
/// there is the caller's to discard.
/// Errors: throws std::bad_alloc; the array then holds what it held.
void set_page(PageWriter& pages, PagedArray& array, std::uint64_t number, const void* page);

/// The page, where the write buffer owns it, else nullptr.
[[nodiscard]] inline void* find_own_page(const PageWriter& pages, const PagedArray& array,
                                         std::uint64_t number) noexcept {
  const void* page = detail::find_page(array, number);
  return page != nullptr && pages.owns(page) ? const_cast<void*>(page) : nullptr;
}
/// A page that the write buffer does not own becomes its own: a copy in its place, or one that is new. `page_bytes` is
/// the size of the whole page, `used_bytes` of what a copy must carry over and of what is zero in a new one: the rest
/// is its caller's to fill. What it replaces is told under `account`.
[[nodiscard]] void* make_own_page(PageWriter& pages, PagedArray& array, std::uint64_t number, std::size_t page_bytes,
                                  std::size_t used_bytes, memory::Account account = 0);
/// Either of them.
[[nodiscard]] inline void* edit_page(PageWriter& pages, PagedArray& array, std::uint64_t number, std::size_t page_bytes,
                                     std::size_t used_bytes, memory::Account account = 0) {
  void* page = find_own_page(pages, array, number);
  return page != nullptr ? page : make_own_page(pages, array, number, page_bytes, used_bytes, account);
}

/// Whether the page, or a node on the way to it, lies in a slab that is to be emptied.
[[nodiscard]] bool any_leaves(const PageWriter& pages, const PagedArray& array, std::uint64_t number) noexcept;
/// Copies of what does take its place. Errors: throws std::bad_alloc; the array then holds what it held.
void relocate_page(PageWriter& pages, PagedArray& array, std::uint64_t number, memory::Account account = 0);

/// A cell of an array whose pages hold 2^bits zero-initialised cells.
template <typename Cell>
[[nodiscard]] Cell& edit_cell(PageWriter& pages, PagedArray& array, std::uint64_t index, std::uint32_t bits) {
  const std::size_t bytes = sizeof(Cell) << bits;  // NOLINT(bugprone-sizeof-expression): a cell may be a pointer
  auto* page = static_cast<Cell*>(edit_page(pages, array, index >> bits, bytes, bytes));
  return page[index & ((std::uint64_t{1} << bits) - 1)];
}

}  // namespace stoa::storage
