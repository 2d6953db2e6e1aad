// A finished schema written out: as TOML for people and for the folder, and as the bytes that its hash is of.
#pragma once

#include <stoa/schema_model.h>

#include <string>

namespace stoa::schema {

/// Requires: the model is complete.
[[nodiscard]] std::string canonical_text(const SchemaModel& schema);

/// Requires: the model is complete but for the hash.
[[nodiscard]] SchemaHash schema_hash(const SchemaModel& schema);

}  // namespace stoa::schema
