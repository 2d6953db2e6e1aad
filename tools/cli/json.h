// JSON text, written from its beginning to its end. Not here: reading it, and what is said in it.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace stoa::cli {

/// Appends a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view text);
/// A number; what JSON has no number for becomes the string "nan", "inf" or "-inf".
void append_json(std::string& out, double number);
/// A field's value: numbers, true and false, null, strings, arrays; a struct as an object; bytes as hexadecimal digits,
/// an entity as "index:generation".
void append_json(std::string& out, const SchemaModel& schema, const FieldModel& field, const Value& value);

/// Puts the commas and the names of objects and arrays. Requires: begin and end come in pairs, and a name stands before
/// each value in an object and before none in an array.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& name(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool value);
  JsonWriter& value(double number);
  JsonWriter& value(const SchemaModel& schema, const FieldModel& field, const Value& value);
  template <std::integral T>
  requires(!std::same_as<T, bool>) JsonWriter& value(T number) {
    separate();
    out_ += std::to_string(number);
    return *this;
  }
  template <typename T>
  JsonWriter& member(std::string_view with_name, const T& of_value) {
    return name(with_name).value(of_value);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string& out_;
  bool first_ = true;
};

/// An object: code, reason, and file, line and column as far as they are known; the offset in a file without lines.
void append_error(JsonWriter& json, const Error& error);

}  // namespace stoa::cli
