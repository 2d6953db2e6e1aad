// How the library itself makes a snapshot and looks into it.
#pragma once

#include <stoa/snapshot.h>

namespace stoa::detail {

class SnapshotAccess {
 public:
  [[nodiscard]] static Snapshot make(SnapshotHome& home, const Root& root, void* slot) { return {home, root, slot}; }
  [[nodiscard]] static const Root& root(const Snapshot& snapshot) { return snapshot.root(); }
};

}  // namespace stoa::detail
