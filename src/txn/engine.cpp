#include "txn/engine.h"

#include "base/make_error.h"
#include "base/random.h"
#include "delta/delta_access.h"
#include "delta/replicated.h"

#include <algorithm>
#include <bit>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

namespace stoa::txn {
namespace {

using detail::SteadyTime;
using std::chrono::steady_clock;

// An address that is this thread's alone.
const void* this_thread_mark() {
  thread_local const char mark = 0;
  return &mark;
}

// As long as a sleep and a wake-up cost on a virtual machine.
constexpr std::chrono::microseconds writer_spin{50};

// After so long without work the writer does what it put off.
constexpr std::chrono::milliseconds idle_time{1};

std::uint64_t in_flight_max(const Options& options) {
  return std::clamp<std::uint64_t>(options.in_flight_transactions_max, 1, queue::InFlightLimit::count_max);
}

// No more can be queued than may be in flight, but for what was dropped.
std::size_t batch_max(const Options& options) {
  return std::clamp<std::size_t>(options.batch_transactions_max, 1, in_flight_max(options));
}

std::uint64_t clamp_bytes(std::size_t bytes) { return std::min<std::uint64_t>(bytes, queue::InFlightLimit::bytes_max); }

// In the caller's memory, which may be full, or on the writer, which must go on: without a reason if need be.
Error error(ErrorCode code, const char* reason) {
  return make_error(code, [=] { return Error(code, reason); });
}
Error no_more_writes(ErrorCode code, const Error& failure) {
  return make_error(code, [&] { return Error(code, "no more writes: " + failure.message()); });
}
detail::HistoryId new_history() {
  const RandomId id = system_random().next_id();
  return {id.low, id.high};
}
Error closed_error() { return error(ErrorCode::closed, "the database is closed"); }

}  // namespace

Engine::Engine(storage::BufferManager& buffers, CommitSink& sink, const Options& options,
               std::function<Snapshot()> snapshot, std::function<void()> on_nodes_home, std::optional<Error> refusal)
    : buffers_(buffers),
      sink_(sink),
      options_(options),
      batch_max_(batch_max(options)),
      snapshot_(std::move(snapshot)),
      on_nodes_home_(std::move(on_nodes_home)),
      refusal_(std::move(refusal)),
      limit_({in_flight_max(options), clamp_bytes(options.in_flight_bytes_max)}),
      messenger_([this](Node& node) { recycle(node); }),
      kept_(options.kept_snapshots_max, options.kept_snapshots_interval),
      applier_(buffers, sink, options),
      published_(buffers.version()),
      version_(published_) {
  batch_.reserve(batch_max_);
  if (options_.writer == WriterMode::thread && !refusal_) {
    thread_ = std::jthread([this] { run_writer(); });
  } else {
    stepper_.store(this_thread_mark(), std::memory_order_relaxed);  // relaxed: compared with one's own mark only
  }
}

Engine::~Engine() = default;

// --- The application's threads ------------------------------------------------------------------------------------

Engine::Node& Engine::new_node() {
  Node& node = nodes_.acquire();
  node.reset(buffers_.world(), buffers_.entities(), options_.transaction_bytes_max);
  return node;
}

Transaction Engine::begin() { return make_transaction(new_node()); }

bool Engine::steps_here() const noexcept {
  // relaxed: only the thread's own mark can be equal, and that it stored itself.
  return options_.writer == WriterMode::manual && stepper_.load(std::memory_order_relaxed) == this_thread_mark();
}

// Why not, where it is not let in. Who is in will be answered, whatever comes: close() waits for it.
std::optional<Error> Engine::enter(Node& node) {
  const std::uint64_t bytes = clamp_bytes(node.ops.bytes() + node.expectations.bytes());
  node.bytes_in_flight = bytes;
  if (limit_.try_enter(bytes)) return std::nullopt;
  if (limit_.is_closed()) return closed_error();
  const bool may_be_busy = options_.at_limit == AtLimit::answer_busy && node.kind != Node::Kind::flush;
  if (may_be_busy || messenger_.is_running_here()) return error(ErrorCode::busy, "as much is in flight as may be");
  may_wait();
  if (!steps_here()) {
    if (limit_.enter(bytes) == queue::InFlightLimit::Entry::entered) return std::nullopt;
    return closed_error();
  }
  while (!limit_.try_enter(bytes)) {
    if (limit_.is_closed()) return closed_error();
    commit_queued(1, SteadyTime::max());
  }
  return std::nullopt;
}

CommitTicket Engine::submit(Node& node) {
  node.end_record();
  std::optional<Error> refused = refusal_ ? refusal_ : enter(node);
  if (refused) {
    if (refused->code() == ErrorCode::busy) {
      failures_.fetch_add(1, std::memory_order_relaxed);  // relaxed: statistics
      hand_over_ids(node);
    }
    node.result = std::unexpected(std::move(*refused));
    (void)node.response.complete();
    return make_ticket(node);
  }
  if (!node.deadline) {
    node.deadline =
        node.kind == Node::Kind::flush ? SteadyTime::max() : queue::deadline_after(options_.deadline_default);
  }
  node.submitted = steady_clock::now();
  const bool is_flush = node.kind == Node::Kind::flush;
  queue_.push(node);
  bell_.ring();
  if (options_.batch_delay.count() > 0 && (is_flush || limit_.in_flight().count >= batch_max_)) hurry();
  return make_ticket(node);
}

// The ids that a transaction reserved which will not be applied: they are the writer's to burn.
void Engine::hand_over_ids(Node& node) noexcept {
  node.ops.keep_creations();
  if (node.ops.empty() || refusal_ || limit_.is_closed()) return;
  try {
    Node& carrier = new_node();
    std::swap(carrier.ops, node.ops);
    queue_dropped(carrier);
  } catch (const std::exception&) {
    return;  // nobody gets them any more
  }
}

// The writer waits for company no longer.
void Engine::hurry() noexcept {
  hurried_.store(true, std::memory_order_seq_cst);  // seq_cst: as the doorbell asks for
  company_bell_.ring();
}

void Engine::drop(Node& node) noexcept {
  if (!node.ops.empty()) node.ops.keep_creations();  // of a giant that was given up nothing else stays
  if (node.ops.empty() || refusal_ || limit_.is_closed()) {
    recycle(node);
  } else {
    queue_dropped(node);
  }
}

// Its ids are to be burnt, which is the writer's to do. It carries no limit: it must not wait, and is gone at once.
void Engine::queue_dropped(Node& node) noexcept {
  node.kind = Node::Kind::dropped;
  node.bytes_in_flight = 0;
  (void)node.response.drop();
  queue_.push(node);
  bell_.ring();
}

void Engine::may_wait() const {
  // relaxed: only the thread's own mark can be equal, and that it stored itself.
  if (in_function_.load(std::memory_order_relaxed) != this_thread_mark()) return;
  throw std::logic_error("stoa: a write function waits for the writer, which it runs on");
}

void Engine::wait(Node& node) {
  if (node.response.done()) return;
  may_wait();
  if (!steps_here()) {
    node.response.wait();
    return;
  }
  while (!node.response.done()) commit_queued(batch_max_, SteadyTime::max());
}

bool Engine::wait_for(Node& node, std::chrono::nanoseconds time) { return node.response.wait_for(time); }

void Engine::release(Node& node) noexcept {
  if (node.response.drop() == queue::Dropped::recycle_now) recycle(node);
}

void Engine::then(Node& node, std::move_only_function<void(std::expected<Commit, Error>)>& function) {
  if (options_.writer == WriterMode::thread) messenger_.start();
  node.then = std::move(function);
  release(node);
}

void Engine::recycle(Node& node) noexcept {
  if (node.then) {
    messenger_.post(node);
    return;
  }
  if (node.result && node.result->kept) node.result->kept.reset();  // no idle node holds a snapshot
  if (nodes_.release(node)) on_nodes_home_();
}

std::expected<Commit, Error> Engine::run(detail::WriteFunction function) {
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::function;
  node.function = function;
  return submit(node).get();
}

std::expected<Commit, Error> Engine::apply(const Delta& delta) {
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::delta;
  node.deadline = SteadyTime::max();
  node.delta = delta;
  return submit(node).get();
}

std::expected<Commit, Error> Engine::restore(const detail::Root& root) {
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::restore;
  node.deadline = SteadyTime::max();
  node.restored = &root;
  return submit(node).get();
}

std::expected<Version, Error> Engine::promote() {
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::promote;
  node.deadline = SteadyTime::max();
  auto done = submit(node).get();
  if (!done) return std::unexpected(std::move(done.error()));
  return done->version;
}

std::expected<Version, Error> Engine::flush() {
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::flush;
  auto done = submit(node).get();
  if (!done) return std::unexpected(std::move(done.error()));
  return done->version;
}

bool Engine::wait_for_version(Version version, std::chrono::nanoseconds timeout) {
  constexpr std::chrono::microseconds spin_most{20};
  const auto is_there = [&] { return buffers_.version() >= version; };
  if (is_there()) return true;
  const queue::Deadline deadline = queue::deadline_after(timeout);
  return queue::SystemSync::spin_in_turn(is_there, spin_most, deadline) || version_bell_.wait(is_there, {}, deadline);
}

std::size_t Engine::step(std::size_t transactions, SteadyTime until) {
  if (options_.writer != WriterMode::manual) throw std::logic_error("stoa: step() of a database with a writer thread");
  may_wait();
  stepper_.store(this_thread_mark(), std::memory_order_relaxed);  // relaxed: as in steps_here()
  const std::size_t answered = commit_queued(transactions, until);
  if (answered == 0) buffers_.catch_up();
  if (steady_clock::now() >= sink_.rest_at()) rest();
  messenger_.run_posted();  // last: one of the functions may end the database
  return answered;
}

// --- The writer ---------------------------------------------------------------------------------------------------

void Engine::run_writer() {
  for (;;) {
    await_company();
    if (commit_next_batch(batch_max_) != 0) {
      if (steady_clock::now() >= sink_.rest_at()) rest();
      continue;
    }
    // acquire: pairs with close(); what was queued before it is taken below.
    if (closed_.load(std::memory_order_acquire) && queue_.empty()) return;
    // seq_cst: the look of the doorbell's protocol, at what close() stored seq_cst.
    const auto has_work = [this] { return !queue_.empty() || closed_.load(std::memory_order_seq_cst); };
    const SteadyTime idle_at = buffers_.is_behind() ? steady_clock::now() + idle_time : SteadyTime::max();
    if (bell_.wait(has_work, writer_spin, std::min(idle_at, sink_.rest_at()))) continue;
    buffers_.catch_up();
    if (steady_clock::now() >= sink_.rest_at()) rest();
  }
}

void Engine::take_queued() noexcept {
  queue::QueueNode* taken = queue_.take_all();
  if (taken == nullptr) return;
  auto* first = static_cast<Node*>(taken);
  if (pending_ == nullptr) {
    pending_ = first;
  } else {
    pending_last_->next = first;
  }
  while (taken->next != nullptr) taken = taken->next;
  pending_last_ = static_cast<Node*>(taken);
}

// By a doorbell of its own: at the other one each who comes would wake the writer.
void Engine::await_company() {
  if (options_.batch_delay.count() <= 0) return;
  // seq_cst: who hurries before this has queued before it, and who does after it is seen below.
  hurried_.store(false, std::memory_order_seq_cst);
  take_queued();
  std::optional<SteadyTime> until;
  std::size_t count = 0;
  for (const Node* node = pending_; node != nullptr; node = static_cast<const Node*>(node->next)) {
    if (node->kind == Node::Kind::dropped) continue;
    if (node->kind == Node::Kind::flush || ++count == batch_max_) return;
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

std::size_t Engine::commit_next_batch(std::size_t transactions) {
  take_queued();
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
  while (pending_ != nullptr && batch_.size() < transactions) {
    Node* node = pending_;
    pending_ = static_cast<Node*>(node->next);
    batch_.push_back(node);
    apply(*node);
    if (node->keep && node->result) break;
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
  const bool writes =
      node.kind == Node::Kind::operations || node.kind == Node::Kind::function || node.kind == Node::Kind::restore;
  if (writes && follower_.is_following() && !node.refused) node.refused = error(ErrorCode::read_only, "a replica");
  if (node.kind == Node::Kind::flush) flush_asked_ = true;
  if (node.kind == Node::Kind::dropped && !node.refused) node.refused = error(ErrorCode::aborted, "dropped");
  if (node.kind == Node::Kind::restore && node.restored->history != buffers_.write_buffer().root().history) {
    node.refused = error(ErrorCode::fork, "the snapshot is of another history: from before a promotion");
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
  const Delta whole = *std::exchange(node.delta, std::nullopt);
  const Follower::Content& delta = detail::DeltaAccess::content(whole);
  std::vector<std::byte> body;
  std::expected<Follower::Step, Error> step;
  try {
    body = delta::replicated_body(delta);
    step = sink_.wants_deltas()
               ? std::unexpected(Error(ErrorCode::invalid_argument, "a database with a log cannot be a replica"))
               : follower_.look_at(delta, body, version_, buffers_.write_buffer().root().history,
                                   buffers_.world().schema->hash());
    follower_.make_room();
  } catch (const std::bad_alloc&) {
    step = std::unexpected(Error::out_of_memory());
  }
  node.result = Commit{version_};
  if (!step) node.result = std::unexpected(std::move(step.error()));
  if (!node.result || *step == Follower::Step::known) return;
  if (auto applied = applier_.apply_delta(body); !applied) {
    node.result = std::unexpected(std::move(applied.error()));
    if (applier_.is_lost()) fail_batch(node.result.error());
    return;
  }
  follower_.note(delta, body);
  applier_.clear_ended();  // which indices are free is the other database's to know
  buffers_.entities().skip_to(buffers_.write_buffer().root().slot_count);
  buffers_.write_buffer().set_history(delta.history);
  version_ = delta.to;
  republish_ = true;  // a first one may lead to version 0
  node.result = Commit{version_};
}

void Engine::promote(Node& node) {
  node.result = Commit{version_};
  if (!follower_.is_following()) return;
  follower_.promote();
  buffers_.resume_entities();
  buffers_.write_buffer().set_history(new_history());
  republish_ = true;
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
  if (version_ == published_ && !republish_) {
    buffers_.note_memory();  // what failed may have needed some
  } else {
    if (auto committed = without_bad_alloc([this] { return sink_.commit(); }); !committed) {
      fail_batch(committed.error());
      return;
    }
    buffers_.commit_batch(version_, applier_.ended());
    applier_.clear_ended();
    published_ = version_;
    republish_ = false;
    keep_snapshots();
    batches_.fetch_add(1, std::memory_order_relaxed);  // relaxed: statistics
    version_bell_.ring();
  }
  if (flush_asked_) {
    if (auto flushed = without_bad_alloc([this] { return sink_.flush(); }); !flushed) fail_flushes(flushed.error());
  }
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
  for (const Node* node : batch_) {
    if (node->kind == Node::Kind::dropped) continue;
    ++gone.count;
    gone.bytes += node->bytes_in_flight;
    commits += node->result ? 1 : 0;
    const auto taken = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - node->submitted).count()));
    const std::size_t bucket = std::min(latency_.size() - 1, static_cast<std::size_t>(std::bit_width(taken)));
    latency_[bucket].fetch_add(1, std::memory_order_relaxed);  // relaxed: statistics, as the two below
  }
  commits_.fetch_add(commits, std::memory_order_relaxed);
  failures_.fetch_add(gone.count - commits, std::memory_order_relaxed);
  limit_.leave(gone);
  for (Node* node : batch_) {
    if (node->response.complete()) recycle(*node);
  }
}

void Engine::rest() {
  if (failure_) return;
  if (auto rested = without_bad_alloc([this] { return sink_.rest(); }); !rested) failure_ = rested.error();
}

std::expected<void, Error> Engine::close() {
  may_wait();
  // seq_cst: published to the sleeping writer by the doorbell's protocol.
  if (!closed_.exchange(true, std::memory_order_seq_cst)) {
    limit_.close();
    if (thread_.joinable()) {
      bell_.ring();
      company_bell_.ring();
      thread_.join();
    }
    // A function that runs beside this may have been let in, and not have queued yet.
    while (commit_queued(batch_max_, SteadyTime::max()) != 0 || limit_.in_flight().count != 0) {
    }
    if (!failure_) {
      if (auto flushed = without_bad_alloc([this] { return sink_.flush(); }); !flushed) failure_ = flushed.error();
    }
    messenger_.stop();
    (void)commit_queued(batch_max_, SteadyTime::max());  // what functions gave up
    kept_.clear();
  }
  if (failure_) return std::unexpected(*failure_);
  return {};
}

Engine::Counts Engine::counts() const {
  // relaxed, all: statistics.
  Counts out;
  out.commits = commits_.load(std::memory_order_relaxed);
  out.failures = failures_.load(std::memory_order_relaxed);
  out.batches = batches_.load(std::memory_order_relaxed);
  out.in_flight = limit_.in_flight();
  if (const std::int64_t since = function_since_.load(std::memory_order_relaxed); since != 0) {
    out.function_runs = std::chrono::nanoseconds(steady_clock::now().time_since_epoch().count() - since);
  }
  for (std::size_t bucket = 0; bucket < latency_.size(); ++bucket) {
    out.latency.buckets[bucket] = latency_[bucket].load(std::memory_order_relaxed);
  }
  return out;
}

}  // namespace stoa::txn
