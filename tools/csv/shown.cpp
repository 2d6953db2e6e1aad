#include "csv/shown.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>

namespace stoa::csv {
namespace {

constexpr std::size_t bytes_shown_max = 64;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// How many bytes at the front of the text are a control character.
std::size_t control_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7F) return 1;
  const bool is_second_row = first == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
  return is_second_row && continues_character(text[1]) ? 2 : 0;
}

std::string start_between(std::string_view text, std::string_view mark) {
  std::size_t end = text.size();
  if (end > bytes_shown_max) {
    end = bytes_shown_max;
    while (end != 0 && continues_character(text[end])) --end;
  }
  std::string out = fmt::format("{0}{1}{0}", mark, printable(text.substr(0, end)));
  if (end != text.size()) fmt::format_to(std::back_inserter(out), "... ({} bytes)", text.size());
  return out;
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

std::string shown(std::string_view text) { return start_between(text, ""); }
std::string quoted(std::string_view text) { return start_between(text, "\""); }

}  // namespace stoa::csv
