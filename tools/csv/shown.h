// What a message shows of a text that may be anything: a line stays one, and a terminal has nothing to obey.
#pragma once

#include <string>
#include <string_view>

namespace stoa::csv {

/// The text with its control characters as \x and two digits for each byte, those of Unicode's second row too.
[[nodiscard]] std::string printable(std::string_view text);

/// The start of the text in whole characters, printable, and of one that is longer than 64 bytes how long it is:
/// abc... (70 bytes).
[[nodiscard]] std::string shown(std::string_view text);
/// The same with the start in quotes: "abc"... (70 bytes).
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace stoa::csv
