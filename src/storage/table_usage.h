// What each table's rows take, from the pages of a root. Whoever asks walks the pages; the writer keeps no books.
#pragma once

#include <stoa/detail/world.h>

#include <cstddef>
#include <vector>

namespace stoa::storage {

struct TableUsage {
  std::size_t rows = 0;
  std::size_t used_bytes = 0;       ///< of cells and of texts beside them; in a sparse table also of ids and places
  std::size_t allocated_bytes = 0;  ///< of the blocks that these lie in
};

/// By table number. A step for each page of the root, and one for each row with texts.
/// Threads: any, as long as the root is pinned.
[[nodiscard]] std::vector<TableUsage> usage_of(const detail::Root& root);

}  // namespace stoa::storage
