#include "base/printable.h"

#include <fmt/format.h>

#include <iterator>

namespace stoa {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// How many bytes at the front of the text are a control character.
std::size_t control_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7F) return 1;
  const bool is_second_row = first == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
  return is_second_row && continues_character(text[1]) ? 2 : 0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t control = control_bytes(text);
    for (const char c : text.substr(0, control)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
    if (control == 0) out += text.front();
    text.remove_prefix(control == 0 ? 1 : control);
  }
  return out;
}

std::string_view start_of(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  for (int back = 0; back != 3 && continues_character(text[end]); ++back) --end;
  return text.substr(0, continues_character(text[end]) ? bytes_max : end);
}

}  // namespace stoa
