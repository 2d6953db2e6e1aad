// The engine's part that runs on the writer: batch by batch, from what is queued to the answers.
#include "base/count_alone.h"
#include "base/make_error.h"
#include "base/random.h"
#include "delta/delta_access.h"
#include "delta/replicated.h"
#include "txn/copy_bound.h"
#include "txn/engine.h"
#include "txn/prefetch.h"
#include "txn/thread_mark.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <utility>

namespace stoa::txn {
namespace {

using detail::SteadyTime;
using std::chrono::steady_clock;

// As long as a sleep and a wake-up cost on a virtual machine.
constexpr std::chrono::microseconds writer_spin{50};

// After so long without work the writer does what it put off.
constexpr std::chrono::milliseconds idle_time{1};

Error no_more_writes(ErrorCode code, const Error& failure) {
  return make_error(code, [&] { return Error(code, "no more writes: " + failure.message()); });
}
detail::HistoryId new_history() {
  const RandomId id = system_random().next_id();
  return {id.low, id.high};
}

}  // namespace

void Engine::run_writer() {
  for (;;) {
    await_company();
    await_returning();
    // What comes only now is not taken before it has had its time for company.
    const bool is_time = pending_ != nullptr || options_.batch_delay.count() <= 0;
    if (is_time && commit_next_batch(batch_max_) != 0) {
      if (detail::is_past(sink_.rest_at())) rest();
      compact_unasked(SteadyTime::max());
      continue;
    }
    // acquire: pairs with close(); what was queued before it is taken below.
    if (closed_.load(std::memory_order_acquire) && queue_.empty()) return;
    compact_unasked(SteadyTime::max());
    if (buffers_.is_compacting() && may_compact()) continue;
    // seq_cst: the look of the doorbell's protocol, at what close() stored seq_cst.
    const auto has_work = [this] { return !queue_.empty() || closed_.load(std::memory_order_seq_cst); };
    const SteadyTime idle_at = buffers_.is_behind() ? steady_clock::now() + idle_time : SteadyTime::max();
    if (bell_.wait(has_work, writer_spin, std::min(idle_at, sink_.rest_at()))) continue;
    buffers_.catch_up();
    if (detail::is_past(sink_.rest_at())) rest();
  }
}

std::size_t Engine::take_queued() noexcept {
  queue::QueueNode* taken = queue_.take_all();
  if (taken == nullptr) return 0;
  auto* first = static_cast<Node*>(taken);
  if (pending_ == nullptr) {
    pending_ = first;
  } else {
    pending_last_->next = first;
  }
  std::size_t count = 1;
  for (; taken->next != nullptr; ++count) taken = taken->next;
  pending_last_ = static_cast<Node*>(taken);
  return count;
}

// By a doorbell of its own: at the other one each who comes would wake the writer.
void Engine::await_company() {
  if (options_.batch_delay.count() <= 0) return;
  // seq_cst: who hurries before this has queued before it, and who does after it is seen below.
  hurried_.store(false, std::memory_order_seq_cst);
  (void)take_queued();
  std::optional<SteadyTime> until;
  std::size_t count = 0;
  for (const Node* node = pending_; node != nullptr; node = static_cast<const Node*>(node->next)) {
    if (node->kind == Node::Kind::dropped) continue;
    if (node->is_request() || ++count == batch_max_) return;
    if (!until) until = node->submitted + options_.batch_delay;
  }
  // seq_cst, both: the look of the doorbell's protocol.
  const auto is_hurried = [this] {
    return hurried_.load(std::memory_order_seq_cst) || closed_.load(std::memory_order_seq_cst);
  };
  while (until && !company_bell_.wait(is_hurried, {}, std::min(*until, sink_.rest_at()))) {
    const SteadyTime now = steady_clock::now();
    if (now >= *until) return;
    if (now >= sink_.rest_at()) rest();
    if (failure_) return;
  }
}

void Engine::await_returning() {
  if (options_.batch_delay.count() > 0 || pending_ != nullptr || failure_) return;  // there is company, or no use
  std::size_t queued = take_queued();
  const std::size_t wanted = returning_.wanted_beside(queued);
  // relaxed: close() queues nothing, and is found at the next look.
  while (queued < wanted && steady_clock::now() < returning_.until() && !closed_.load(std::memory_order_relaxed)) {
    if (pending_ != nullptr && pending_last_->is_request()) return;
    queue::SystemSync::yield();  // to them
    queued += take_queued();
  }
}

std::size_t Engine::commit_next_batch(std::size_t transactions) {
  (void)take_queued();
  if (pending_ == nullptr) return 0;
  commit_batch(std::min(transactions, batch_max_));
  const std::size_t answered = batch_.size();
  batch_.clear();
  return answered;
}

std::size_t Engine::commit_queued(std::size_t transactions, SteadyTime until) {
  std::size_t answered = 0;
  while (answered < transactions) {
    const std::size_t more = commit_next_batch(transactions - answered);
    if (more == 0) break;
    answered += more;
    if (until != SteadyTime::max() && steady_clock::now() >= until) break;
  }
  return answered;
}

void Engine::commit_batch(std::size_t transactions) {
  flush_asked_ = false;
  history_.begin_batch();
  // Not in a root that was lost; and a step of one transaction would look ahead for nothing.
  const bool looks_ahead = !failure_ && transactions > 1;
  const storage::WriteBuffer& buffer = buffers_.write_buffer();
  QueuePrefetcher ahead(looks_ahead ? pending_ : nullptr, buffer.root());
  CopyBound copies;
  const bool is_bounded = !sink_.wants_large_batches() && options_.batch_delay.count() <= 0;
  while (pending_ != nullptr && batch_.size() < transactions) {
    Node* node = pending_;
    // In a batch of its own: nothing of another transaction is in the write buffer that is not published.
    const bool is_compaction = node->kind == Node::Kind::compaction;
    if (is_compaction && !batch_.empty()) break;
    pending_ = static_cast<Node*>(node->next);
    batch_.push_back(node);
    if (!failure_) ahead.advance();
    apply(*node);
    if (is_compaction || (node->keep && node->result)) break;
    if (is_bounded && copies.is_reached(buffer.bytes_allocated())) break;
  }
  if (!failure_) publish_batch();
  if (batch_.back()->keep && batch_.back()->result) keep_for(*batch_.back());
  answer_batch();
}

void Engine::apply(Node& node) {
  if (failure_) {
    node.result = std::unexpected(no_more_writes(ErrorCode::read_only, *failure_));
    return;
  }
  try {
    buffers_.prepare_commit();
  } catch (const std::bad_alloc&) {
    node.result = std::unexpected(Error::out_of_memory());
    return;
  }
  if (node.kind == Node::Kind::delta) {
    apply_delta(node);
    return;
  }
  if (node.kind == Node::Kind::promote) {
    promote(node);
    return;
  }
  if (node.kind == Node::Kind::compaction) {
    compact(node);
    return;
  }
  const bool writes =
      node.kind == Node::Kind::operations || node.kind == Node::Kind::function || node.kind == Node::Kind::restore;
  if (writes && follower_.is_following() && !node.refusal()) node.fail(make_error(ErrorCode::read_only, "a replica"));
  if (node.kind == Node::Kind::flush) flush_asked_ = true;
  if (node.kind == Node::Kind::dropped && !node.refusal()) node.fail(make_error(ErrorCode::aborted, "dropped"));
  if (node.kind == Node::Kind::restore &&
      node.find_rare()->restored->history != buffers_.write_buffer().root().history) {
    node.fail(make_error(ErrorCode::fork, "the snapshot is of another history: from before a promotion"));
  }
  const bool is_function = node.kind == Node::Kind::function;  // every submit() reads what is on in_function_'s line
  if (is_function) enter_function();
  auto applied = applier_.apply(node, version_ + 1);
  if (is_function) leave_function();
  if (!applied) {
    node.result = std::unexpected(std::move(applied.error()));
    if (applier_.is_lost()) fail_batch(node.result.error());
    return;
  }
  if (*applied) ++version_;
  node.result = Commit{version_};
}

void Engine::apply_delta(Node& node) {
  const Delta whole = *std::exchange(node.rare().delta, std::nullopt);
  const Follower::Content& delta = detail::DeltaAccess::content(whole);
  std::vector<std::byte> body;
  bool kept = false;
  std::expected<Follower::Step, Error> step;
  try {
    body = delta::replicated_body(delta);
    step = follower_.look_at(delta, body, version_, buffers_.write_buffer().root().history,
                             buffers_.world().schema->hash());
    if (step && sink_.wants_deltas()) {
      if (auto kept_whole = expect_all_logged(); !kept_whole) step = std::unexpected(std::move(kept_whole.error()));
    }
    follower_.make_room();
    kept = delta.to != delta.from && history_.keeps(body.size()) && history_.reserve(body.size());
  } catch (const std::bad_alloc&) {
    step = std::unexpected(Error::out_of_memory());
  }
  node.result = Commit{version_};
  if (!step) node.result = std::unexpected(std::move(step.error()));
  if (!node.result || *step == Follower::Step::known) return;
  const bool begins = !follower_.is_following();
  if (begins) sink_.begin_history(delta.history, true);
  if (auto applied = applier_.apply_delta({delta.from, delta.to, delta.tag, body}); !applied) {
    if (begins) sink_.begin_history(buffers_.write_buffer().root().history, false);
    node.result = std::unexpected(std::move(applied.error()));
    if (applier_.is_lost()) fail_batch(node.result.error());
    return;
  }
  // Of a database that has no versions: nothing was applied, and there is nothing else to log.
  if (begins && delta.to == delta.from && !keep_history(node)) {
    sink_.begin_history(buffers_.write_buffer().root().history, false);
    return;
  }
  follower_.note(delta, body);
  applier_.clear_ended();  // which indices are free is the other database's to know
  buffers_.entities().skip_to(buffers_.write_buffer().root().slot_count);
  buffers_.write_buffer().set_history(delta.history);
  version_ = delta.to;
  if (kept) {
    history_.add({.from = delta.from, .to = delta.to, .tag = delta.tag, .full = delta.full, .body = body});
  } else {
    history_.skip_to(version_);
  }
  republish_ = true;  // a first one may lead to version 0
  node.result = Commit{version_};
}

void Engine::promote(Node& node) {
  node.result = Commit{version_};
  if (!follower_.is_following()) return;
  const detail::HistoryId history = new_history();
  sink_.begin_history(history, false);
  if (!keep_history(node)) {
    sink_.begin_history(buffers_.write_buffer().root().history, true);
    return;
  }
  follower_.promote();
  // Indices that nobody ever used may have been reserved here, by a transaction that is yet to come. Without memory for
  // it, ids that could come again do not: no more than that.
  (void)without_bad_alloc([this]() -> std::expected<void, Error> {
    buffers_.resume_entities(storage::EntityAllocator::Unused::kept_back);
    return {};
  });
  buffers_.write_buffer().set_history(history);
  history_.skip_to(version_);
  republish_ = true;
}

// False where what the sink was told of its history is not durable, and the node has the reason.
bool Engine::keep_history(Node& node) {
  const auto kept = without_bad_alloc([this] { return sink_.keep_history(); });
  if (kept) return true;
  const ErrorCode code = kept.error().code();
  node.result = std::unexpected(kept.error());
  if (code != ErrorCode::disk_full && code != ErrorCode::out_of_memory) fail_batch(kept.error());
  return false;
}

// Rows that the log does not keep would be missing when the replica is opened again, and the next delta that says
// something of them would not fit.
std::expected<void, Error> Engine::expect_all_logged() const {
  for (const TableModel& table : buffers_.world().schema->model().tables) {
    if (table.logged || !table.replicated) continue;
    return std::unexpected(Error(
        ErrorCode::invalid_argument,
        "table " + table.name + " is replicated and not logged, and a replica with a folder would lose its rows"));
  }
  return {};
}

// --- Compaction ---------------------------------------------------------------------------------------------------

void Engine::compact(Node& node) {
  node.result = Commit{version_};
  try {
    compact_some(steady_clock::now() + options_.compaction_budget);
  } catch (const std::bad_alloc&) {
    node.result = std::unexpected(Error::out_of_memory());
  }
}

void Engine::compact_some(SteadyTime until) {
  compacted_ = true;  // also what one did that fails
  try {
    if (buffers_.compact_some(until) == storage::Compactor::Came::to_the_moving) history_.relocate();
  } catch (const std::bad_alloc&) {
    buffers_.stop_compaction();
    throw;
  }
}

bool Engine::may_compact() const noexcept {
  return options_.compaction_threshold != 0 && !failure_ &&
         (buffers_.is_compacting() || buffers_.wants_compaction(options_.compaction_threshold));
}

// Where transactions wait, it takes a fifth of the time at most.
void Engine::compact_unasked(SteadyTime until) noexcept {
  if (!may_compact()) return;
  constexpr int share = 4;
  do {
    const SteadyTime began = steady_clock::now();
    if (began < compact_at_ && !queue_.empty()) return;
    flush_asked_ = false;
    try {
      buffers_.prepare_commit();
      compact_some(std::min(until, began + options_.compaction_budget));
    } catch (const std::bad_alloc&) {
      return;  // what it did is published with the next batch
    }
    publish_batch();
    const SteadyTime now = steady_clock::now();
    compact_at_ = now + share * (now - began);
    if (options_.writer == WriterMode::thread || now >= until) return;
  } while (until != SteadyTime::max() && may_compact());
}

void Engine::enter_function() noexcept {
  // relaxed: as in may_wait(); and statistics.
  in_function_.store(this_thread_mark(), std::memory_order_relaxed);
  function_since_.store(steady_clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

void Engine::leave_function() noexcept {
  // relaxed, both: as above.
  function_since_.store(0, std::memory_order_relaxed);
  in_function_.store(nullptr, std::memory_order_relaxed);
}

void Engine::publish_batch() {
  const bool is_news = version_ != published_ || republish_;
  if (!is_news && !compacted_) {
    buffers_.note_memory();  // what failed may have needed some
  } else {
    if (is_news) {
      if (auto committed = without_bad_alloc([this] { return commit_sink(); }); !committed) {
        fail_batch(committed.error());
        return;
      }
    }
    history_.end_batch(version_, published_, [this] { make_durable_to_tell(); });
    buffers_.commit_batch(version_, applier_.ended());
    applier_.clear_ended();
    published_ = version_;
    republish_ = false;
    compacted_ = false;
    if (is_news) keep_snapshots();
    count_alone<std::uint64_t>(batches_, 1);
    tell_durable();
  }
  if (flush_asked_) {
    if (auto flushed = without_bad_alloc([this] { return sink_.flush(); }); !flushed) fail_flushes(flushed.error());
    tell_durable();
  }
}

std::expected<void, Error> Engine::commit_sink() {
  if (!sink_.wants_large_batches()) return sink_.commit();
  const SteadyTime began = steady_clock::now();
  auto committed = sink_.commit();
  const std::chrono::nanoseconds took = steady_clock::now() - began;
  returning_.note_commit(took);
  commit_takes_.store(took.count(), std::memory_order_relaxed);  // relaxed: a hint
  return committed;
}

void Engine::keep_for(Node& node) {
  try {
    node.result->kept = std::make_shared<std::optional<Snapshot>>();
    node.result->kept->emplace(snapshot_());
  } catch (const std::bad_alloc&) {
    return;  // Commit::snapshot() says so
  }
}

// What of the newest root was asked for. Where there is no memory for it, it is not kept.
void Engine::keep_snapshots() {
  try {
    kept_.add(snapshot_);
  } catch (const std::bad_alloc&) {
    return;
  }
}

// The log failed, or memory did: nothing above the published root will ever be visible. Who had an effect does not know
// its outcome.
void Engine::fail_batch(const Error& error) {
  failure_ = error;
  version_ = published_;
  for (Node* node : batch_) {
    if (node->result) {
      node->result = std::unexpected(no_more_writes(ErrorCode::unknown_outcome, error));
    }
  }
}

// What was committed is visible and stays so; only those that asked for more do not get it.
void Engine::fail_flushes(const Error& error) {
  failure_ = error;
  for (Node* node : batch_) {
    if (node->kind == Node::Kind::flush) node->result = std::unexpected(error);
  }
}

void Engine::answer_batch() {
  const SteadyTime now = steady_clock::now();
  queue::InFlightLimit::Load gone;
  std::uint64_t commits = 0;
  std::uint64_t answers = 0;
  for (const Node* node : batch_) {
    if (node->kind == Node::Kind::dropped) continue;
    ++gone.count;
    gone.bytes += node->bytes_in_flight;
    if (node->kind == Node::Kind::compaction) continue;  // a step: nobody's transaction
    ++answers;
    commits += node->result ? 1 : 0;
    const auto taken = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - node->submitted).count()));
    const std::size_t bucket = std::min(latency_.size() - 1, static_cast<std::size_t>(std::bit_width(taken)));
    count_alone<std::uint64_t>(latency_[bucket], 1);
  }
  count_alone(commits_, commits);
  // relaxed: statistics. Who is refused at a limit counts itself.
  if (answers != commits) failures_.fetch_add(answers - commits, std::memory_order_relaxed);
  limit_.leave(gone);
  std::size_t woken = 0;
  for (Node* node : batch_) {
    const bool is_transaction = node->kind == Node::Kind::operations || node->kind == Node::Kind::function;
    const queue::Answered met = node->response.complete();
    if (met == queue::Answered::dropped) recycle(*node);
    woken += met == queue::Answered::woken && is_transaction ? 1 : 0;
  }
  returning_.note_answers(woken, now);
}

void Engine::rest() {
  if (failure_) return;
  if (auto rested = without_bad_alloc([this] { return sink_.rest(); }); !rested) failure_ = rested.error();
  tell_durable();
}

// Who waits for what is durable is not to wait for a writer that waits for it.
void Engine::make_durable_to_tell() {
  if (!makes_durable_ || sink_.durable_version() >= published_) return;
  if (auto flushed = without_bad_alloc([this] { return sink_.flush(); }); !flushed) failure_ = flushed.error();
  tell_durable();
}

// Also that there is a new version, durable or not.
void Engine::tell_durable() noexcept {
  if (makes_durable_) {
    // seq_cst: published by the doorbell's protocol.
    durable_to_tell_.store(std::min(published_, sink_.durable_version()), std::memory_order_seq_cst);
  }
  version_bell_.ring();
}

}  // namespace stoa::txn
