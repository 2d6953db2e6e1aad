// What is found in a store that was opened: how many rows, and what they come to.
#pragma once

#include "peers/store.h"

#include <cstddef>
#include <cstdint>

namespace bench {

struct Found {
  std::size_t rows = 0;
  std::uint64_t sum = 0;
  void add(const auto& row) {
    ++rows;
    sum += digest(row);
  }
  friend bool operator==(const Found&, const Found&) = default;
};
/// Of keys 0 to rows - 1, each with its first position.
[[nodiscard]] inline Found first_found(std::size_t rows) {
  Found out;
  for (std::size_t key = 0; key < rows; ++key) out.add(first_position(key));
  return out;
}

}  // namespace bench
