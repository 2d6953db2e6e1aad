#include "cli/bounds.h"

#include <algorithm>
#include <type_traits>

namespace stoa::cli {
namespace {

/// False for NaN, and for values of different types.
bool is_at_most(const Value& a, const Value& b) {
  return std::visit(
      [](const auto& left, const auto& right) {
        if constexpr (std::is_same_v<decltype(left), decltype(right)> &&
                      std::is_arithmetic_v<std::remove_cvref_t<decltype(left)>>) {
          return left <= right;
        } else {
          return false;
        }
      },
      a.variant(), b.variant());
}

}  // namespace

bool is_in_bounds(const FieldModel& field, const Value& value) {
  if (!field.min && !field.max) return true;
  if (const auto* list = std::get_if<Value::List>(&value.variant())) {
    return std::ranges::all_of(*list, [&field](const Value& element) { return is_in_bounds(field, element); });
  }
  return (!field.min || is_at_most(*field.min, value)) && (!field.max || is_at_most(value, *field.max));
}

}  // namespace stoa::cli
