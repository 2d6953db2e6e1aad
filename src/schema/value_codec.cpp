#include "schema/value_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "schema/kinds.h"

namespace stoa::schema {
namespace {

using Result = std::expected<void, Error>;

std::unexpected<Error> refuse(std::string reason) {
  return std::unexpected(Error(ErrorCode::invalid_argument, std::move(reason)));
}

std::string value_text(const Value& value) {
  struct Text {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(std::uint64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(Entity v) const { return fmt::format("entity {}:{}", v.index(), v.generation()); }
    std::string operator()(const std::string& v) const { return fmt::format("\"{}\"", v.substr(0, 64)); }
    std::string operator()(const Value::List& v) const { return fmt::format("a list of {}", v.size()); }
  };
  return std::visit(Text{}, value.variant());
}

std::unexpected<Error> wrong_type(std::string_view expected, const Value& value) {
  return refuse(fmt::format("expected {}, got {}", expected, value_text(value)));
}

template <typename T>
void store(void* cell, T value) {
  std::memcpy(cell, &value, sizeof value);
}

template <typename T>
T load(const void* cell) {
  T value;
  std::memcpy(&value, cell, sizeof value);
  return value;
}

/// Calls `fn` with a zero of the number's C++ type. Requires: is_number(kind).
template <typename Fn>
decltype(auto) with_number(FieldKind kind, Fn fn) {
  switch (kind) {
    case FieldKind::i8: return fn(std::int8_t{});
    case FieldKind::i16: return fn(std::int16_t{});
    case FieldKind::i32: return fn(std::int32_t{});
    case FieldKind::i64: return fn(std::int64_t{});
    case FieldKind::u8: return fn(std::uint8_t{});
    case FieldKind::u16: return fn(std::uint16_t{});
    case FieldKind::u32: return fn(std::uint32_t{});
    case FieldKind::u64: return fn(std::uint64_t{});
    case FieldKind::f32: return fn(float{});
    case FieldKind::f64: return fn(double{});
    default: std::unreachable();
  }
}

template <typename To, typename From>
std::optional<To> exact_float(From value) {
  // The bound keeps the way back from being undefined: a float that rounded up to 2^64 has no integer.
  const To out = static_cast<To>(value);
  if (out >= static_cast<To>(std::numeric_limits<From>::max()) || static_cast<From>(out) != value) return std::nullopt;
  return out;
}

/// A NaN keeps its sign and the upper bits of its payload, as the processor's conversion has it too; but a signaling
/// one stays so, unless nothing of its payload is left.
template <typename T>
T narrow(double value) {
  if constexpr (std::is_same_v<T, float>) {
    if (std::isnan(value)) {
      const auto bits = std::bit_cast<std::uint64_t>(value);
      const auto payload = static_cast<std::uint32_t>(bits >> 29U) & 0x7F'FFFFU;
      const auto sign = static_cast<std::uint32_t>(bits >> 32U) & 0x8000'0000U;
      return std::bit_cast<float>(sign | 0x7F80'0000U | (payload != 0 ? payload : 0x40'0000U));
    }
  }
  return static_cast<T>(value);
}

/// `value` as a T; nullopt where it is no number or has no T of the same value.
template <typename T>
std::optional<T> number_as(const Value& value) {
  const auto from_integer = [](auto integer) -> std::optional<T> {
    if constexpr (std::is_floating_point_v<T>) {
      return exact_float<T>(integer);
    } else {
      return std::in_range<T>(integer) ? std::optional(static_cast<T>(integer)) : std::nullopt;
    }
  };
  if (const auto* integer = std::get_if<std::int64_t>(&value.variant())) return from_integer(*integer);
  if (const auto* integer = std::get_if<std::uint64_t>(&value.variant())) return from_integer(*integer);
  if constexpr (std::is_floating_point_v<T>) {
    if (const auto* number = std::get_if<double>(&value.variant())) {
      if (std::isfinite(*number) && std::abs(*number) > static_cast<double>(std::numeric_limits<T>::max())) {
        return std::nullopt;
      }
      return narrow<T>(*number);
    }
  }
  return std::nullopt;
}

Result write_number(FieldKind kind, void* cell, const Value& value) {
  return with_number(kind, [&](auto zero) -> Result {
    const auto number = number_as<decltype(zero)>(value);
    if (!number) return wrong_type(fmt::format("a value of {}", kind_name(kind)), value);
    store(cell, *number);
    return {};
  });
}

Result write_enum(const EnumModel& model, void* cell, const Value& value) {
  if (const auto* name = std::get_if<std::string>(&value.variant())) {
    const auto found = std::ranges::find(model.variants, *name, &EnumVariant::name);
    if (found == model.variants.end()) return refuse(fmt::format("{} has no variant \"{}\"", model.name, *name));
    std::memcpy(cell, &found->value, scalar_bytes(model.base));  // little-endian: the low bytes
    return {};
  }
  const bool known = with_number(model.base, [&](auto zero) {
    if constexpr (std::is_integral_v<decltype(zero)>) {
      const auto number = number_as<decltype(zero)>(value);
      if (!number || find_variant(model, static_cast<std::int64_t>(*number)) == nullptr) return false;
      store(cell, *number);
      return true;
    }
    return false;
  });
  if (!known) return wrong_type(fmt::format("a variant of {}", model.name), value);
  return {};
}

Result write_blob(FieldKind kind, void* cell, const Value& value) {
  const auto* text = std::get_if<std::string>(&value.variant());
  if (text == nullptr) return wrong_type(kind_name(kind), value);
  if (text->size() > blob_bytes_max) {
    return std::unexpected(
        Error(ErrorCode::too_large, fmt::format("{} bytes, more than {}", text->size(), blob_bytes_max)));
  }
  store(cell, Text(*text));  // Bytes has the same cell
  return {};
}

Result write_element(const SchemaModel& schema, const FieldType& type, void* cell, const Value& value);

Result write_fields(const SchemaModel& schema, const StructModel& model, void* cell, const Value& value) {
  const auto* list = std::get_if<Value::List>(&value.variant());
  if (list == nullptr || list->size() != model.fields.size()) {
    return wrong_type(fmt::format("a list of the {} fields of {}", model.fields.size(), model.name), value);
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const FieldModel& field = model.fields[i];
    if (Result done = write_value(schema, field.type, static_cast<std::byte*>(cell) + field.offset, (*list)[i]);
        !done) {
      return std::unexpected(Error(done.error().code(), fmt::format("{}: {}", field.name, done.error().reason())));
    }
  }
  return {};
}

Result write_element(const SchemaModel& schema, const FieldType& type, void* cell, const Value& value) {
  switch (type.kind) {
    case FieldKind::boolean: {
      const auto* boolean = std::get_if<bool>(&value.variant());
      if (boolean == nullptr) return wrong_type("true or false", value);
      store(cell, *boolean);
      return {};
    }
    case FieldKind::enumeration: return write_enum(schema.enums[type.definition], cell, value);
    case FieldKind::structure: return write_fields(schema, schema.structs[type.definition], cell, value);
    case FieldKind::entity: {
      const auto* entity = std::get_if<Entity>(&value.variant());
      if (entity == nullptr && !value.is_null()) return wrong_type("an entity or null", value);
      store(cell, entity == nullptr ? Entity{} : *entity);
      return {};
    }
    case FieldKind::text:
    case FieldKind::bytes: return write_blob(type.kind, cell, value);
    default: return write_number(type.kind, cell, value);
  }
}

Value read_element(const SchemaModel& schema, const FieldType& type, const void* cell) {
  switch (type.kind) {
    case FieldKind::boolean: return load<std::uint8_t>(cell) != 0;
    case FieldKind::enumeration: {
      const EnumModel& model = schema.enums[type.definition];
      const EnumVariant* variant = find_variant(model, load_enum(model.base, cell));
      if (variant != nullptr) return variant->name;
      return with_number(model.base, [cell](auto zero) { return Value(load<decltype(zero)>(cell)); });
    }
    case FieldKind::structure: {
      Value::List fields;
      for (const FieldModel& field : schema.structs[type.definition].fields) {
        fields.push_back(read_value(schema, field.type, static_cast<const std::byte*>(cell) + field.offset));
      }
      return fields;
    }
    case FieldKind::entity: {
      const auto entity = load<Entity>(cell);
      return entity ? Value(entity) : Value();
    }
    case FieldKind::text: return load<Text>(cell);
    case FieldKind::bytes: return load<Text>(cell);  // the same cell
    default: return with_number(type.kind, [cell](auto zero) { return Value(load<decltype(zero)>(cell)); });
  }
}

}  // namespace

std::int64_t load_enum(FieldKind base, const void* cell) {
  return with_number(base, [cell](auto zero) { return static_cast<std::int64_t>(load<decltype(zero)>(cell)); });
}

const EnumVariant* find_variant(const EnumModel& model, std::int64_t value) {
  // A u64 base sorts by its bit pattern as a signed number too; only equality matters.
  const auto found = std::ranges::lower_bound(model.variants, value, {}, &EnumVariant::value);
  return found == model.variants.end() || found->value != value ? nullptr : &*found;
}

Result write_value(const SchemaModel& schema, const FieldType& type, void* cell, const Value& value) {
  if (type.extent == 0) return write_element(schema, type, cell, value);
  const auto* list = std::get_if<Value::List>(&value.variant());
  if (list == nullptr || list->size() != type.extent) {
    return wrong_type(fmt::format("a list of {}", type.extent), value);
  }
  const std::uint32_t stride = element_bytes(schema, type);
  for (std::uint32_t i = 0; i < type.extent; ++i) {
    if (Result done = write_element(schema, type, static_cast<std::byte*>(cell) + std::size_t{i} * stride, (*list)[i]);
        !done) {
      return std::unexpected(Error(done.error().code(), fmt::format("[{}]: {}", i, done.error().reason())));
    }
  }
  return {};
}

Value read_value(const SchemaModel& schema, const FieldType& type, const void* cell) {
  if (type.extent == 0) return read_element(schema, type, cell);
  const std::uint32_t stride = element_bytes(schema, type);
  Value::List list;
  list.reserve(type.extent);
  for (std::uint32_t i = 0; i < type.extent; ++i) {
    list.push_back(read_element(schema, type, static_cast<const std::byte*>(cell) + std::size_t{i} * stride));
  }
  return list;
}

}  // namespace stoa::schema
