// The names of things: entities, tables, versions. What they refer to lives elsewhere.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

namespace stoa {

/// An entity's id: a 32-bit index, and the 32-bit generation of that index. `Entity{}` is null, and never alive.
/// None is given out twice, but for those that no commit began, once the folder is opened again.
class Entity {
 public:
  constexpr Entity() = default;
  constexpr Entity(std::uint32_t index, std::uint32_t generation) : index_(index), generation_(generation) {}

  [[nodiscard]] constexpr std::uint32_t index() const { return index_; }
  [[nodiscard]] constexpr std::uint32_t generation() const { return generation_; }
  [[nodiscard]] constexpr std::uint64_t bits() const { return std::uint64_t{generation_} << 32U | index_; }
  [[nodiscard]] static constexpr Entity from_bits(std::uint64_t bits) {
    return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32U)};
  }

  /// True unless null. It does not say that the entity is alive: ask a snapshot.
  constexpr explicit operator bool() const { return generation_ != 0; }
  friend constexpr bool operator==(Entity, Entity) = default;
  friend constexpr std::strong_ordering operator<=>(Entity, Entity) = default;

 private:
  std::uint32_t index_ = 0;
  std::uint32_t generation_ = 0;
};
static_assert(sizeof(Entity) == 8 && alignof(Entity) == 4, "a cell of a page and of the file formats");

/// The number of a committed transaction; 0 is the empty database.
using Version = std::uint64_t;

/// A table's number within its schema: permanent, dense from 0.
enum class TableId : std::uint16_t {};
inline constexpr TableId no_table{std::numeric_limits<std::uint16_t>::max()};
[[nodiscard]] constexpr std::size_t to_index(TableId table) { return static_cast<std::size_t>(table); }

/// A field's number within its table: permanent, dense from 0 in the order of the names.
enum class FieldId : std::uint16_t {};
inline constexpr FieldId no_field{std::numeric_limits<std::uint16_t>::max()};
[[nodiscard]] constexpr std::size_t to_index(FieldId field) { return static_cast<std::size_t>(field); }

}  // namespace stoa

template <>
struct std::hash<stoa::Entity> {
  std::size_t operator()(stoa::Entity entity) const noexcept {
    std::uint64_t x =
        entity.bits() * 0x9E3779B97F4A7C15U;  // Fibonacci hashing: indices are dense, tables are powers of two
    return static_cast<std::size_t>(x ^ (x >> 32U));
  }
};
