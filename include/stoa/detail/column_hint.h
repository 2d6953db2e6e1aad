// Where a thread found the rows of a type last. Most that it asks for next are of the same root and of an archetype
// that it has come to already: then the way to the archetype and to its column need not be gone again, and the reads of
// one entity do not wait for each other.
#pragma once

#include <stoa/detail/world.h>
#include <stoa/query.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace stoa::detail {

/// Of one type with a dense table, in one thread. It points into a root that may be gone, and is believed only where
/// that root is asked about again, whose id no other has.
class ColumnHint {
 public:
  /// A column in an archetype.
  struct Place {
    const void* top = nullptr;  ///< of its pages; nullptr where it is of none or has none; for a tag not to be followed
    std::uint32_t archetype = 0;  ///< as slots name it; 0: of none
    std::uint16_t bits = 0;       ///< of its pages
    std::uint16_t row_bits = 0;
  };

  [[nodiscard]] bool is_of(const Root& root) const noexcept { return root_id_ == root.id; }
  /// Where is_of() the root that the archetype is in; of another archetype where that one's is not known.
  [[nodiscard]] const Place& place(std::uint32_t archetype) const noexcept {
    return places_[archetype % places_.size()];
  }
  /// As detail::find_row(); what is found on the way is noted. Requires: the root is published, and so does not change
  /// any more; the table is the type's.
  [[nodiscard]] const std::byte* find_row(const Root& root, TableId table, Entity entity) noexcept;

 private:
  std::uint64_t root_id_ = 0;
  std::array<Place, 4> places_{};
};

template <typename T>
[[nodiscard, gnu::noinline]] const std::byte* find_row_anew(const Root& root, Entity entity, ColumnHint& hint) {
  return hint.find_row(root, table_in<T>(*root.world), entity);
}

/// As find_row(), of the type's table. Requires: the root is published. Errors: throws where the type has no table.
template <typename T>
[[nodiscard]] const std::byte* find_row_by_hint(const Root& root, Entity entity) {
  static thread_local constinit ColumnHint hint;
  if (!hint.is_of(root)) return find_row_anew<T>(root, entity, hint);
  const EntitySlot* slot = find_slot(root, entity.index());
  if (slot == nullptr || slot->generation != entity.generation()) return nullptr;
  const ColumnHint::Place& place = hint.place(slot->archetype);
  if (place.archetype != slot->archetype) return find_row_anew<T>(root, entity, hint);
  if (place.top == nullptr) return nullptr;  // as in archetype 0, where an entity is that has ended
  if constexpr (std::is_empty_v<T>) {
    return &tag_row;
  } else {
    const std::uint32_t in_chunk = slot->row & ((1U << place.row_bits) - 1);
    const void* page = page_unchecked({place.top, place.bits}, slot->row >> place.row_bits);
    return static_cast<const std::byte*>(page) + in_chunk * sizeof(T);
  }
}

}  // namespace stoa::detail
