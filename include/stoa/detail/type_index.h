// A small number for each C++ type, dense from 0 in order of first use. It is only a key: which table a type is bound
// to is the schema's knowledge, so that many schemas live in one process.
#pragma once

#include <atomic>
#include <cstdint>

namespace stoa::detail {

inline std::uint32_t next_type_index() {
  static std::atomic<std::uint32_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);  // relaxed: only uniqueness matters
}

template <typename T>
[[nodiscard]] std::uint32_t type_index() {
  static const std::uint32_t index = next_type_index();
  return index;
}

}  // namespace stoa::detail
