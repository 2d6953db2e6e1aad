// How a C++ type that is no plain struct becomes bytes and comes back: what a user's Codec<T> writes with and reads
// from. Little-endian everywhere, without padding; the values' types are the user's to keep the same.
#pragma once

#include <stoa/describe.h>
#include <stoa/error.h>
#include <stoa/text.h>

#include <boost/mp11.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace stoa {
namespace detail {

template <typename T>
inline constexpr bool is_vector = false;
template <typename T, typename A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// What is told as the bytes of one number.
template <typename T>
concept Scalar = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <typename T>
concept StringLike = std::is_convertible_v<const T&, std::string_view>;

/// Its own inverse; nothing where memory is little-endian already.
template <std::size_t N>
void to_little_endian(std::array<std::byte, N>& bytes) noexcept {
  if constexpr (std::endian::native == std::endian::big) {
    for (std::size_t i = 0; i < N / 2; ++i) std::swap(bytes[i], bytes[N - 1 - i]);
  }
}

template <typename T>
inline constexpr bool no_encoding = false;

/// Whether PublicMembers are all that the type was described with: others would be lost on the way.
template <typename T>
inline constexpr bool all_members_are_public =
    boost::mp11::mp_size<boost::describe::describe_members<T, boost::describe::mod_any_access>>::value ==
    boost::mp11::mp_size<PublicMembers<T>>::value&&
        boost::mp11::mp_size<boost::describe::describe_bases<T, boost::describe::mod_any_access>>::value == 0;

template <typename T>
inline constexpr bool is_char_array = std::is_array_v<T>&& std::is_same_v<std::remove_extent_t<T>, char>;

}  // namespace detail

/// Takes a value apart into bytes. write() knows bool, numbers, enums, Entity, text, Bytes, structs that are described
/// with all they have, types with a Codec of their own, and std::array, std::vector and std::optional of what it knows.
/// It writes what it is given: an enum value that no variant has, and what lies deeper than Decoder::depth_max, can
/// not be read again.
class Encoder {
 public:
  template <typename T>
  Encoder& write(const T& value) {
    if constexpr (Encoded<T>) {
      Codec<T>::encode(value, *this);
    } else if constexpr (std::is_same_v<T, bool>) {
      bytes_.push_back(static_cast<std::byte>(value));
    } else if constexpr (detail::Scalar<T>) {
      static_assert(!std::is_same_v<T, long double>, "stoa: a long double is not the same on every platform");
      auto raw = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
      detail::to_little_endian(raw);
      write_raw(raw);
    } else if constexpr (std::is_same_v<T, Entity>) {
      write(value.bits());
    } else if constexpr (detail::DescribedStruct<T>) {
      static_assert(detail::all_members_are_public<T>,
                    "stoa: a struct with bases or private members needs a Codec: Encoder sees its public members only");
      boost::mp11::mp_for_each<detail::PublicMembers<T>>([&](auto member) {
        static_assert(!detail::is_char_array<std::remove_cvref_t<decltype(value.*member.pointer)>>,
                      "stoa: an array of char may have no end: use std::array or std::string");
        write(value.*member.pointer);
      });
    } else if constexpr (detail::StringLike<T>) {
      const std::string_view text = value;
      write_bytes(std::as_bytes(std::span(text)));
    } else if constexpr (std::is_same_v<T, Bytes>) {
      write_bytes(value.span());
    } else if constexpr (detail::is_vector<T>) {
      write_size(value.size());
      for (std::size_t i = 0; i < value.size(); ++i) write<typename T::value_type>(value[i]);
    } else if constexpr (detail::ArrayTraits<T>::extent != 0) {
      for (const auto& element : value) write(element);
    } else if constexpr (detail::is_optional<T>) {
      write(value.has_value());
      if (value) write(*value);
    } else {
      static_assert(detail::no_encoding<T>, "stoa: Encoder cannot write that type: describe it or give it a Codec");
    }
    return *this;
  }

