// What an index must hold, worked out from the rows alone: to build it, and to check it.
#pragma once

#include "storage/index_key.h"

#include <stoa/detail/world.h>

#include <cstdint>
#include <vector>

namespace stoa::storage {

/// The keys of all rows, ascending. Requires: Key is that of the index's form.
/// Errors: throws std::bad_alloc.
template <typename Key>
[[nodiscard]] std::vector<Key> derive_keys(const detail::Root& root, std::uint32_t number);

/// Whether the index holds these, in their order. Errors: throws std::bad_alloc.
[[nodiscard]] bool is_as_derived(const detail::Root& root, std::uint32_t number);

}  // namespace stoa::storage
