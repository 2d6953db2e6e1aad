#include "txn/delta_history.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace stoa::txn {
namespace {

constexpr std::size_t no_bound = std::numeric_limits<std::size_t>::max();

// Nobody need have asked for a history, and of what is written in bulk the delta costs several times as much as the
// writing: it is made of a small part of the history only.
constexpr std::size_t bulk_share = 64;

}  // namespace

DeltaHistory::DeltaHistory(storage::WriteBuffer& buffer, const Options& options)
    : keeper_(buffer),
      history_bytes_(options.history_versions_max == 0 ? 0 : options.history_bytes_max),
      history_versions_(options.history_versions_max),
      backlog_bytes_(options.backlog_bytes_max) {}

void DeltaHistory::begin_batch() noexcept {
  has_subscribers_ = subscribers() != 0;
  delta_bytes_max_ = has_subscribers_ ? no_bound : history_bytes_;
  page_bytes_max_ = has_subscribers_ ? no_bound : history_bytes_ / bulk_share;
}

bool DeltaHistory::reserve(std::size_t body_bytes) try {
  keeper_.reserve(body_bytes);
  return true;
} catch (const std::bad_alloc&) {
  if (has_subscribers_) throw;
  return false;
}

void DeltaHistory::end_batch(Version version, Version published, const std::function<void()>& before_wait) noexcept {
  delta::DeltaKeeper::Bounds bounds;
  if (has_subscribers_) {
    bounds.bytes_max = std::max(history_bytes_, backlog_bytes_);
    bounds.from_most = published;
    // acquire: pairs with add_pace(); the list has it.
    if (has_paces_.load(std::memory_order_acquire)) {
      wait_for_subscribers(keeper_.from_after_trim(bounds), before_wait);
    }
  } else {
    bounds.bytes_max = history_bytes_;
    bounds.from_least = version - std::min(version, history_versions_);
  }
  keeper_.trim(bounds);
}

// One after the other; whom it has waited for as long as it is to it gives up, and does not wait for again.
void DeltaHistory::wait_for_subscribers(Version from, const std::function<void()>& before_wait) noexcept {
  bool called = false;
  while (const std::shared_ptr<Pace> slow = find_slow(from)) {
    if (!std::exchange(called, true)) before_wait();
    // seq_cst: the look of the doorbell's protocol.
    const auto is_there = [&] { return slow->reached.load(std::memory_order_seq_cst) >= from; };
    if (reached_bell_.wait(is_there, {}, queue::deadline_after(slow->wait_max))) continue;
    slow->given_up.store(true, std::memory_order_release);  // release: pairs with the subscriber's look
  }
}

std::shared_ptr<Pace> DeltaHistory::find_slow(Version from) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(paces_, [&](const auto& pace) {
    // relaxed: only this thread gives up. acquire: as in reach().
    return !pace->given_up.load(std::memory_order_relaxed) && pace->reached.load(std::memory_order_acquire) < from;
  });
  return found == paces_.end() ? nullptr : *found;
}

void DeltaHistory::add_pace(std::shared_ptr<Pace> pace) {
  const std::scoped_lock lock(mutex_);
  paces_.push_back(std::move(pace));
  has_paces_.store(true, std::memory_order_release);  // release: pairs with end_batch()
}

void DeltaHistory::remove_pace(Pace& pace) noexcept {
  reach(pace, std::numeric_limits<Version>::max());  // the writer may be waiting for it
  const std::scoped_lock lock(mutex_);
  std::erase_if(paces_, [&](const auto& other) { return other.get() == &pace; });
  has_paces_.store(!paces_.empty(), std::memory_order_release);
}

// Never back: its thread may come here after remove_pace().
void DeltaHistory::reach(Pace& pace, Version version) noexcept {
  Version reached = pace.reached.load(std::memory_order_relaxed);  // relaxed: the exchange has the last word
  // seq_cst: published to the writer by the doorbell's protocol.
  while (reached < version &&
         !pace.reached.compare_exchange_weak(reached, version, std::memory_order_seq_cst, std::memory_order_relaxed)) {
  }
  reached_bell_.ring();
}

}  // namespace stoa::txn
