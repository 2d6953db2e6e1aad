// What a message shows of a text that may be anything. Not here: which texts those are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stoa {

/// The text with its control characters as \x and two digits for each byte, those of Unicode's second row too: a line
/// stays one, and a terminal has nothing to obey.
[[nodiscard]] std::string printable(std::string_view text);

/// Its start, at most so many bytes of it, in whole characters; what is no UTF-8 is cut anywhere.
[[nodiscard]] std::string_view start_of(std::string_view text, std::size_t bytes_max);

}  // namespace stoa
