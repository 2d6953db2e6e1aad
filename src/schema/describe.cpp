#include <stoa/describe.h>

#include <string>
#include <string_view>

// Type names are cut out of __PRETTY_FUNCTION__, which both g++ and clang end with "T = name" and ']' or ';'.
namespace stoa::detail {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string type_name(std::string_view pretty_function) {
  constexpr std::string_view marker = "T = ";
  const std::size_t begin = pretty_function.find(marker) + marker.size();
  return std::string(pretty_function.substr(begin, pretty_function.find_first_of(";]", begin) - begin));
}

std::string definition_name(std::string_view pretty_function) {
  std::string name = type_name(pretty_function);
  // Qualifiers only, not those inside template arguments.
  if (const std::size_t colon = std::string_view(name).substr(0, name.find('<')).rfind("::");
      colon != std::string::npos) {
    name.erase(0, colon + 2);
  }
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (is_upper(c)) {
      const bool starts_word =
          i != 0 && (is_lower_or_digit(name[i - 1]) ||
                     (is_upper(name[i - 1]) && i + 1 < name.size() && is_lower_or_digit(name[i + 1])));
      if (starts_word) out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += is_lower_or_digit(c) ? c : '_';
    }
  }
  return out;
}

}  // namespace stoa::detail
