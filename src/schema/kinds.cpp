#include "schema/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace stoa::schema {
namespace {

struct KindInfo {
  std::string_view name;
  std::uint32_t bytes;
  std::uint32_t align;
};

// In the order of FieldKind.
constexpr std::array<KindInfo, 16> kinds{{
    {"bool", 1, 1},
    {"i8", 1, 1},
    {"i16", 2, 2},
    {"i32", 4, 4},
    {"i64", 8, alignof(std::int64_t)},
    {"u8", 1, 1},
    {"u16", 2, 2},
    {"u32", 4, 4},
    {"u64", 8, alignof(std::uint64_t)},
    {"f32", 4, 4},
    {"f64", 8, alignof(double)},
    {"enum", 0, 0},
    {"struct", 0, 0},
    {"entity", sizeof(Entity), alignof(Entity)},
    {"text", sizeof(Text), alignof(Text)},
    {"bytes", sizeof(Bytes), alignof(Bytes)},
}};
static_assert(std::to_underlying(FieldKind::bytes) + 1 == kinds.size());

const KindInfo& info(FieldKind kind) { return kinds[std::to_underlying(kind)]; }

}  // namespace

std::uint32_t scalar_bytes(FieldKind kind) { return info(kind).bytes; }
std::uint32_t scalar_align(FieldKind kind) { return info(kind).align; }
std::string_view kind_name(FieldKind kind) { return info(kind).name; }

bool is_signed_integer(FieldKind kind) { return kind >= FieldKind::i8 && kind <= FieldKind::i64; }
bool is_unsigned_integer(FieldKind kind) { return kind >= FieldKind::u8 && kind <= FieldKind::u64; }
bool is_number(FieldKind kind) { return kind >= FieldKind::i8 && kind <= FieldKind::f64; }

std::optional<FieldKind> kind_named(std::string_view name) {
  const auto* found = std::ranges::find(kinds, name, &KindInfo::name);
  if (found == kinds.end() || found->bytes == 0) return std::nullopt;
  return static_cast<FieldKind>(found - kinds.begin());
}

std::string type_text(const SchemaModel& schema, const FieldType& type) {
  std::string out;
  switch (type.kind) {
    case FieldKind::enumeration: out = schema.enums[type.definition].name; break;
    case FieldKind::structure: out = schema.structs[type.definition].name; break;
    default: out = kind_name(type.kind);
  }
  if (type.extent != 0) out += fmt::format("[{}]", type.extent);
  return out;
}

bool is_identifier(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || is_digit(c); });
}

std::uint32_t element_bytes(const SchemaModel& schema, const FieldType& type) {
  switch (type.kind) {
    case FieldKind::enumeration: return scalar_bytes(schema.enums[type.definition].base);
    case FieldKind::structure: return schema.structs[type.definition].bytes;
    default: return scalar_bytes(type.kind);
  }
}

}  // namespace stoa::schema
