// A delta on its way: its body with all that somebody else needs to read it. docs/format.md describes the bytes.
#pragma once

#include "delta/delta_access.h"

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <vector>

namespace stoa::delta {

/// Without the runs of tables that are not replicated, if the schema is known.
[[nodiscard]] std::vector<std::byte> encode_envelope(const detail::DeltaAccess::Content& content);

/// Everything in it has been looked through then. With a schema, tables are read as it says.
/// Errors: corrupt, its place an offset into `bytes`; schema_mismatch.
[[nodiscard]] std::expected<std::shared_ptr<const detail::DeltaAccess::Content>, Error> decode_envelope(
    std::span<const std::byte> bytes, const CompiledSchema* schema);

}  // namespace stoa::delta
