// Text and Bytes: variable-length values in fixed 16-byte cells.
#pragma once

#include <algorithm>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace stoa {
namespace detail {

/// A length, then either up to 12 bytes inline (the rest zero) or a 4-byte prefix and a pointer to the bytes.
/// A borrow, like std::string_view: it never owns what it points to.
class TextCell {
 public:
  static constexpr std::uint32_t inline_bytes = 12;

  TextCell() noexcept { std::memset(raw_, 0, sizeof raw_); }
  /// What is too long to be told in 32 bits is far longer than a value may be, and stays so.
  TextCell(const char* data, std::size_t length) noexcept {
    const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(length, 0xFFFF'FFFFU));
    std::memset(raw_, 0, sizeof raw_);
    std::memcpy(raw_, &size, sizeof size);
    if (size <= inline_bytes) {
      if (size != 0) std::memcpy(raw_ + 4, data, size);
    } else {
      std::memcpy(raw_ + 4, data, 4);
      std::memcpy(raw_ + 8, &data, sizeof data);
    }
  }

  [[nodiscard]] std::uint32_t size() const noexcept {
    std::uint32_t size;
    std::memcpy(&size, raw_, sizeof size);
    return size;
  }
  [[nodiscard]] bool is_inline() const noexcept { return size() <= inline_bytes; }
  [[nodiscard]] const char* data() const noexcept {
    if (is_inline()) return raw_ + 4;
    const char* out;
    std::memcpy(&out, raw_ + 8, sizeof out);
    return out;
  }
  [[nodiscard]] std::string_view view() const noexcept { return {data(), size()}; }

  /// The first four bytes, zero where there are fewer, as a number that is ascending as they are.
  [[nodiscard]] std::uint32_t head() const noexcept {
    std::uint32_t head;
    std::memcpy(&head, raw_ + 4, sizeof head);
    return std::endian::native == std::endian::little ? __builtin_bswap32(head) : head;
  }

  /// Decided by length and prefix alone for most unequal values.
  friend bool operator==(const TextCell& a, const TextCell& b) noexcept {
    if (std::memcmp(a.raw_, b.raw_, 8) != 0) return false;
    if (std::memcmp(a.raw_ + 8, b.raw_ + 8, 8) == 0) return true;  // also the very same bytes
    if (a.is_inline()) return false;
    return std::memcmp(a.data(), b.data(), a.size()) == 0;
  }

 private:
  alignas(8) char raw_[16];
};

}  // namespace detail

/// Text of up to 16 MiB, which should be UTF-8: imports and schemas check it, other writes do not. All texts and bytes
/// of a row have up to 1 GiB. Built from a string it borrows that string (a write call copies the bytes before it
/// returns); read from a row it is valid as long as the row's snapshot.
class Text {
 public:
  Text() = default;
  // NOLINTBEGIN(google-explicit-constructor): a text is a string
  Text(const char* text) : Text(std::string_view(text)) {}
  Text(const std::string& text) : Text(std::string_view(text)) {}
  Text(std::string_view text) : cell_(text.data(), text.size()) {}

  operator std::string_view() const noexcept { return cell_.view(); }
  // NOLINTEND(google-explicit-constructor)
  [[nodiscard]] std::string_view view() const noexcept { return cell_.view(); }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  [[nodiscard]] std::size_t size() const noexcept { return cell_.size(); }
  [[nodiscard]] bool empty() const noexcept { return cell_.size() == 0; }

  friend bool operator==(const Text& a, const Text& b) noexcept { return a.cell_ == b.cell_; }
  friend std::strong_ordering operator<=>(const Text& a, const Text& b) noexcept { return a.view() <=> b.view(); }
  friend bool operator==(const Text& a, std::string_view b) noexcept { return a.view() == b; }
  friend bool operator==(const Text& a, const std::string& b) noexcept { return a.view() == b; }
  friend bool operator==(const Text& a, const char* b) noexcept { return a.view() == std::string_view(b); }

 private:
  detail::TextCell cell_;
};

/// Any bytes, up to 16 MiB; borrows as Text does.
class Bytes {
 public:
  Bytes() = default;
  // NOLINTBEGIN(google-explicit-constructor): bytes are a span
  Bytes(std::span<const std::byte> bytes) : cell_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  [[nodiscard]] std::span<const std::byte> span() const noexcept {
    return {reinterpret_cast<const std::byte*>(cell_.data()), cell_.size()};
  }
  operator std::span<const std::byte>() const noexcept { return span(); }
  // NOLINTEND(google-explicit-constructor)
  [[nodiscard]] std::size_t size() const noexcept { return cell_.size(); }
  [[nodiscard]] bool empty() const noexcept { return cell_.size() == 0; }

  friend bool operator==(const Bytes& a, const Bytes& b) noexcept { return a.cell_ == b.cell_; }

 private:
  detail::TextCell cell_;
};

static_assert(sizeof(Text) == 16 && sizeof(Bytes) == 16 && alignof(Text) == 8, "one cell");

}  // namespace stoa

namespace stoa::detail {

/// Of all of it, or where it is long, of its size and its two ends.
[[nodiscard]] inline std::size_t hash_text(std::string_view text) noexcept {
  constexpr std::size_t end_bytes = 512;
  const std::hash<std::string_view> hash;
  if (text.size() <= 2 * end_bytes) return hash(text);
  return hash(text.substr(0, end_bytes)) ^ (hash(text.substr(text.size() - end_bytes)) * 3 + text.size());
}

}  // namespace stoa::detail

template <>
struct std::hash<stoa::Text> {
  std::size_t operator()(const stoa::Text& text) const noexcept { return stoa::detail::hash_text(text.view()); }
};
template <>
struct std::hash<stoa::Bytes> {
  std::size_t operator()(const stoa::Bytes& bytes) const noexcept {
    return stoa::detail::hash_text({reinterpret_cast<const char*>(bytes.span().data()), bytes.size()});
  }
};
