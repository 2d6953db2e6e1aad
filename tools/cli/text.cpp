#include "cli/text.h"

#include <fmt/format.h>

#include <iterator>

namespace stoa::cli {

std::string entity_text(Entity entity) { return fmt::format("{}:{}", entity.index(), entity.generation()); }

std::string hash_text(const std::array<std::uint64_t, 2>& hash) {
  return fmt::format("{:016x}{:016x}", hash[1], hash[0]);
}

void append_part(std::string& value, std::size_t count, std::string_view part) {
  if (count > 1) fmt::format_to(std::back_inserter(value), "{}:", part.size());
  value += part;
}

}  // namespace stoa::cli
