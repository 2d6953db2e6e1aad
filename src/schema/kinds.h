// What each field kind is: its size, its name in TOML, its text in messages. It knows no rows.
#pragma once

#include <stoa/schema_model.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stoa::schema {

// Of one cell. Requires: neither structure nor enumeration, whose base is asked instead.
[[nodiscard]] std::uint32_t scalar_bytes(FieldKind kind);
[[nodiscard]] std::uint32_t scalar_align(FieldKind kind);

[[nodiscard]] bool is_signed_integer(FieldKind kind);
[[nodiscard]] bool is_unsigned_integer(FieldKind kind);
[[nodiscard]] bool is_number(FieldKind kind);

/// "u32"; "enum" and "struct" for the two that have names of their own.
[[nodiscard]] std::string_view kind_name(FieldKind kind);
/// The kind that a TOML type name stands for, but for enums and structs.
[[nodiscard]] std::optional<FieldKind> kind_named(std::string_view name);

/// As TOML writes it: "f32[4]", "phase", "vec3[2]".
[[nodiscard]] std::string type_text(const SchemaModel& schema, const FieldType& type);

/// [A-Za-z_][A-Za-z0-9_]*
[[nodiscard]] bool is_identifier(std::string_view name);

/// The bytes of one element: of a scalar, an enum or a struct that is laid out.
[[nodiscard]] std::uint32_t element_bytes(const SchemaModel& schema, const FieldType& type);
/// How many elements the field has: the extent, or one.
[[nodiscard]] constexpr std::uint32_t element_count(const FieldType& type) {
  return type.extent == 0 ? 1 : type.extent;
}

}  // namespace stoa::schema
