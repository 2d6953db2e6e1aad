// Which index answers a question, and who holds a value in it: the index gives candidates, and where its values are
// hashes the rows decide.
#pragma once

#include <stoa/detail/world.h>

#include <cstdint>
#include <optional>

namespace stoa::storage {

/// The number of the unique index of exactly that one field.
[[nodiscard]] std::optional<std::uint32_t> find_unique_index(const detail::WorldInfo& world, TableId table,
                                                             FieldId field);
/// The number of an index that has the values of that one field in order.
[[nodiscard]] std::optional<std::uint32_t> find_ordered_index(const detail::WorldInfo& world, TableId table,
                                                              FieldId field);

/// An entity other than `except` whose row agrees with `row` in all fields of the unique index; null where none does.
[[nodiscard]] Entity find_holder(const detail::Root& root, std::uint32_t index, const std::byte* row,
                                 Entity except = {});

}  // namespace stoa::storage
