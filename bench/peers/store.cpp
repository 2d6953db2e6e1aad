#include "peers/store.h"

#include "peers/lmdb.h"

#include <array>

namespace bench {

Position first_position(std::size_t key) {
  return {static_cast<float>(key % 1000), static_cast<float>(key / 1000), 1.0F};
}

Velocity first_velocity(std::size_t key) { return {1.0F, 0.5F, static_cast<float>(key % 7)}; }

std::span<const Peer> peers() {
  static const std::array all{Peer{"lmdb", make_lmdb}};
  return all;
}

}  // namespace bench
