// Whether bytes are text that a database may hold. Not here: what the text means, any normal form of it.
#pragma once

#include <cstddef>
#include <string_view>

namespace stoa::csv {

/// Returns the offset of the first byte that begins no UTF-8 character, or text.size() where all of it is UTF-8.
///
/// Characters are as Unicode's table 3-7 has them: no surrogates, nothing above U+10FFFF, nothing written overlong.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

}  // namespace stoa::csv