  /// A length and the bytes; read by Decoder::read_bytes(), and as a std::string or a Text.
  Encoder& write_bytes(std::span<const std::byte> bytes) {
    write_size(bytes.size());
    return write_raw(bytes);
  }
  /// The bytes alone: their number is the reader's to know.
  Encoder& write_raw(std::span<const std::byte> bytes) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + bytes.size());  // insert() draws a false warning from g++ 12, in the user's build
    if (!bytes.empty()) std::memcpy(bytes_.data() + at, bytes.data(), bytes.size());
    return *this;
  }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  // Longer than a value may be, it is refused as a whole when it is written to a row.
  void write_size(std::size_t size) { write(static_cast<std::uint32_t>(std::min<std::size_t>(size, 0xFFFF'FFFFU))); }

  std::vector<std::byte> bytes_;
};

/// Puts a value together again. A read beyond the end, a bool that is neither 0 nor 1, an enum value that no described
/// variant has, and values within values beyond depth_max are errors, with code corrupt and the byte's place. Nothing
/// that is read can make it take more memory than some multiple of the bytes that are there.
///
/// Lifetime: borrows the bytes; so do the spans and texts that it returns.
class Decoder {
 public:
  static constexpr std::size_t depth_max = 200;

  explicit Decoder(std::span<const std::byte> bytes) : bytes_(bytes) {}

  /// What Encoder::write() of a T wrote.
  template <typename T>
  [[nodiscard]] std::expected<T, Error> read() {
    const Depth depth(depth_);
    if (depth_ > depth_max) return std::unexpected(too_deep());
    if constexpr (Encoded<T>) {
      return Codec<T>::decode(*this);
    } else if constexpr (detail::Scalar<T>) {
      return read_scalar<T>();
    } else if constexpr (std::is_same_v<T, Entity>) {
      const auto bits = read<std::uint64_t>();
      if (!bits) return std::unexpected(bits.error());
      return Entity::from_bits(*bits);
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view> ||
                         std::is_same_v<T, Text>) {
      const auto bytes = read_bytes();
      if (!bytes) return std::unexpected(bytes.error());
      return T(std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
    } else if constexpr (std::is_same_v<T, Bytes>) {
      const auto bytes = read_bytes();
      if (!bytes) return std::unexpected(bytes.error());
      return Bytes(*bytes);
    } else if constexpr (detail::is_vector<T>) {
      return read_vector<T>();
    } else if constexpr (detail::is_optional<T>) {
      const auto there = read<bool>();
      if (!there) return std::unexpected(there.error());
      if (!*there) return T();
      auto value = read<typename T::value_type>();
      if (!value) return std::unexpected(std::move(value.error()));
      return T(std::move(*value));
    } else {
      T out{};
      if (auto done = read_into(out); !done) return std::unexpected(std::move(done.error()));
      return out;
    }
  }

  /// What write_bytes() wrote.
  [[nodiscard]] std::expected<std::span<const std::byte>, Error> read_bytes() {
    const std::size_t start = at_;
    const auto size = read<std::uint32_t>();
    if (!size) return std::unexpected(size.error());
    auto out = read_raw(*size);
    if (!out) at_ = start;
    return out;
  }
  /// The next `count` bytes.
  [[nodiscard]] std::expected<std::span<const std::byte>, Error> read_raw(std::size_t count) {
    if (count > remaining()) return std::unexpected(ends_early(count));
    const auto out = bytes_.subspan(at_, count);
    at_ += count;
    return out;
  }

  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - at_; }

 private:
  class Depth {
   public:
    explicit Depth(std::size_t& depth) : depth_(++depth) {}
    ~Depth() { --depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    std::size_t& depth_;
  };

  template <typename T>
  [[nodiscard]] std::expected<T, Error> read_scalar() {
    static_assert(!std::is_same_v<T, long double>, "stoa: a long double is not the same on every platform");
    const auto taken = read_raw(sizeof(T));
    if (!taken) return std::unexpected(taken.error());
    std::array<std::byte, sizeof(T)> raw;
    std::memcpy(raw.data(), taken->data(), sizeof(T));
    detail::to_little_endian(raw);
    bool known = true;
    if constexpr (std::is_same_v<T, bool>) {
      known = raw[0] <= std::byte{1};
    } else if constexpr (detail::DescribedEnum<T>) {
      known = false;
      const T value = std::bit_cast<T>(raw);
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
          [&](auto enumerator) { known = known || enumerator.value == value; });
    }
    if (!known) {
      at_ -= sizeof(T);
      return std::unexpected(unknown_value(std::is_same_v<T, bool> ? "bool" : "enum"));
    }
    return std::bit_cast<T>(raw);
  }

  template <typename T>
  [[nodiscard]] std::expected<T, Error> read_vector() {
    const auto size = read<std::uint32_t>();
    if (!size) return std::unexpected(size.error());
    static_assert(!std::is_empty_v<typename T::value_type>,
                  "stoa: elements without bytes are only a number: write that");
    // An element has a byte at least, so that a damaged size cannot ask for all memory.
    if (*size > remaining()) return std::unexpected(ends_early(*size));
    constexpr std::size_t reserved_max = 65'536;
    T out;
    out.reserve(std::min<std::size_t>(*size, reserved_max / sizeof(typename T::value_type) + 1));
    for (std::uint32_t i = 0; i < *size; ++i) {
      auto element = read<typename T::value_type>();
      if (!element) return std::unexpected(std::move(element.error()));
      out.push_back(std::move(*element));
    }
    return out;
  }

  // Arrays and described structs, member by member.
  template <typename T>
  [[nodiscard]] std::expected<void, Error> read_into(T& out) {
    std::expected<void, Error> done;
    const auto fill = [&](auto& member) {
      if (!done) return;
      using Member = std::remove_cvref_t<decltype(member)>;
      if constexpr (std::is_array_v<Member>) {
        done = read_into(member);
      } else {
        auto value = read<Member>();
        if (value) {
          member = std::move(*value);
        } else {
          done = std::unexpected(std::move(value.error()));
        }
      }
    };
    if constexpr (detail::ArrayTraits<T>::extent != 0) {
      static_assert(!detail::is_char_array<T>, "stoa: an array of char may have no end: use std::array or std::string");
      for (auto& element : out) fill(element);
    } else if constexpr (detail::DescribedStruct<T>) {
      boost::mp11::mp_for_each<detail::PublicMembers<T>>([&](auto member) { fill(out.*member.pointer); });
    } else {
      static_assert(detail::no_encoding<T>, "stoa: Decoder cannot read that type: describe it or give it a Codec");
    }
    return done;
  }

  [[nodiscard]] Error ends_early(std::size_t wanted) const;
  [[nodiscard]] Error unknown_value(std::string_view kind) const;
  [[nodiscard]] Error too_deep() const;

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

namespace detail {

/// A row of T as storage has it: the value itself, or the cell of its encoding.
///
/// Lifetime: borrows the value where T has no Codec.
template <Component T>
class RowSource {
 public:
  explicit RowSource(const T& row) : bytes_(reinterpret_cast<const std::byte*>(&row)) {}
  [[nodiscard]] const std::byte* bytes() const noexcept { return bytes_; }

 private:
  const std::byte* bytes_;
};
template <Encoded T>
class RowSource<T> {
 public:
  explicit RowSource(const T& value) {
    Codec<T>::encode(value, encoder_);
    cell_ = Bytes(encoder_.bytes());
  }
  [[nodiscard]] const std::byte* bytes() const noexcept { return reinterpret_cast<const std::byte*>(&cell_); }

 private:
  Encoder encoder_;
  Bytes cell_;
};

[[nodiscard]] Error no_row_to_decode(Entity entity);
[[nodiscard]] Error bytes_left_over(std::size_t count);

/// A row of an encoded type, or nullptr for none, as a value.
template <Encoded T>
[[nodiscard]] std::expected<T, Error> decode_row(const std::byte* row, Entity entity) {
  if (row == nullptr) return std::unexpected(no_row_to_decode(entity));
  Decoder decoder(reinterpret_cast<const Bytes*>(row)->span());
  std::expected<T, Error> out = Codec<T>::decode(decoder);
  if (out && decoder.remaining() != 0) return std::unexpected(bytes_left_over(decoder.remaining()));
  return out;
}

}  // namespace detail
}  // namespace stoa
