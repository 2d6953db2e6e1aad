// For tests: a text as a source that gives it in pieces, and may fail at its end.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "csv/byte_source.h"

namespace stoa::csv {

class TestSource final : public ByteSource {
 public:
  /// The first read ends at `split` at the latest; none gives more than `piece_bytes`.
  explicit TestSource(std::string text, std::size_t split = 0, std::size_t piece_bytes = std::string::npos,
                      std::optional<Error> error = {})
      : ByteSource("test.csv"),
        text_(std::move(text)),
        split_(split),
        piece_bytes_(piece_bytes),
        error_(std::move(error)) {}

  std::expected<std::size_t, Error> read(std::span<char> into) override {
    if (at_ == text_.size() && error_) return std::unexpected(*error_);
    const std::size_t stop = at_ < split_ ? split_ : text_.size();
    const std::size_t bytes = std::min({into.size(), stop - at_, piece_bytes_});
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at_), bytes, into.begin());
    at_ += bytes;
    return bytes;
  }
  std::uint64_t bytes_read() const override { return at_; }
  std::uint64_t bytes_total() const override { return text_.size(); }

 private:
  std::string text_;
  std::size_t split_;
  std::size_t piece_bytes_;
  std::optional<Error> error_;
  std::size_t at_ = 0;
};

}  // namespace stoa::csv
