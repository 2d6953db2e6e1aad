// What must hold of a snapshot: it is the model's world, by every way that a reader can take.
#pragma once

#include "model.h"

#include <string>

namespace stoa::test {

/// What differs first; empty where nothing does.
[[nodiscard]] std::string difference(const Snapshot& snapshot, const World& world);

}  // namespace stoa::test
