#include "schema/cell_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "schema/kinds.h"

namespace stoa::schema {
namespace {

/// What a message shows of a cell.
std::string start(std::string_view cell) { return printable(start_of(cell, 64)); }

constexpr std::string_view escaped_in_lists = "\\;()";

std::unexpected<Error> refuse(std::string reason) {
  return std::unexpected(Error(ErrorCode::invalid_argument, std::move(reason)));
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename T>
std::expected<Value, Error> number_value(FieldKind kind, std::string_view cell) {
  if (const auto value = parse_number<T>(cell)) return Value(*value);
  return refuse(fmt::format("\"{}\" is no {}", start(cell), kind_name(kind)));
}

std::expected<Value, Error> parse_number_value(FieldKind kind, std::string_view cell) {
  switch (kind) {
    case FieldKind::i8: return number_value<std::int8_t>(kind, cell);
    case FieldKind::i16: return number_value<std::int16_t>(kind, cell);
    case FieldKind::i32: return number_value<std::int32_t>(kind, cell);
    case FieldKind::i64: return number_value<std::int64_t>(kind, cell);
    case FieldKind::u8: return number_value<std::uint8_t>(kind, cell);
    case FieldKind::u16: return number_value<std::uint16_t>(kind, cell);
    case FieldKind::u32: return number_value<std::uint32_t>(kind, cell);
    case FieldKind::u64: return number_value<std::uint64_t>(kind, cell);
    case FieldKind::f32: return number_value<float>(kind, cell);
    case FieldKind::f64: return number_value<double>(kind, cell);
    default: std::unreachable();
  }
}

std::expected<Value, Error> parse_enum(const EnumModel& model, std::string_view cell) {
  for (const EnumVariant& variant : model.variants) {
    if (variant.name == cell) return Value(variant.name);
  }
  // A u64 base keeps its values as bit patterns.
  const auto number = is_signed_integer(model.base) ? parse_number<std::int64_t>(cell) : [cell] {
    const auto value = parse_number<std::uint64_t>(cell);
    return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  }();
  for (const EnumVariant& variant : model.variants) {
    if (number == variant.value) return Value(variant.name);
  }
  return refuse(fmt::format("\"{}\" is no variant of {}", start(cell), model.name));
}

std::expected<Value, Error> parse_entity(std::string_view cell) {
  if (cell.empty()) return Value();
  const std::size_t colon = cell.find(':');
  if (colon != std::string_view::npos) {
    const auto index = parse_number<std::uint32_t>(cell.substr(0, colon));
    const auto generation = parse_number<std::uint32_t>(cell.substr(colon + 1));
    if (index && generation && *generation != 0) return Value(Entity(*index, *generation));
  }
  return refuse(fmt::format("\"{}\" is no entity; expected index:generation", start(cell)));
}

std::expected<Value, Error> parse_scalar(const SchemaModel& schema, const FieldType& type, std::string_view cell) {
  switch (type.kind) {
    case FieldKind::boolean:
      if (cell == "true" || cell == "1") return Value(true);
      if (cell == "false" || cell == "0") return Value(false);
      return refuse(fmt::format("\"{}\" is no bool; expected true, false, 1 or 0", start(cell)));
    case FieldKind::enumeration: return parse_enum(schema.enums[type.definition], cell);
    case FieldKind::entity: return parse_entity(cell);
    case FieldKind::text:
      if (cell.size() > blob_bytes_max) {
        return std::unexpected(
            Error(ErrorCode::too_large, fmt::format("{} bytes, more than {}", cell.size(), blob_bytes_max)));
      }
      return Value(cell);
    case FieldKind::bytes: {
      if (cell.size() > std::size_t{2} * blob_bytes_max) {
        return std::unexpected(
            Error(ErrorCode::too_large, fmt::format("{} bytes, more than {}", cell.size() / 2, blob_bytes_max)));
      }
      if (auto bytes = parse_hex(cell)) return Value(std::move(*bytes));
      return refuse("bytes are hexadecimal digits, two for each byte");
    }
    default: return parse_number_value(type.kind, cell);
  }
}

/// The elements of a list: split at the semicolons that are neither escaped nor in parentheses. False where a
/// parenthesis or a backslash has no partner.
bool split_list(std::string_view text, std::vector<std::string_view>& out) {
  std::size_t begin = 0;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '\\':
        if (++i == text.size()) return false;
        break;
      case '(': ++depth; break;
      case ')':
        if (depth == 0) return false;
        --depth;
        break;
      case ';':
        if (depth == 0) {
          out.push_back(text.substr(begin, i - begin));
          begin = i + 1;
        }
        break;
      default: break;
    }
  }
  out.push_back(text.substr(begin));
  return depth == 0;
}

std::expected<std::string, Error> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;  // split_list saw to it that something follows
    } else if (escaped_in_lists.find(text[i]) != std::string_view::npos) {
      return refuse(fmt::format("a '{}' in a list's text needs a backslash before it", text[i]));
    }
    out += text[i];
  }
  return out;
}

