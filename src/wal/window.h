// A part of a file in memory, moved along as it is read: so that many small frames are one read, and a file of any size
// is checked in bounded memory.
#pragma once

#include "base/file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

namespace stoa::wal {

class Window {
 public:
  static constexpr std::size_t step_bytes = std::size_t{1} << 20;

  /// Lifetime: `file` outlives the window.
  explicit Window(const File& file) : file_(&file) {}

  /// The bytes from `offset` on: fewer than `bytes` only where the file ends.
  ///
  /// Requires: `bytes` is no more than step_bytes, or known to be in the file: it is allocated.
  /// Lifetime: until the next call.
  [[nodiscard]] std::expected<std::span<const std::byte>, Error> at(std::uint64_t offset, std::size_t bytes) {
    if (offset < start_ || offset - start_ > length_ || length_ - (offset - start_) < bytes) {
      if (auto moved = move_to(offset, std::max(bytes, step_bytes)); !moved) return std::unexpected(moved.error());
    }
    const auto skipped = static_cast<std::size_t>(offset - start_);
    return std::span<const std::byte>(buffer_.get() + skipped, std::min(bytes, length_ - skipped));
  }

  /// Forgets what was read, for a file that another process may have written to since.
  void forget() { length_ = 0; }

 private:
  std::expected<void, Error> move_to(std::uint64_t offset, std::size_t bytes) {
    length_ = 0;
    if (bytes > capacity_) {
      buffer_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      capacity_ = bytes;
    }
    const auto read = file_->read(offset, std::span(buffer_.get(), bytes));
    if (!read) return std::unexpected(read.error());
    start_ = offset;
    length_ = *read;
    return {};
  }

  const File* file_;
  std::unique_ptr<std::byte[]> buffer_;  // not a vector: a small segment need not touch a whole step
  std::size_t capacity_ = 0;
  std::size_t length_ = 0;
  std::uint64_t start_ = 0;
};

}  // namespace stoa::wal
