// Which deltas are kept in memory, and for how long: what the options ask for, and as much more as subscribers need
// who are behind. Those who asked for it keep the writer waiting, for a while.
#pragma once

#include "delta/kept_deltas.h"
#include "delta/transaction_delta.h"
#include "queue/doorbell.h"

#include <stoa/options.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace stoa::txn {

/// How far a subscriber is that slows the writer.
struct Pace {
  explicit Pace(Version at, std::chrono::nanoseconds wait) : reached(at), wait_max(wait) {}

  std::atomic<Version> reached;             ///< it has got all up to it
  std::atomic<bool> given_up{false};        ///< the writer waits for it no longer, and it is to end
  const std::chrono::nanoseconds wait_max;  ///< each time
};

class DeltaHistory {
 public:
  DeltaHistory(storage::WriteBuffer& buffer, const Options& options);

  // Of subscribers. Threads: any.

  /// From the next batch on that begins, every transaction's delta is kept for as long as there is room for a backlog.
  void add_subscriber() noexcept { subscribers_.fetch_add(1, std::memory_order_release); }
  void remove_subscriber() noexcept { subscribers_.fetch_sub(1, std::memory_order_release); }
  [[nodiscard]] std::uint32_t subscribers() const noexcept {
    return subscribers_.load(std::memory_order_acquire);  // acquire: pairs with the two above
  }
  /// The writer waits for it, before it drops what it has not got. Errors: throws std::bad_alloc.
  void add_pace(std::shared_ptr<Pace> pace);
  void remove_pace(Pace& pace) noexcept;
  /// It has got all up to the version, or up to a higher one that was told before.
  void reach(Pace& pace, Version version) noexcept;

  // The writer's.

  void begin_batch() noexcept;
  /// Whether any delta is kept.
  [[nodiscard]] bool is_on() const noexcept { return delta_bytes_max_ != 0; }
  /// Whether the delta of such a transaction is to be made.
  [[nodiscard]] bool wants(const delta::TransactionDelta::Size& size) const noexcept {
    return size.row_bytes < delta_bytes_max_ && size.page_bytes <= page_bytes_max_;
  }
  /// Whether one of so many bytes is kept that has been made.
  [[nodiscard]] bool keeps(std::size_t body_bytes) const noexcept { return body_bytes < delta_bytes_max_; }
  /// Room for add(). False where there is no memory for it, and nobody relies on it. Errors: throws std::bad_alloc,
  /// where a subscriber does.
  [[nodiscard]] bool reserve(std::size_t body_bytes);
  void add(const delta::KeptDelta& delta) noexcept { keeper_.add(delta); }
  /// Out of the slabs that are to be emptied. Errors: throws std::bad_alloc; all is where it was.
  void relocate() { keeper_.relocate(); }
  /// The world comes to the version by what is not kept.
  void skip_to(Version version) noexcept { keeper_.restart(version); }
  /// Before the root of that version is sealed; `published` is the last one that others have seen, and what leads on
  /// from it stays for subscribers, however much it is. May wait for them to come that far; `before_wait()` is called
  /// before, so that they can.
  void end_batch(Version version, Version published, const std::function<void()>& before_wait) noexcept;

 private:
  [[nodiscard]] std::shared_ptr<Pace> find_slow(Version from) noexcept;
  void wait_for_subscribers(Version from, const std::function<void()>& before_wait) noexcept;

  delta::DeltaKeeper keeper_;
  const std::size_t history_bytes_;
  const std::uint64_t history_versions_;
  const std::size_t backlog_bytes_;
  std::atomic<std::uint32_t> subscribers_{0};

  // Of the batch under way.
  bool has_subscribers_ = false;
  std::size_t delta_bytes_max_ = 0;
  std::size_t page_bytes_max_ = 0;

  std::mutex mutex_;  // held for a few steps at a time
  std::vector<std::shared_ptr<Pace>> paces_;
  std::atomic<bool> has_paces_{false};
  queue::Doorbell reached_bell_;
};

}  // namespace stoa::txn
