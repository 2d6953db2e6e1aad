// The stores that stoa is compared with.
#pragma once

#include "peers/store.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace bench {

[[nodiscard]] std::unique_ptr<Store> make_lmdb(std::size_t rows);
[[nodiscard]] std::unique_ptr<Store> make_sqlite(std::size_t rows);
[[nodiscard]] std::unique_ptr<Store> make_rocksdb(std::size_t rows);
[[nodiscard]] std::unique_ptr<Store> make_leveldb(std::size_t rows);
/// It waits for each transaction.
[[nodiscard]] std::unique_ptr<Store> make_redis(std::size_t rows);
/// Up to 1,000 transactions are on their way.
[[nodiscard]] std::unique_ptr<Store> make_redis_in_flight(std::size_t rows);

/// How many operations are enough for a figure.
enum class Pace {
  fast,
  slow,   ///< microseconds for a row: fewer
  waits,  ///< for each transaction by itself: fewer still, of those with one row
};

struct Peer {
  std::string name;
  std::unique_ptr<Store> (*make)(std::size_t rows);
  Pace pace = Pace::fast;
  bool scans = true;  ///< it has a way to walk all rows that is worth measuring
};
[[nodiscard]] std::span<const Peer> peers();

}  // namespace bench
