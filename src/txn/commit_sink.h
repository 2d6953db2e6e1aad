// Where a batch's deltas go before it becomes visible: a log, or nowhere. What a sink does with bytes is its own.
#pragma once

#include <stoa/detail/world.h>
#include <stoa/entity.h>
#include <stoa/error.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace stoa::txn {

/// What the sink keeps of a transaction, or of another database's delta that was applied in one.
struct Committed {
  Version from = 0;
  Version to = 0;
  std::uint64_t tag = 0;
  std::span<const std::byte> delta;  ///< empty where the sink does not want it
};

/// Threads: the writer only, but for durable_version().
class CommitSink {
 public:
  using Time = std::chrono::steady_clock::time_point;
  virtual ~CommitSink() = default;

  /// Whether add() wants the bytes of a delta.
  [[nodiscard]] virtual bool wants_deltas() const noexcept = 0;
  /// One more of the batch. Errors: disk_full, too_large — there is no room for it, and it is to be taken
  /// back; others are final, and the batch is not committed. Out of memory throws std::bad_alloc, and nothing was
  /// added.
  [[nodiscard]] virtual std::expected<void, Error> add(const Committed& committed) = 0;
  /// What is added from now on is of that history; where `following`, another database's, and this is its replica.
  virtual void begin_history(const detail::HistoryId& history, bool following) noexcept = 0;
  /// Returns once that is durable, be there anything to add or not. Errors: disk_full — it is not, and may be tried
  /// again; others are final. Out of memory throws std::bad_alloc, and it is not.
  [[nodiscard]] virtual std::expected<void, Error> keep_history() = 0;
  /// The batch is complete; returns once it is as durable as was promised. An error is final: its outcome is unknown.
  /// So is std::bad_alloc, here and in the two below; add() sees to it that there is the memory.
  [[nodiscard]] virtual std::expected<void, Error> commit() = 0;
  /// Returns once all that was committed is as durable as it gets.
  [[nodiscard]] virtual std::expected<void, Error> flush() = 0;
  /// When rest() wants to be called though nothing is committed; Time::max() for never.
  [[nodiscard]] virtual Time rest_at() const noexcept = 0;
  [[nodiscard]] virtual std::expected<void, Error> rest() = 0;
  /// Threads: any.
  [[nodiscard]] virtual Version durable_version() const noexcept = 0;
  /// Whether commit() costs so much that there had better be much in it.
  [[nodiscard]] virtual bool wants_large_batches() const noexcept = 0;
  /// Whether what is committed gets durable by itself: else nobody can wait for that.
  [[nodiscard]] virtual bool makes_durable() const noexcept = 0;
};

/// For a database in memory.
class NoLog final : public CommitSink {
 public:
  [[nodiscard]] bool wants_deltas() const noexcept override { return false; }
  [[nodiscard]] std::expected<void, Error> add(const Committed&) override { return {}; }
  void begin_history(const detail::HistoryId&, bool) noexcept override {}
  [[nodiscard]] std::expected<void, Error> keep_history() override { return {}; }
  [[nodiscard]] std::expected<void, Error> commit() override { return {}; }
  [[nodiscard]] std::expected<void, Error> flush() override { return {}; }
  [[nodiscard]] Time rest_at() const noexcept override { return Time::max(); }
  [[nodiscard]] std::expected<void, Error> rest() override { return {}; }
  [[nodiscard]] Version durable_version() const noexcept override { return 0; }
  [[nodiscard]] bool wants_large_batches() const noexcept override { return false; }
  [[nodiscard]] bool makes_durable() const noexcept override { return false; }
};

}  // namespace stoa::txn
