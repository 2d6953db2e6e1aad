// From a C++ struct that Boost.Describe describes to a row's fields. It reads types only: which table a type belongs to
// is the schema's knowledge.
#pragma once

#include <stoa/detail/schema_draft.h>
#include <stoa/entity.h>
#include <stoa/schema_model.h>
#include <stoa/text.h>

#include <boost/describe.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace stoa {

/// How a C++ type that is not a plain struct is stored; specialised by the user, before the type is used in a schema:
///   static void encode(const T&, Encoder&);
///   static std::expected<T, Error> decode(Decoder&);   // all that was encoded, and no more
/// Its rows are read by Snapshot::decode<T>(). See <stoa/codec.h>.
template <typename T>
struct Codec;

/// A type with a Codec. Its table has one field, `value`, of type bytes.
template <typename T>
concept Encoded = requires {
  sizeof(Codec<T>);
};

/// A type that can be a row: a described struct, or one with a Codec.
template <typename T>
concept Component = Encoded<T> ||(std::is_class_v<T>&& boost::describe::has_describe_members<T>::value);

/// The name that an encoded type's only field has.
inline constexpr std::string_view encoded_field = "value";

/// The kind of a field whose C++ type is T; of its elements where T is an array.
///
/// Does not compile where no field can have that type.
template <typename T>
[[nodiscard]] constexpr FieldKind kind_of();

namespace detail {

template <typename T>
struct MemberPointer;
template <typename C, typename M>
struct MemberPointer<M C::*> {
  using Class = C;
  using Type = M;
};
/// Function templates of a member have it as a second parameter: g++ takes a function that has a pointer to a member of
/// a type in an unnamed namespace for one that other files may share, and their types of that name are others.
template <auto Member>
using class_of_member = typename MemberPointer<decltype(Member)>::Class;
template <auto Member>
using type_of_member = typename MemberPointer<decltype(Member)>::Type;

}  // namespace detail

/// The name of the described member that `Member` points to: field_name<&Docked::gate>() is "gate".
///
/// Does not compile where the member is not described.
template <auto Member, typename Row = detail::class_of_member<Member>>
[[nodiscard]] constexpr std::string_view field_name();

namespace detail {

template <typename T>
struct ArrayTraits {
  using Element = T;
  static constexpr std::size_t extent = 0;
};
template <typename T, std::size_t N>
struct ArrayTraits<T[N]> {
  using Element = T;
  static constexpr std::size_t extent = N;
};
template <typename T, std::size_t N>
struct ArrayTraits<std::array<T, N>> {
  using Element = T;
  static constexpr std::size_t extent = N;
};
/// What a field of type T consists of: the array's elements, or T itself.
template <typename T>
using element_of = typename ArrayTraits<T>::Element;

/// The fields of T, with their real offsets and the enums and structs that they use.
template <Component T>
[[nodiscard]] RowDescription describe_row();

}  // namespace detail
}  // namespace stoa

#include <stoa/describe-inl.h>