bool is_list(const FieldType& type) { return type.extent != 0 || type.kind == FieldKind::structure; }

/// The types of a list's elements: the array's element type as often as it has elements, or the struct's fields.
FieldType element_type(const SchemaModel& schema, const FieldType& type, std::size_t i) {
  if (type.extent != 0) return {.kind = type.kind, .extent = 0, .definition = type.definition};
  return schema.structs[type.definition].fields[i].type;
}
std::size_t list_size(const SchemaModel& schema, const FieldType& type) {
  return type.extent != 0 ? type.extent : schema.structs[type.definition].fields.size();
}

std::expected<Value, Error> parse_list(const SchemaModel& schema, const FieldType& type, std::string_view text);

std::expected<Value, Error> parse_element(const SchemaModel& schema, const FieldType& type, std::string_view text) {
  if (is_list(type)) {
    if (text.size() < 2 || text.front() != '(' || text.back() != ')') {
      return refuse("a list inside a list is in parentheses");
    }
    return parse_list(schema, type, text.substr(1, text.size() - 2));
  }
  if (type.kind != FieldKind::text) return parse_scalar(schema, type, text);
  std::expected<std::string, Error> plain = unescape(text);
  if (!plain) return std::unexpected(plain.error());
  return parse_scalar(schema, type, *plain);
}

std::expected<Value, Error> parse_list(const SchemaModel& schema, const FieldType& type, std::string_view text) {
  std::vector<std::string_view> parts;
  if (!split_list(text, parts)) return refuse("a list with a parenthesis or a backslash that has no partner");
  if (parts.size() != list_size(schema, type)) {
    return refuse(fmt::format("a list of {}, expected {} for {}", parts.size(), list_size(schema, type),
                              type_text(schema, type)));
  }
  Value::List out;
  out.reserve(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::expected<Value, Error> element = parse_element(schema, element_type(schema, type, i), parts[i]);
    if (!element) {
      return std::unexpected(Error(element.error().code(), fmt::format("[{}]: {}", i, element.error().reason())));
    }
    out.push_back(std::move(*element));
  }
  return Value(std::move(out));
}

template <typename T>
void append_number(std::string& out, T value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_value(const SchemaModel& schema, const FieldType& type, const Value& value, bool in_list,
                  std::string& out) {
  if (is_list(type)) {
    const auto& list = std::get<Value::List>(value.variant());
    if (in_list) out += '(';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i != 0) out += ';';
      append_value(schema, element_type(schema, type, i), list[i], true, out);
    }
    if (in_list) out += ')';
    return;
  }
  const Value::Variant& variant = value.variant();
  if (const auto* boolean = std::get_if<bool>(&variant)) {
    out += *boolean ? "true" : "false";
  } else if (const auto* signed_integer = std::get_if<std::int64_t>(&variant)) {
    append_number(out, *signed_integer);
  } else if (const auto* unsigned_integer = std::get_if<std::uint64_t>(&variant)) {
    append_number(out, *unsigned_integer);
  } else if (const auto* number = std::get_if<double>(&variant)) {
    if (type.kind == FieldKind::f32) {
      append_number(out, static_cast<float>(*number));
    } else {
      append_number(out, *number);
    }
  } else if (const auto* entity = std::get_if<Entity>(&variant)) {
    fmt::format_to(std::back_inserter(out), "{}:{}", entity->index(), entity->generation());
  } else if (const auto* text = std::get_if<std::string>(&variant)) {
    if (type.kind == FieldKind::bytes) {
      out += format_hex(*text);
    } else {
      for (const char c : *text) {
        if (in_list && escaped_in_lists.find(c) != std::string_view::npos) out += '\\';
        out += c;
      }
    }
  }
}

}  // namespace

std::optional<std::string> parse_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* begin = digits.data() + i;
    if (*begin == '-' || std::from_chars(begin, begin + 2, byte, 16).ptr != begin + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

std::string format_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

}  // namespace stoa::schema

namespace stoa {

std::expected<Value, Error> parse_value(const SchemaModel& model, const FieldModel& field, std::string_view cell) {
  if (schema::is_list(field.type)) return schema::parse_list(model, field.type, cell);
  return schema::parse_scalar(model, field.type, cell);
}

std::string format_value(const SchemaModel& model, const FieldModel& field, const Value& value) {
  std::string out;
  schema::append_value(model, field.type, value, false, out);
  return out;
}

std::string format_bounds(const SchemaModel& model, const FieldModel& field) {
  FieldModel element = field;
  element.type.extent = 0;
  const auto text = [&](const Value& bound) { return format_value(model, element, bound); };
  if (field.min && field.max) return fmt::format("between {} and {}", text(*field.min), text(*field.max));
  if (field.min) return fmt::format("at least {}", text(*field.min));
  return field.max ? fmt::format("at most {}", text(*field.max)) : std::string();
}

}  // namespace stoa
