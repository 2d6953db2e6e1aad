// Where the bytes of a row are: offsets by the platform's C rules, and what the codecs walk over. It judges nothing.
#pragma once

#include <stoa/schema_model.h>

#include <vector>

namespace stoa::schema {

/// Beyond this no layout is computed: a size that is refused anyway, far from overflowing 32 bits.
inline constexpr std::uint32_t layout_bytes_max = 1U << 24U;

/// Sets the offset and bytes of every field, and the bytes and align of every struct and table. A size that would pass
/// layout_bytes_max is set to it.
///
/// Requires: no struct contains itself; every definition index is valid.
void lay_out(SchemaModel& schema);

/// Sets the runs, blobs and checked leaves of a table that is laid out.
void derive_leaves(const SchemaModel& schema, TableModel& table);

/// The structs that `type` or its fields use directly.
[[nodiscard]] std::vector<std::uint16_t> structs_in(const std::vector<FieldModel>& fields);

}  // namespace stoa::schema
