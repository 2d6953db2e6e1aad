// Headers of files, field by field: the order of calls is the layout on disk.
#pragma once

#include "base/hash.h"
#include "base/little_endian.h"
#include "base/random.h"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa {

/// Puts fields one after the other. Requires: there is room for them at `to`.
class FieldWriter {
 public:
  explicit FieldWriter(std::byte* to) : at_(to) {}
  template <std::integral T>
  void put(T value) {
    store_little_endian(at_, value);
    at_ += sizeof(T);
  }
  void put(std::span<const std::byte> bytes) { at_ = std::copy(bytes.begin(), bytes.end(), at_); }
  void put(const RandomId& id) { put(id.low), put(id.high); }
  void put(const Hash128& hash) { put(hash[0]), put(hash[1]); }
  void put_zeros(std::size_t bytes) { at_ = std::fill_n(at_, bytes, std::byte{}); }

 private:
  std::byte* at_;
};

/// Takes them off again. Requires: so many bytes are readable at `from`.
class FieldReader {
 public:
  explicit FieldReader(const std::byte* from) : at_(from) {}
  template <std::integral T>
  [[nodiscard]] T take() {
    at_ += sizeof(T);
    return load_little_endian<T>(at_ - sizeof(T));
  }
  [[nodiscard]] RandomId take_id() {
    const auto low = take<std::uint64_t>();
    return {.low = low, .high = take<std::uint64_t>()};
  }
  [[nodiscard]] Hash128 take_hash() {
    const auto low = take<std::uint64_t>();
    return {low, take<std::uint64_t>()};
  }
  [[nodiscard]] bool take_zeros(std::size_t bytes) {
    at_ += bytes;
    return std::all_of(at_ - bytes, at_, [](std::byte byte) { return byte == std::byte{}; });
  }
  void skip(std::size_t bytes) { at_ += bytes; }

 private:
  const std::byte* at_;
};

}  // namespace stoa
