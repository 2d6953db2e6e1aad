#include "cli/text.h"

#include <fmt/format.h>
#include <stoa/cell_text.h>

#include <bit>
#include <cmath>
#include <iterator>
#include <limits>

namespace stoa::cli {
namespace {

/// A NaN that is not the one of its sign that a cell reads as.
bool is_special_nan(double number) {
  constexpr double plain = std::numeric_limits<double>::quiet_NaN();
  return std::isnan(number) &&
         std::bit_cast<std::uint64_t>(number) != std::bit_cast<std::uint64_t>(std::copysign(plain, number));
}

}  // namespace

std::string entity_text(Entity entity) { return fmt::format("{}:{}", entity.index(), entity.generation()); }

std::string_view noun_for(std::uint64_t count, std::string_view one, std::string_view more) {
  return count == 1 ? one : more;
}

std::string hash_text(const std::array<std::uint64_t, 2>& hash) {
  return fmt::format("{:016x}{:016x}", hash[1], hash[0]);
}

std::string exact_text(const SchemaModel& schema, const FieldModel& field, const Value& value) {
  std::string out = format_value(schema, field, value);
  const auto* number = std::get_if<double>(&value.variant());
  if (number != nullptr && is_special_nan(*number)) {
    fmt::format_to(std::back_inserter(out), ":{:016x}", std::bit_cast<std::uint64_t>(*number));
  }
  return out;
}

void append_part(std::string& value, std::size_t count, std::string_view part) {
  if (count > 1) fmt::format_to(std::back_inserter(value), "{}:", part.size());
  value += part;
}

}  // namespace stoa::cli
