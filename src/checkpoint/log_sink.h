// The log as the writer sees it: deltas in, durability out, as the options promise.
#pragma once

#include "base/clock.h"
#include "checkpoint/folder.h"
#include "txn/commit_sink.h"
#include "wal/writer.h"

#include <stoa/options.h>

#include <atomic>
#include <optional>

namespace stoa::checkpoint {

class LogSink final : public txn::CommitSink {
 public:
  /// `durable` is the version that recovery found, which it synced.
  LogSink(wal::Writer writer, Durability durability, Version durable, const Clock& clock);

  [[nodiscard]] bool wants_deltas() const noexcept override { return true; }
  [[nodiscard]] std::expected<void, Error> add(const txn::Committed& committed) override;
  void begin_history(const detail::HistoryId& history, bool following) noexcept override {
    begun_ = {to_id(history), following};
  }
  [[nodiscard]] std::expected<void, Error> keep_history() override;
  [[nodiscard]] std::expected<void, Error> commit() override;
  [[nodiscard]] std::expected<void, Error> flush() override;
  [[nodiscard]] Time rest_at() const noexcept override { return rest_at_; }
  [[nodiscard]] std::expected<void, Error> rest() override;
  [[nodiscard]] Version durable_version() const noexcept override {
    return durable_.load(std::memory_order_acquire);  // acquire: pairs with note_durable(); what it says is on the disk
  }

  [[nodiscard]] bool wants_large_batches() const noexcept override {
    return durability_.kind() == Durability::Kind::sync;
  }
  [[nodiscard]] bool makes_durable() const noexcept override { return durability_.kind() != Durability::Kind::none; }
  /// The next flush() syncs up to that version, also where nothing was promised: somebody is going to rely on it.
  /// Threads: any.
  void require_durable(Version version) noexcept;
  /// The next flush() begins a new segment, where this one has any transactions: who begins with the state there is
  /// then need not read what is before it. Where it cannot be prepared the log goes on in this one. Threads: any.
  void want_segment() noexcept;

  /// Nothing may be added any more.
  [[nodiscard]] std::expected<void, Error> close();

 private:
  struct History {
    RandomId id;
    bool following;
  };

  std::expected<void, Error> write_batch();
  std::expected<void, Error> take_up_history();
  std::expected<void, Error> begin_wanted_segment();
  std::expected<void, Error> sync();
  void note_durable() noexcept;

  wal::Writer writer_;
  const Durability durability_;
  const Clock& clock_;
  wal::Batch batch_;
  std::optional<History> begun_;  // which the writer does not know of: what is in batch_ comes before it
  Time rest_at_ = Time::max();
  std::atomic<Version> durable_;
  std::atomic<Version> required_{0};
  std::atomic<bool> segment_wanted_{false};
};

}  // namespace stoa::checkpoint
