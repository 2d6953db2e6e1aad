#include "delta/run.h"

#include "base/varint.h"

#include <stoa/detail/constants.h>

#include <limits>

namespace stoa::delta {

void EntityDifference::put(Entity entity, std::vector<std::byte>& out) {
  const auto step = static_cast<std::int64_t>(entity.index()) - static_cast<std::int64_t>(index);
  const bool other = entity.generation() != generation;
  put_varint(out, zigzag(step) << 1U | (other ? 1U : 0U));
  if (other) put_varint(out, entity.generation());
  index = entity.index();
  generation = entity.generation();
}

bool EntityDifference::take(std::span<const std::byte>& in, Entity& entity) {
  std::uint64_t number = 0;
  if (!take_varint(in, number) || number >> 34U != 0) return false;
  const std::int64_t at = static_cast<std::int64_t>(index) + unzigzag(number >> 1U);
  if (at < 0 || at >= std::numeric_limits<std::uint32_t>::max()) return false;
  if ((number & 1U) != 0) {
    std::uint64_t other = 0;
    if (!take_varint(in, other) || other == 0 || other > detail::generation_max || other == generation) return false;
    generation = static_cast<std::uint32_t>(other);
  }
  index = static_cast<std::uint32_t>(at);
  entity = {index, generation};
  return true;
}

}  // namespace stoa::delta
