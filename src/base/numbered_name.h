// Names of files that come in series: a prefix and 20 digits, so that names sort as their numbers do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stoa {

/// What such a file's name ends in until the file is whole.
inline constexpr std::string_view unfinished_suffix = ".tmp";

[[nodiscard]] std::string numbered_name(std::string_view prefix, std::uint64_t number);
/// nullopt: the name of something else.
[[nodiscard]] std::optional<std::uint64_t> parse_numbered_name(std::string_view prefix, std::string_view name);
/// The name without the suffix; nullopt where it has none.
[[nodiscard]] std::optional<std::string_view> without_unfinished_suffix(std::string_view name);

}  // namespace stoa
