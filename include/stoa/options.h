// How a database is opened. Every member has a default that is safe to keep. Opening with a value outside the bounds
// that are given here answers invalid_argument, naming it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace stoa {

/// When a commit is answered, relative to the disk.
class Durability {
 public:
  enum class Kind : std::uint8_t { none, async, sync };

  /// Nothing is promised before checkpoint() or close(): the log is written, and synced only where one of its segments
  /// ends.
  [[nodiscard]] static constexpr Durability none() { return {Kind::none, {}}; }
  /// A commit is answered when it is visible; the log is synced at least this often, by the writer's thread. A manual
  /// writer syncs when it is stepped and that is due. Not below 0.
  [[nodiscard]] static constexpr Durability async(std::chrono::milliseconds interval) {
    return {Kind::async, interval};
  }
  /// A commit is answered, and visible, once it is on the disk. Transactions that wait together share one sync.
  [[nodiscard]] static constexpr Durability sync() { return {Kind::sync, {}}; }

  [[nodiscard]] constexpr Kind kind() const { return kind_; }
  [[nodiscard]] constexpr std::chrono::milliseconds interval() const { return interval_; }

 private:
  constexpr Durability(Kind kind, std::chrono::milliseconds interval) : kind_(kind), interval_(interval) {}
  Kind kind_;
  std::chrono::milliseconds interval_;
};

/// What submit() does where as much is in flight as may be.
enum class AtLimit : std::uint8_t {
  wait,         ///< until there is room
  answer_busy,  ///< nothing; the ticket answers busy
};

enum class WriterMode : std::uint8_t {
  thread,  ///< the database has a writer thread of its own
  manual,  ///< the application calls db.step(), and nothing is committed behind its back. What waits for an answer on
           ///< the thread that opened the database, or stepped it last, steps by itself: commit(), write(), flush(),
           ///< close(), and submit() at a limit. On other threads they wait for that thread to step.
};

struct Options {
  Durability durability = Durability::sync();  ///< of a folder; a database in memory has none
  WriterMode writer = WriterMode::thread;

  /// Transactions that a batch holds at most: they become visible, and durable, together. 0 is taken for 1. Where
  /// nothing waits for a sync, a batch also ends when it has copied more than a processor's cache has room for, and
  /// its transactions come to different pages.
  std::size_t batch_transactions_max = 4096;
  /// How long a transaction may wait for others to share its batch, and so its sync; a writer thread then sleeps that
  /// long after the first of a batch was submitted, unless enough are there, or a flush() is. By 0 none ever waits for
  /// company: what is queued makes a batch. A deadline that is shorter is likely to pass. 0 to 1 s.
  std::chrono::nanoseconds batch_delay{0};

  /// Bounds on what is submitted and not yet answered. A single transaction passes whatever they are.
  std::size_t in_flight_transactions_max = 65'536;
  std::size_t in_flight_bytes_max = std::size_t{256} << 20U;
  AtLimit at_limit = AtLimit::wait;

  /// What a single transaction may record, 24 bytes and its row for each operation. One that is larger answers
  /// too_large, and what it records beyond is dropped at once; create() then returns null ids. For a write function it
  /// bounds what is kept to take it back: 40 bytes and the old row for each operation, and its new texts.
  std::size_t transaction_bytes_max = std::size_t{1} << 30U;
  /// The deadline of transactions and write functions that set none, from their submit; the greatest value is none. It
  /// is not flush()'s.
  std::chrono::nanoseconds deadline_default = std::chrono::nanoseconds::max();

  /// What may follow from what goes in one transaction: entities that end, rows of others that go, references that
  /// become null. Beyond it the transaction fails.
  std::size_t cascade_rows_max = 10'000'000;

  /// The database holds the newest so many of its own snapshots, for Database::snapshot_at(): one for each batch or,
  /// with an interval above 0, the first of each interval. They keep the memory of what was changed since.
  std::size_t kept_snapshots_max = 0;
  std::chrono::nanoseconds kept_snapshots_interval{0};

  /// The deltas of the newest versions are kept in memory, for Database::deltas_since(): of so many versions at least,
  /// as far as they fit into so many bytes. The oldest go first, in blocks of 4 to 64 KiB; one block stays, whatever
  /// the bytes. A delta that is larger than the bytes is not kept, and so none before it. Nor is, without a log and
  /// without subscriptions, that of a Writer::each() over more than a 64th of the bytes: it would cost several times as
  /// much as the function. If one of the two is 0 there is no history.
  std::size_t history_bytes_max = std::size_t{2} << 20U;
  std::uint64_t history_versions_max = std::numeric_limits<std::uint64_t>::max();
  /// While there are subscriptions to transactions the bytes are these, if they are more, and the versions any number:
  /// how far a subscriber may be behind before what its Backlog says is done. What became visible last is kept for it
  /// beyond that.
  std::size_t backlog_bytes_max = std::size_t{64} << 20U;

  /// The pool's slabs: the first one's size, above 0; their growth, a finite number from 1 on; and up to which size,
  /// not below the first one's.
  std::size_t slab_bytes_first = std::size_t{256} << 10U;
  double slab_growth = 2.0;
  std::size_t slab_bytes_max = std::size_t{64} << 20U;

  /// Once this share of the memory that is reserved is free, and 16 MiB more of it than the last compaction left, the
  /// writer compacts by itself what lies about in it, as Database::compact() does; it looks after each batch, and a
  /// manual writer when a step() finds nothing to commit. By 0 it never does. 0 to 1.
  double compaction_threshold = 0.5;
  /// So long a step of compaction takes, about: between two batches, and a fifth of the time at most where transactions
  /// are waiting and nobody called compact(). Above 0, up to 1 s.
  std::chrono::nanoseconds compaction_budget{1'000'000};

  /// A segment of the log is ended, and the next begun, at this size: 4 KiB to 1 TiB.
  std::size_t segment_bytes_max = std::size_t{64} << 20U;
};

}  // namespace stoa
