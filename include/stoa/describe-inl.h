// The templates of describe.h.
#pragma once

#include <stoa/describe.h>
#include <stoa/detail/type_index.h>

#include <boost/mp11.hpp>

#include <limits>
#include <memory>
#include <utility>

namespace stoa {
namespace detail {

template <typename T>
concept DescribedStruct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;
template <typename T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;
template <typename T>
concept Number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char> &&
                 !std::is_same_v<T, wchar_t> && !std::is_same_v<T, char8_t> && !std::is_same_v<T, char16_t> &&
                 !std::is_same_v<T, char32_t> && !std::is_same_v<T, long double>;

template <typename T>
using PublicMembers = boost::describe::describe_members<T, boost::describe::mod_public>;

template <Number T>
constexpr FieldKind number_kind() {
  if constexpr (std::is_floating_point_v<T>) {
    return sizeof(T) == 4 ? FieldKind::f32 : FieldKind::f64;
  } else {
    constexpr FieldKind signed_kinds[] = {FieldKind::i8, FieldKind::i16, FieldKind::i32, FieldKind::i64};
    constexpr FieldKind unsigned_kinds[] = {FieldKind::u8, FieldKind::u16, FieldKind::u32, FieldKind::u64};
    constexpr std::size_t log2 = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? signed_kinds[log2] : unsigned_kinds[log2];
  }
}

template <typename T>
constexpr bool field_type_is_known = Number<T> || DescribedEnum<T> || DescribedStruct<T> || std::is_same_v<T, bool> ||
                                     std::is_same_v<T, Entity> || std::is_same_v<T, Text> || std::is_same_v<T, Bytes>;

/// The unqualified name of T as a TOML schema would write it: a::FlightPhase is "flight_phase".
[[nodiscard]] std::string definition_name(std::string_view pretty_function);

template <typename T>
[[nodiscard]] constexpr std::string_view pretty_name() {
  return __PRETTY_FUNCTION__;
}
[[nodiscard]] std::string type_name(std::string_view pretty_function);

template <typename T>
[[nodiscard]] FieldType describe_type(SchemaModel& into);

template <DescribedEnum T>
[[nodiscard]] EnumModel describe_enum() {
  using Base = std::underlying_type_t<T>;
  static_assert(Number<Base>, "stoa: an enum's base must be an integer such as std::uint8_t, not bool or a character");
  EnumModel out{.name = definition_name(pretty_name<T>()), .base = number_kind<Base>(), .variants = {}};
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&out](auto enumerator) {
    out.variants.push_back(
        {.name = enumerator.name, .value = static_cast<std::int64_t>(enumerator.value), .number = no_variant});
  });
  return out;
}

template <DescribedStruct T>
[[nodiscard]] StructModel describe_struct(SchemaModel& into) {
  static_assert(
      std::is_trivially_copyable_v<T>,
      "stoa: a row's struct must be trivially copyable: stoa::Text for text, std::array for a sequence; or give "
      "the type a stoa::Codec");
  static_assert(
      std::is_standard_layout_v<T>,
      "stoa: a row's struct must have standard layout: all members public, no base with members, nothing virtual");
  // Offsets are taken from a T's storage; no member is read.
  alignas(T) const std::byte storage[sizeof(T)]{};
  const T* object = reinterpret_cast<const T*>(storage);
  StructModel out{.name = definition_name(pretty_name<T>()),
                  .fields = {},
                  .bytes = std::is_empty_v<T> ? 0 : static_cast<std::uint32_t>(sizeof(T)),
                  .align = static_cast<std::uint32_t>(alignof(T))};
  boost::mp11::mp_for_each<PublicMembers<T>>([&](auto member) {
    using Member = std::remove_cvref_t<decltype(object->*member.pointer)>;
    FieldModel field;
    field.name = member.name;
    field.type = describe_type<Member>(into);
    field.offset = static_cast<std::uint32_t>(
        reinterpret_cast<const std::byte*>(std::addressof(object->*member.pointer)) - storage);
    field.bytes = static_cast<std::uint32_t>(sizeof(Member));
    out.fields.push_back(std::move(field));
  });
  return out;
}

template <typename T>
FieldType describe_type(SchemaModel& into) {
  using Element = element_of<T>;
  static_assert(ArrayTraits<T>::extent <= std::numeric_limits<std::uint32_t>::max());
  FieldType out{.kind = kind_of<T>(), .extent = static_cast<std::uint32_t>(ArrayTraits<T>::extent), .definition = 0};
  if constexpr (DescribedEnum<Element>) {
    out.definition = static_cast<std::uint16_t>(into.enums.size());
    into.enums.push_back(describe_enum<Element>());
  } else if constexpr (kind_of<T>() == FieldKind::structure) {
    StructModel model = describe_struct<Element>(into);  // its own structs come first
    out.definition = static_cast<std::uint16_t>(into.structs.size());
    into.structs.push_back(std::move(model));
  }
  return out;
}

template <Component T>
RowDescription describe_row() {
  RowDescription out;
  out.type_name = type_name(pretty_name<T>());
  out.type_index = type_index<T>();
  if constexpr (Encoded<T>) {
    FieldModel value;
    value.name = encoded_field;
    value.type.kind = FieldKind::bytes;
    value.bytes = sizeof(Bytes);
    out.row = {.name = {}, .fields = {std::move(value)}, .bytes = sizeof(Bytes), .align = alignof(Bytes)};
  } else {
    out.row = describe_struct<T>(out.definitions);
  }
  return out;
}

template <auto Member, typename Row = class_of_member<Member>>
constexpr std::string_view find_field_name() {
  static_assert(DescribedStruct<Row>, "stoa: the member's struct is not described: BOOST_DESCRIBE_STRUCT");
  std::string_view out;
  boost::mp11::mp_for_each<PublicMembers<Row>>([&out](auto member) {
    if constexpr (std::is_same_v<std::remove_cv_t<decltype(member.pointer)>, std::remove_cv_t<decltype(Member)>>) {
      if (member.pointer == Member) out = member.name;
    }
  });
  return out;
}

}  // namespace detail

template <typename T>
constexpr FieldKind kind_of() {
  using Element = std::remove_cv_t<detail::element_of<std::remove_cv_t<T>>>;
  static_assert(detail::ArrayTraits<Element>::extent == 0,
                "stoa: an array of arrays is no field type: wrap the inner one in a struct");
  static_assert(
      detail::field_type_is_known<Element>,
      "stoa: no field has this type: use bool, std::int8_t..std::uint64_t, float, double, an enum with "
      "BOOST_DESCRIBE_ENUM, a struct with BOOST_DESCRIBE_STRUCT, stoa::Entity, stoa::Text, stoa::Bytes, or an "
      "array of one of these");
  if constexpr (std::is_same_v<Element, bool>) {
    return FieldKind::boolean;
  } else if constexpr (detail::Number<Element>) {
    return detail::number_kind<Element>();
  } else if constexpr (std::is_enum_v<Element>) {
    return FieldKind::enumeration;
  } else if constexpr (std::is_same_v<Element, Entity>) {
    return FieldKind::entity;
  } else if constexpr (std::is_same_v<Element, Text>) {
    return FieldKind::text;
  } else if constexpr (std::is_same_v<Element, Bytes>) {
    return FieldKind::bytes;
  } else {
    return FieldKind::structure;
  }
}

template <auto Member, typename Row>
constexpr std::string_view field_name() {
  constexpr std::string_view name = detail::find_field_name<Member>();
  static_assert(!name.empty(), "stoa: the member is not described: name it in BOOST_DESCRIBE_STRUCT");
  return name;
}

}  // namespace stoa
