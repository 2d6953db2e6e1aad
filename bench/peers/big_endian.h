// Keys for stores that order them as texts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bench {

/// Eight bytes, the highest first, after a prefix: ordered as the numbers are.
template <std::size_t prefix_bytes = 0>
class BigEndianKey {
 public:
  explicit BigEndianKey(std::uint64_t key, char prefix = 0) {
    if constexpr (prefix_bytes != 0) bytes_[0] = prefix;
    key = __builtin_bswap64(key);
    __builtin_memcpy(bytes_.data() + prefix_bytes, &key, sizeof key);
  }
  [[nodiscard]] const char* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  static_assert(prefix_bytes <= 1);
  std::array<char, prefix_bytes + sizeof(std::uint64_t)> bytes_;
};

}  // namespace bench
