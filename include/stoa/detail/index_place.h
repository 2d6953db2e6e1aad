// A place in an ordered index of a root, and the steps from there. What an index is made of is src/storage's to know,
// but for what a step within a leaf needs.
#pragma once

#include <stoa/detail/world.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace stoa::detail {

/// An entity as a number that is ascending as entities are, and back.
[[nodiscard]] constexpr std::uint64_t entity_rank(Entity entity) noexcept { return std::rotl(entity.bits(), 32); }
[[nodiscard]] constexpr Entity entity_of_rank(std::uint64_t rank) noexcept {
  return Entity::from_bits(std::rotl(rank, 32));
}

/// At a key of a leaf, or at the end: behind the last key. Plain data. Valid as long as the root is.
struct IndexPlace {
  static constexpr std::size_t keys_offset = 16;  ///< of a leaf; the number of its keys is its first four bytes

  const Root* root = nullptr;
  const std::byte* leaf = nullptr;  ///< null at the end
  std::uint32_t index = 0;          ///< number of the index
  std::uint16_t at = 0;             ///< number of the key in the leaf
  std::uint16_t key_bytes = 0;      ///< of each; the last eight are the entity's rank

  [[nodiscard]] bool at_end() const noexcept { return leaf == nullptr; }
  /// Requires: !at_end(), as for next().
  [[nodiscard]] Entity entity() const noexcept {
    std::uint64_t rank = 0;
    std::memcpy(&rank, leaf + keys_offset + (at + std::size_t{1}) * key_bytes - sizeof rank, sizeof rank);
    return entity_of_rank(rank);
  }
  void next() noexcept {
    std::uint32_t count = 0;
    std::memcpy(&count, leaf, sizeof count);
    if (++at == count) next_leaf();
  }
  /// From the end to the last key. From the first key to the end.
  void prev() noexcept {
    if (leaf != nullptr && at != 0) {
      --at;
    } else {
      prev_leaf();
    }
  }
  void to_first() noexcept;

  friend bool operator==(const IndexPlace& a, const IndexPlace& b) noexcept { return a.leaf == b.leaf && a.at == b.at; }

 private:
  void next_leaf() noexcept;
  void prev_leaf() noexcept;
};

/// An index and the field that it orders by.
struct OrderedIndex {
  std::uint32_t number = 0;
  const FieldModel* field = nullptr;
};

/// Errors: throws std::logic_error, which names `call`, if the field has no ordered index.
[[nodiscard]] OrderedIndex ordered_index(const WorldInfo& world, TableId table, std::string_view field,
                                         std::string_view call);
/// At the first key. The next two are at the first whose value is not below, and at the first whose value is above, the
/// one in a cell of the field's type; of the keys that have that very value, not below the entity.
[[nodiscard]] IndexPlace first_place(const Root& root, const OrderedIndex& index) noexcept;
[[nodiscard]] IndexPlace place_not_below(const Root& root, const OrderedIndex& index, const std::byte* cell,
                                         Entity entity = {}) noexcept;
[[nodiscard]] IndexPlace place_above(const Root& root, const OrderedIndex& index, const std::byte* cell) noexcept;
/// From place_not_below(low) to place_above(high); both at the end where `low` is above `high`, or either is not a
/// number.
[[nodiscard]] std::pair<IndexPlace, IndexPlace> places_between(const Root& root, const OrderedIndex& index,
                                                               const std::byte* low, const std::byte* high) noexcept;

/// The entity whose unique field has the value of the cell; null where none has.
/// Errors: throws std::logic_error if the field is not unique by itself; std::bad_alloc.
[[nodiscard]] Entity find_unique(const Root& root, TableId table, std::string_view field, const std::byte* cell);

}  // namespace stoa::detail
