// A field's value where its type is known only at run time: in TOML defaults, in CSV cells, in rows by name.
#pragma once

#include <stoa/entity.h>
#include <stoa/text.h>

#include <bit>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace stoa {

/// Owns its bytes. Integers are kept as the widest of their signedness; an enum's value is its variant's name or its
/// number; a text or bytes are a string of just those bytes; a fixed array or a nested struct (its fields in order) is
/// a list. Monostate is null: for references. A float becomes the double with its bits, also those of a signaling NaN.
class Value {
 public:
  using List = std::vector<Value>;
  using Variant = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, Entity, std::string, List>;

  Value() = default;
  // NOLINTBEGIN(google-explicit-constructor): a value is what it is made of
  Value(bool value) : value_(value) {}
  template <std::signed_integral T>
  Value(T value) : value_(static_cast<std::int64_t>(value)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Value(T value) : value_(static_cast<std::uint64_t>(value)) {}
  template <std::floating_point T>
  Value(T value) : value_(widen(value)) {}
  Value(Entity value) : value_(value) {}
  Value(const char* value) : value_(std::string(value)) {}
  Value(std::string_view value) : value_(std::string(value)) {}
  Value(std::string value) : value_(std::move(value)) {}
  Value(Text value) : value_(value.str()) {}
  Value(List value) : value_(std::move(value)) {}
  template <typename T>
  requires std::is_enum_v<T> Value(T value) : Value(static_cast<std::underlying_type_t<T>>(value)) {}
  // NOLINTEND(google-explicit-constructor)

  [[nodiscard]] const Variant& variant() const { return value_; }
  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  friend bool operator==(const Value&, const Value&) = default;

 private:
  template <std::floating_point T>
  static double widen(T value) {
    if constexpr (std::same_as<T, float>) {
      if (value != value) {  // the processor's own conversion would make a signaling NaN a quiet one
        const std::uint64_t bits = std::bit_cast<std::uint32_t>(value);
        return std::bit_cast<double>((bits & 0x8000'0000U) << 32U | 0x7FFULL << 52U | (bits & 0x7F'FFFFU) << 29U);
      }
    }
    return static_cast<double>(value);
  }

  Variant value_;
};

/// A field by name with its value: {"x", 1.f}.
struct NamedValue {
  std::string_view name;
  Value value;
};

}  // namespace stoa
