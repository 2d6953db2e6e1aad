// Which indexes a schema has, and by which key a row stands in one.
#pragma once

#include "storage/index_key.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace stoa::storage {

/// The indexes that a schema's keys, unique rules and references need, and those that it asks for. Table by table, in
/// the order of their numbers. One serves two purposes where its order is the same.
[[nodiscard]] std::vector<detail::IndexInfo> derive_indexes(const SchemaModel& schema);

/// The key by which an entity's row stands in an index of numbers or hashes; none where a reference among the fields is
/// null.
[[nodiscard]] std::optional<IndexKey> index_key(const detail::WorldInfo& world, const detail::IndexInfo& index,
                                                Entity entity, const std::byte* row);
/// The same of an index of texts, which has every row.
[[nodiscard]] TextKey text_key(const detail::WorldInfo& world, const detail::IndexInfo& index, Entity entity,
                               const std::byte* row);
/// The value of IndexKey for one field's cell; none for a null reference. Requires: not a text.
[[nodiscard]] std::optional<std::uint64_t> ordered_value(const SchemaModel& schema, const FieldModel& field,
                                                         const std::byte* cell);

/// Whether two rows have the same bytes in all fields of the index: a quick look, which says no to some that agree.
[[nodiscard]] bool same_cells(const detail::WorldInfo& world, const detail::IndexInfo& index, const std::byte* a,
                              const std::byte* b) noexcept;
/// Whether two rows agree in all fields of the index, texts by content. Needed where the key is a hash.
[[nodiscard]] bool same_in_index(const detail::WorldInfo& world, const detail::IndexInfo& index, const std::byte* a,
                                 const std::byte* b);

}  // namespace stoa::storage
