// What stands in an ordered index: a value and whose it is. Equal values stand together, in the order of the entities.
#pragma once

#include <stoa/detail/index_place.h>
#include <stoa/text.h>

#include <compare>
#include <cstdint>

namespace stoa::storage {

/// A number, in a form that is ascending as the numbers are; or a hash of several fields.
struct IndexKey {
  std::uint64_t value;
  std::uint64_t entity;  ///< its detail::entity_rank()
  friend constexpr auto operator<=>(const IndexKey&, const IndexKey&) = default;
};
static_assert(sizeof(IndexKey) == 16);

// operator<=> compiles to branches, and in a search nothing predicts them. As one number it is a subtraction with
// borrow.
[[nodiscard]] inline bool below(const IndexKey& a, const IndexKey& b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const auto wide = [](const IndexKey& key) { return Wide{key.value} << 64U | key.entity; };
  return wide(a) < wide(b);
}

/// A text, by its bytes. It borrows the row's own blob, which is there for as long as a root has the row: so a tree may
/// hold no key but those of rows.
struct TextKey {
  detail::TextCell value;
  std::uint64_t entity;
  friend bool operator==(const TextKey& a, const TextKey& b) noexcept {
    return a.entity == b.entity && a.value == b.value;
  }
};
static_assert(sizeof(TextKey) == 24);

/// As memcmp() and then by length; most are told apart by their first four bytes.
[[nodiscard]] inline std::strong_ordering compare(const detail::TextCell& a, const detail::TextCell& b) noexcept {
  if (a.head() != b.head()) return a.head() <=> b.head();
  return a.view() <=> b.view();
}
[[nodiscard]] inline bool below(const TextKey& a, const TextKey& b) noexcept {
  const auto order = compare(a.value, b.value);
  return order < 0 || (order == 0 && a.entity < b.entity);
}

}  // namespace stoa::storage
