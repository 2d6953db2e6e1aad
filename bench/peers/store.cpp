#include "peers/store.h"

#include "peers/peers.h"

#include <array>

namespace bench {

Position first_position(std::size_t key) {
  return {static_cast<float>(key % 1000), static_cast<float>(key / 1000), 1.0F};
}

Velocity first_velocity(std::size_t key) { return {1.0F, 0.5F, static_cast<float>(key % 7)}; }

std::span<const Peer> peers() {
  static const std::array all{Peer{"lmdb", make_lmdb}, Peer{"sqlite", make_sqlite, Pace::slow},
                              Peer{"rocksdb", make_rocksdb, Pace::slow}, Peer{"leveldb", make_leveldb, Pace::slow},
                              // A million rows through a socket, in no order, say nothing about a scan.
                              Peer{.name = "redis", .make = make_redis, .pace = Pace::waits, .scans = false}};
  return all;
}

}  // namespace bench
