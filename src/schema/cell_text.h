// What cells, TOML and messages write bytes as. The text of whole values is <stoa/cell_text.h>.
#pragma once

#include <stoa/cell_text.h>

#include <optional>
#include <string>
#include <string_view>

namespace stoa::schema {

/// Bytes from hexadecimal digits; nullopt where they are not.
[[nodiscard]] std::optional<std::string> parse_hex(std::string_view digits);
[[nodiscard]] std::string format_hex(std::string_view bytes);

}  // namespace stoa::schema
