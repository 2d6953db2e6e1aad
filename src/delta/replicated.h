// What of a delta a replica gets.
#pragma once

#include "delta/delta_access.h"

#include <cstddef>
#include <vector>

namespace stoa::delta {

/// The body without the runs of tables that are not replicated, if the schema is known: else it has none of them.
[[nodiscard]] std::vector<std::byte> replicated_body(const detail::DeltaAccess::Content& content);

}  // namespace stoa::delta
