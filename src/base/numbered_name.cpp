#include "base/numbered_name.h"

#include <fmt/format.h>

#include <charconv>

namespace stoa {
namespace {

constexpr std::size_t digits = 20;  // of the highest 64-bit number

}  // namespace

std::string numbered_name(std::string_view prefix, std::uint64_t number) {
  return fmt::format("{}{:020}", prefix, number);
}

std::optional<std::uint64_t> parse_numbered_name(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + digits) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<std::string_view> without_unfinished_suffix(std::string_view name) {
  if (!name.ends_with(unfinished_suffix)) return std::nullopt;
  name.remove_suffix(unfinished_suffix.size());
  return name;
}

}  // namespace stoa
