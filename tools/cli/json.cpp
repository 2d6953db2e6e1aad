#include "cli/json.h"

#include <fmt/format.h>
#include <stoa/cell_text.h>

#include <cmath>
#include <iterator>

#include "csv/utf8.h"

namespace stoa::cli {
namespace {

void append_character(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      if (static_cast<unsigned char>(c) < 0x20) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out += c;
      }
  }
}

bool needs_escape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

void append_list(std::string& out, const SchemaModel& schema, const FieldModel& field, const Value::List& list) {
  const bool is_array = field.type.extent != 0;
  FieldModel element = field;
  element.type.extent = 0;
  out += is_array ? '[' : '{';
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i != 0) out += ',';
    if (is_array) {
      append_json(out, schema, element, list[i]);
    } else {
      const FieldModel& member = schema.structs[field.type.definition].fields[i];
      append_json(out, member.name);
      out += ':';
      append_json(out, schema, member, list[i]);
    }
  }
  out += is_array ? ']' : '}';
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t good = csv::find_invalid_utf8(text);
    for (const char c : text.substr(0, good)) {
      if (needs_escape(c)) {
        append_character(out, c);
      } else {
        out += c;
      }
    }
    if (good == text.size()) break;
    out += "\\ufffd";
    text.remove_prefix(good + 1);
  }
  out += '"';
}

void append_json(std::string& out, double number) {
  if (std::isfinite(number)) {
    fmt::format_to(std::back_inserter(out), "{}", number);
  } else {
    out += std::isnan(number) ? "\"nan\"" : number > 0 ? "\"inf\"" : "\"-inf\"";
  }
}

void append_json(std::string& out, const SchemaModel& schema, const FieldModel& field, const Value& value) {
  const Value::Variant& variant = value.variant();
  if (value.is_null()) {
    out += "null";
  } else if (const auto* list = std::get_if<Value::List>(&variant)) {
    append_list(out, schema, field, *list);
  } else if (const auto* number = std::get_if<double>(&variant)) {
    if (std::isfinite(*number)) {
      out += format_value(schema, field, value);  // the shortest text of an f32 is not that of its double
    } else {
      append_json(out, *number);
    }
  } else if (const auto* text = std::get_if<std::string>(&variant); text && field.type.kind != FieldKind::bytes) {
    append_json(out, *text);
  } else if (text != nullptr || std::holds_alternative<Entity>(variant)) {
    append_json(out, format_value(schema, field, value));
  } else {
    out += format_value(schema, field, value);
  }
}

JsonWriter& JsonWriter::name(std::string_view name) {
  separate();
  append_json(out_, name);
  out_ += ':';
  first_ = true;  // no comma between a name and its value
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(bool value) {
  separate();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  separate();
  append_json(out_, number);
  return *this;
}

JsonWriter& JsonWriter::value(const SchemaModel& schema, const FieldModel& field, const Value& value) {
  separate();
  append_json(out_, schema, field, value);
  return *this;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

void append_error(JsonWriter& json, const Error& error) {
  json.begin_object().member("code", to_string(error.code()));
  if (const Place* place = error.place()) {
    json.member("file", place->source);
    if (place->line != 0) json.member("line", place->line);
    if (place->column != 0) json.member("column", place->column);
    if (place->line == 0 && place->offset != 0) json.member("offset", place->offset);
    json.member("reason", error.reason());
  } else {
    json.member("reason", error.message());
  }
  json.end_object();
}

}  // namespace stoa::cli
