// What stoa, its peers and plain vectors all are to a benchmark: two tables of rows that are reached by a handle. A
// call does a whole run's work, so that the virtual call costs nothing. It does not measure.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace bench {

struct Position {
  float x, y, z;
  friend bool operator==(const Position&, const Position&) = default;
};
struct Velocity {
  float x, y, z;
};

/// What names a row in a store: its key, or whatever leads there faster. Found before the clock runs.
using Handle = std::uint64_t;

struct Write {
  Handle handle;
  std::uint32_t key;
  Position row;
};

/// A checksum that no order of summation changes, and that costs a reader little more than the loads.
template <typename Row>
[[nodiscard]] inline std::uint64_t digest(const Row& row) {
  return std::uint64_t{std::bit_cast<std::uint32_t>(row.x)} + std::bit_cast<std::uint32_t>(row.y) +
         std::bit_cast<std::uint32_t>(row.z);
}

[[nodiscard]] inline Position moved(const Position& position, const Velocity& velocity) {
  return {position.x + velocity.x, position.y + velocity.y, position.z + velocity.z};
}

/// The rows that every store starts with.
[[nodiscard]] Position first_position(std::size_t key);
[[nodiscard]] Velocity first_velocity(std::size_t key);

/// At first keys 0 to rows - 1, each with a row in both tables.
///
/// Errors: throws std::runtime_error, with what the store says, where anything fails.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// Keys that were given so far, those of rows that were erased too.
  [[nodiscard]] virtual std::size_t rows() const = 0;
  [[nodiscard]] virtual Handle handle(std::uint32_t key) const = 0;

  /// Adds keys rows(), rows() + 1, ..., each with a position and nothing else, in transactions of so many rows; returns
  /// when all are visible.
  virtual void insert(std::span<const Position> rows, std::size_t rows_per_transaction) = 0;
  /// Replaces positions, in transactions of so many writes; returns when all are visible.
  virtual void update(std::span<const Write> writes, std::size_t writes_per_transaction) = 0;
  /// Ends rows, both of each, in transactions of so many; returns when all are gone. Handles of
  /// other rows may be wrong after it, so only scan_two() and dump() are asked then.
  virtual void erase(std::span<const Handle> handles, std::size_t handles_per_transaction) = 0;
  /// The sum of the positions' digests, all read from one snapshot.
  [[nodiscard]] virtual std::uint64_t get(std::span<const Handle> handles) = 0;
  /// The same with a snapshot for each.
  [[nodiscard]] virtual std::uint64_t get_fresh(std::span<const Handle> handles) = 0;
  /// The sum over all positions; and over positions and velocities, side by side.
  [[nodiscard]] virtual std::uint64_t scan_one() = 0;
  [[nodiscard]] virtual std::uint64_t scan_two() = 0;
  /// Adds its velocity to every position, and commits.
  virtual void move_all() = 0;

  /// The positions that there are, in order of the keys.
  [[nodiscard]] virtual std::vector<Position> dump() = 0;
};

/// The ways to the same work that stoa has.
struct StoaWay {
  enum class Submit {
    step,       ///< the caller's thread is the writer, one transaction a step
    wait,       ///< a writer thread; each transaction is waited for
    in_flight,  ///< a writer thread; up to 1,000 transactions are on their way
  };
  enum class Scan { chunks, each };
  enum class Get { one, many };

  Submit submit = Submit::step;
  Scan scan = Scan::chunks;
  Get get = Get::one;
  std::size_t begun = 0;  ///< so many entities are there already, without rows: insert() gives rows to these
  bool spans = false;     ///< insert() hands the rows of a transaction over at once
  bool logged = false;    ///< in a folder in memory, with a log that is not synced
};

[[nodiscard]] std::unique_ptr<Store> make_plain(std::size_t rows);
[[nodiscard]] std::unique_ptr<Store> make_stoa(std::size_t rows, StoaWay way = {});

/// Hands them to function(std::span<const Item>), so many at a time.
template <typename Item, typename Function>
void for_each_batch(std::span<const Item> items, std::size_t items_per_batch, Function function) {
  while (!items.empty()) {
    const auto batch = items.first(std::min(items_per_batch, items.size()));
    items = items.subspan(batch.size());
    function(batch);
  }
}

}  // namespace bench
