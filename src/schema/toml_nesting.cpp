#include "schema/toml_nesting.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace stoa::schema {
namespace {

/// Behind the string that begins at `at`, which is a quote.
std::size_t skip_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const bool has_escapes = quote == '"';
  const auto is_quote = [&](std::size_t i) { return i < text.size() && text[i] == quote; };
  const bool is_long = is_quote(at + 1) && is_quote(at + 2);
  for (std::size_t i = at + (is_long ? 3 : 1); i < text.size(); ++i) {
    if (has_escapes && text[i] == '\\') {
      ++i;
    } else if (!is_long && (text[i] == quote || text[i] == '\n')) {
      return i + (text[i] == quote ? 1 : 0);  // at the end of its line it is a mistake
    } else if (is_long && is_quote(i) && is_quote(i + 1) && is_quote(i + 2)) {
      i += 3;
      for (int own = 0; own < 2 && is_quote(i); ++own) ++i;  // the last three of five end it
      return i;
    }
  }
  return text.size();
}

detail::Mark place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::string_view line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return {.line = static_cast<std::uint32_t>(1 + std::ranges::count(before, '\n')),
          .column = static_cast<std::uint32_t>(1 + std::ranges::count_if(line, begins_character))};
}

}  // namespace

std::optional<detail::Mark> find_deep_nesting(std::string_view text) {
  std::vector<std::uint32_t> open;  // the level at which each open bracket stands
  std::uint32_t level = 0;
  for (std::size_t i = 0; i < text.size();) {
    switch (text[i]) {
      case '"':
      case '\'': i = skip_string(text, i); continue;
      case '#': i = std::min(text.find('\n', i), text.size()); continue;
      case '[':
      case '{':
        open.push_back(level);
        ++level;
        break;
      case ']':
      case '}':
        if (open.empty()) break;
        level = open.back();
        open.pop_back();
        break;
      case '.': ++level; break;
      case ',':
      case '\n': level = open.empty() ? 0 : open.back() + 1; break;  // what follows is as deep as its bracket
      default: break;
    }
    if (level > toml_nesting_max) return place_of(text, i);
    ++i;
  }
  return std::nullopt;
}

}  // namespace stoa::schema
