// Lists that keep their memory from one use to the next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace stoa {

/// Empties the list. Its memory stays, unless it is much, and this use filled but a small part of it: what one giant
/// needed is given back by the next of the common size.
template <typename Element>
void clear_for_reuse(std::vector<Element>& list) noexcept {
  constexpr std::size_t kept_bytes = std::size_t{1} << 20U;
  const bool is_much = list.capacity() * sizeof(Element) > kept_bytes && list.size() < list.capacity() / 8;
  list.clear();
  if (is_much) list = std::vector<Element>();  // not {}: that would keep the memory
}

namespace detail {

template <typename Element>
[[gnu::noinline]] void make_more_room(std::vector<Element>& list, std::size_t by) {
  list.reserve(std::max(list.capacity() * 2, list.size() + by));
}

}  // namespace detail

/// Room for so many more elements, so that adding them cannot fail.
/// Errors: throws std::bad_alloc.
template <typename Element>
inline void make_room(std::vector<Element>& list, std::size_t by) {
  if (list.capacity() - list.size() < by) [[unlikely]] {
    detail::make_more_room(list, by);
  }
}

}  // namespace stoa
