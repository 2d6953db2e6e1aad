// What a database says of itself.
#pragma once

#include <stoa/entity.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stoa {

/// Counts of durations in buckets that double: bucket i has those below 2^i nanoseconds, and not below 2^(i-1).
struct LatencyHistogram {
  std::array<std::uint64_t, 48> buckets{};

  [[nodiscard]] std::uint64_t count() const;
  /// An upper bound of the duration below which `share` (0 to 1) of them lie; within a factor of two.
  [[nodiscard]] std::chrono::nanoseconds quantile(double share) const;
};

/// What Database::compact() did, and what was done beside it meanwhile.
struct CompactionReport {
  std::uint64_t blocks_moved = 0;      ///< pages, nodes, texts: copied out of slabs that were little used
  std::uint64_t bytes_moved = 0;       ///< by these
  std::size_t bytes_freed = 0;         ///< so much less is in use
  std::uint64_t bytes_given_back = 0;  ///< to the system
  std::uint64_t archetypes_dropped = 0;
  std::chrono::nanoseconds duration{};
};

/// Each figure is true of some recent moment; they are not taken together. Taking them costs the caller a step for each
/// page of the world and for each row with texts, and the writer nothing.
struct Metrics {
  Version version = 0;
  Version durable_version = 0;

  std::uint64_t commits = 0;   ///< transactions answered with success
  std::uint64_t failures = 0;  ///< answered with an error
  std::uint64_t batches = 0;   ///< roots published
  std::uint64_t in_flight_transactions = 0;
  std::uint64_t in_flight_bytes = 0;
  LatencyHistogram commit_latency;  ///< from submit to answer
  /// How long the write function has run that the writer is in; 0 where it is in none. All commits wait for it.
  std::chrono::nanoseconds write_function_runs{};

  std::size_t bytes_in_use = 0;    ///< by the newest root and by what is retired, with up to 16 KiB that nobody reads
  std::size_t bytes_retired = 0;   ///< kept only for snapshots
  std::size_t bytes_reserved = 0;  ///< taken from the system
  std::uint64_t system_allocations = 0;
  std::uint64_t bytes_given_back = 0;  ///< to the system, since the start

  std::uint64_t compactions = 0;       ///< that are over, since the start: asked for, or by the options
  std::uint64_t compaction_bytes = 0;  ///< that these have moved
  bool compacting = false;             ///< one is under way

  std::uint64_t snapshots = 0;            ///< alive at the last commit
  std::uint64_t oldest_snapshot_lag = 0;  ///< roots published since the oldest one

  Version history_from = 0;       ///< Database::deltas_since() goes back to it
  std::size_t history_bytes = 0;  ///< taken by those deltas
  std::size_t subscriptions = 0;  ///< and functions of on_version()

  std::size_t archetypes = 0;

  struct Table {
    std::string name;
    std::size_t rows = 0;
    std::size_t row_bytes = 0;        ///< of one row
    std::size_t used_bytes = 0;       ///< by its rows, with the texts that do not fit in their cells
    std::size_t allocated_bytes = 0;  ///< for the same
    std::size_t retired_bytes = 0;    ///< pages of its cells, and texts, that are kept only for snapshots
  };
  std::vector<Table> tables;
};

}  // namespace stoa
