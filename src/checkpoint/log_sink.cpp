#include "checkpoint/log_sink.h"

#include <utility>

namespace stoa::checkpoint {
namespace {

// How long nothing is committed before the log is sealed, so that damage to its last batch can be told from a torn
// write.
constexpr std::chrono::milliseconds idle_before_seal{200};

}  // namespace

LogSink::LogSink(wal::Writer writer, Durability durability, Version durable, const Clock& clock)
    : writer_(std::move(writer)), durability_(durability), clock_(clock), durable_(durable) {}

std::expected<void, Error> LogSink::add(const txn::Committed& committed) {
  // First: once a segment says whose history it is of, want of memory must not keep from writing to it.
  if (begun_) {
    batch_.reserve(batch_.frame_bytes() + wal::record_header_bytes + committed.delta.size() + wal::zero_step_bytes);
  }
  if (auto taken_up = take_up_history(); !taken_up) return taken_up;
  const std::uint64_t step = committed.to - committed.from;
  if (!batch_.takes(step)) {
    if (auto written = write_batch(); !written) return written;
  }
  const std::uint64_t bytes = batch_.frame_bytes() + wal::record_header_bytes + committed.delta.size();
  if (auto reserved = writer_.reserve(bytes); !reserved) return reserved;
  batch_.reserve(writer_.bytes_to_write(bytes));  // commit() is to need no memory
  batch_.add({.version = committed.to,
              .wall_ns = clock_.now_wall_ns(),
              .tag = committed.tag,
              .body = committed.delta,
              .step = step});
  return {};
}

std::expected<void, Error> LogSink::write_batch() {
  if (batch_.empty()) return {};
  auto written = writer_.write(batch_);
  batch_.clear();
  return written;
}

std::expected<void, Error> LogSink::take_up_history() {
  if (!begun_) return {};
  if (auto written = write_batch(); !written) return written;
  writer_.begin_history(begun_->id, begun_->following);
  begun_.reset();
  return {};
}

std::expected<void, Error> LogSink::keep_history() {
  if (auto taken_up = take_up_history(); !taken_up) return taken_up;
  auto begun = writer_.begin_segment();
  note_durable();
  return begun;
}

std::expected<void, Error> LogSink::commit() {
  if (auto written = write_batch(); !written) return written;
  const Time now = std::chrono::steady_clock::now();
  switch (durability_.kind()) {
    case Durability::Kind::sync: rest_at_ = now + idle_before_seal; return sync();
    case Durability::Kind::async:
      // From the first commit that is not synced: it must not wait longer than was promised.
      if (rest_at_ == Time::max()) rest_at_ = now + durability_.interval();
      return {};
    case Durability::Kind::none: return {};
  }
  return {};
}

std::expected<void, Error> LogSink::flush() {
  if (auto begun = begin_wanted_segment(); !begun) return begun;
  // relaxed: whoever required it asks for this flush afterwards, through the write queue.
  const bool is_required = required_.load(std::memory_order_relaxed) > durable_version();
  if (durability_.kind() == Durability::Kind::none && !is_required) return {};
  return sync();
}

// It saves time when the log is read, and is no part of what was promised: where it cannot be prepared that is no
// failure. A full disk least of all, as the checkpoint may be what makes room.
std::expected<void, Error> LogSink::begin_wanted_segment() {
  // relaxed: as in flush().
  if (!segment_wanted_.exchange(false, std::memory_order_relaxed) || !writer_.segment_has_transactions()) return {};
  // Else its header could name a history whose first transaction was taken back.
  if (auto taken_up = take_up_history(); !taken_up) return taken_up;
  const auto begun = writer_.try_begin_segment();
  note_durable();
  return begun ? std::expected<void, Error>() : std::unexpected(begun.error());
}

std::expected<void, Error> LogSink::rest() {
  rest_at_ = Time::max();
  if (durability_.kind() == Durability::Kind::async) return sync();
  auto sealed = writer_.seal();
  note_durable();
  return sealed;
}

std::expected<void, Error> LogSink::sync() {
  auto synced = writer_.sync();
  note_durable();
  return synced;
}

void LogSink::note_durable() noexcept {
  durable_.store(writer_.synced_version(), std::memory_order_release);  // release: pairs with durable_version()
}

void LogSink::require_durable(Version version) noexcept {
  // relaxed, both: as in flush().
  Version required = required_.load(std::memory_order_relaxed);
  while (required < version && !required_.compare_exchange_weak(required, version, std::memory_order_relaxed)) {
  }
}

// relaxed: as in flush().
void LogSink::want_segment() noexcept { segment_wanted_.store(true, std::memory_order_relaxed); }

std::expected<void, Error> LogSink::close() {
  auto closed = writer_.close();
  note_durable();
  return closed;
}

}  // namespace stoa::checkpoint
