#include "delta/run.h"

#include "base/varint.h"

#include <stoa/detail/constants.h>

#include <algorithm>
#include <array>
#include <limits>

namespace stoa::delta {
namespace {

// Of the entity whose index is the next one, of the same generation.
constexpr auto one_further = static_cast<std::byte>(zigzag(1) << 1U);

// How many of the bytes, from the first one on, are that one.
std::size_t count_alike(std::span<const std::byte> bytes, std::byte value) {
  constexpr std::size_t block = 32;  // as in count_in_order()
  std::size_t count = 0;
  for (; count + block <= bytes.size(); count += block) {
    std::byte other{};
    for (std::size_t i = 0; i != block; ++i) other |= bytes[count + i] ^ value;
    if (other != std::byte{}) break;
  }
  while (count != bytes.size() && bytes[count] == value) ++count;
  return count;
}

// How many of them, from the first one on, have the indices after that one, and the same generation.
std::size_t count_in_order(std::uint32_t index, std::uint32_t generation, std::span<const Entity> entities) {
  const std::uint64_t first = Entity(index, generation).bits() + 1;
  constexpr std::size_t block = 16;  // a constant, and no way out of it, for the compiler to take it in wide registers
  std::size_t count = 0;
  for (; count + block <= entities.size(); count += block) {
    std::uint64_t other = 0;
    for (std::size_t i = 0; i != block; ++i) other |= entities[count + i].bits() ^ (first + count + i);
    if (other != 0) break;
  }
  while (count != entities.size() && entities[count].bits() == first + count) ++count;
  return count;
}

}  // namespace

std::byte* EntityDifference::store(Entity entity, std::byte* at) noexcept {
  const auto step = static_cast<std::int64_t>(entity.index()) - static_cast<std::int64_t>(index);
  const bool other = entity.generation() != generation;
  at = store_varint(at, zigzag(step) << 1U | (other ? 1U : 0U));
  if (other) at = store_varint(at, entity.generation());
  index = entity.index();
  generation = entity.generation();
  return at;
}

void EntityDifference::put(Entity entity, std::vector<std::byte>& out) {
  std::array<std::byte, bytes_max> bytes;
  out.insert(out.end(), bytes.data(), store(entity, bytes.data()));
}

void EntityDifference::put_all(std::span<const Entity> entities, std::vector<std::byte>& out) {
  constexpr std::size_t some = 32;
  std::array<std::byte, some * bytes_max> bytes;
  while (!entities.empty()) {
    const std::size_t count = std::min(some, entities.size());
    std::byte* end = bytes.data();
    for (const Entity entity : entities.first(count)) end = store(entity, end);
    out.insert(out.end(), bytes.data(), end);
    entities = entities.subspan(count);
    // What stands side by side mostly began one after the other.
    const std::size_t in_order = count_in_order(index, generation, entities);
    out.insert(out.end(), in_order, one_further);
    index += static_cast<std::uint32_t>(in_order);
    entities = entities.subspan(in_order);
  }
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

std::size_t EntityDifference::take_in_order(std::span<const std::byte>& in, std::uint64_t most) {
  // Below the last index, which is none.
  most = std::min<std::uint64_t>({most, in.size(), std::numeric_limits<std::uint32_t>::max() - 1 - index});
  const std::size_t count = count_alike(in.first(static_cast<std::size_t>(most)), one_further);
  in = in.subspan(count);
  index += static_cast<std::uint32_t>(count);
  return count;
}

}  // namespace stoa::delta
