#include "cli/field_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "cli/json.h"
#include "cli/text.h"

namespace stoa::cli {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

}  // namespace

void append_value_text(std::string& out, const SchemaModel& schema, const FieldModel& field, const Value& value,
                       std::size_t bytes_max) {
  if (value.is_null()) {
    out += "null";
    return;
  }
  const std::string all = exact_text(schema, field, value);
  std::string_view shown = all;
  if (shown.size() > bytes_max) {
    std::size_t end = bytes_max;
    while (end != 0 && continues_character(shown[end])) --end;
    shown = shown.substr(0, end);
  }
  const bool is_text = field.type.kind == FieldKind::text && field.type.extent == 0;
  if (is_text || all.empty() || std::ranges::any_of(shown, is_control)) {
    append_json(out, shown);
  } else {
    out += shown;
  }
  if (shown.size() != all.size()) fmt::format_to(std::back_inserter(out), "... ({} bytes)", all.size());
}

}  // namespace stoa::cli
