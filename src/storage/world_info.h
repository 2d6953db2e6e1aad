// From a compiled schema to what every root of a database refers to.
#pragma once

#include <stoa/detail/world.h>

#include <memory>

namespace stoa::storage {

[[nodiscard]] detail::WorldInfo make_world(std::shared_ptr<const CompiledSchema> schema);

}  // namespace stoa::storage
