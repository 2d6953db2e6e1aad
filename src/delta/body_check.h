// Whether a body is one: what whoever got it from a file or the network asks before it is believed.
#pragma once

#include "schema/table_bytes.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace stoa::delta {

/// What is wrong with a body, and where the run begins that it is wrong with.
struct BodyFault {
  std::size_t offset = 0;
  std::string reason;
};

/// Looks all of it through: runs and, where the schema is known, each value. Not here: whether it fits a state.
/// Requires: `bytes` is of `schema`, if that is given.
[[nodiscard]] std::optional<BodyFault> find_fault(std::span<const std::byte> body, const schema::TableBytes& bytes,
                                                  const SchemaModel* schema);

}  // namespace stoa::delta
