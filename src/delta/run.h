// The body of a delta: runs of operations of one kind on the same tables and fields. docs/format.md describes its
// bytes.
#pragma once

#include "base/varint.h"

#include <stoa/entity.h>
#include <stoa/schema_model.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stoa::delta {

inline constexpr std::uint8_t encoding_version = 2;

/// In the order in which a body has them.
enum class RunCode : std::uint8_t {
  destroy,  ///< entities end, with all their rows
  floors,   ///< no entity begins any more at these indices that is not above that
  revive,   ///< entities that had ended begin again, with rows
  create,   ///< entities begin, with rows
  remove,   ///< rows go
  insert,   ///< rows come
  update,   ///< fields of rows change
};
inline constexpr std::uint8_t run_code_count = 7;
inline constexpr std::uint32_t run_code_bits = 3;
/// A number that goes with the code in one byte, where it is below it; else it follows.
inline constexpr std::uint64_t run_small_max = 31;
/// Indices that one operation of a floors run speaks of, at most.
inline constexpr std::uint32_t floor_run_max = 65'536;

/// Entities as differences from one to the next. Both ends of a run begin with the same one.
struct EntityDifference {
  static constexpr std::size_t bytes_max = 2 * varint_bytes_max;  // of one

  std::uint32_t index = 0;
  std::uint32_t generation = 1;

  /// Returns where its bytes end. Requires: room for bytes_max.
  std::byte* store(Entity entity, std::byte* at) noexcept;
  void put(Entity entity, std::vector<std::byte>& out);
  /// One after the other.
  void put_all(std::span<const Entity> entities, std::vector<std::byte>& out);
  /// Takes the next entity off the front of `in`; false where that is none.
  [[nodiscard]] bool take(std::span<const std::byte>& in, Entity& entity);
  /// Takes off as many as follow here whose indices come one after the other from the last one's on, of its generation,
  /// but no more than `most`: how many.
  [[nodiscard]] std::size_t take_in_order(std::span<const std::byte>& in, std::uint64_t most);
};

}  // namespace stoa::delta
