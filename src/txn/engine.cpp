#include "txn/engine.h"

#include "base/make_error.h"
#include "delta/delta_access.h"
#include "txn/thread_mark.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace stoa::txn {
namespace {

using detail::SteadyTime;
using std::chrono::steady_clock;

std::uint64_t in_flight_max(const Options& options) {
  return std::clamp<std::uint64_t>(options.in_flight_transactions_max, 1, queue::InFlightLimit::count_max);
}

// No more can be queued than may be in flight, but for what was dropped.
std::size_t batch_max(const Options& options) {
  return std::clamp<std::size_t>(options.batch_transactions_max, 1, in_flight_max(options));
}

std::uint64_t clamp_bytes(std::size_t bytes) { return std::min<std::uint64_t>(bytes, queue::InFlightLimit::bytes_max); }

Error closed_error() { return make_error(ErrorCode::closed, "the database is closed"); }

}  // namespace

thread_local const Engine* Engine::called_by_ = nullptr;

Engine::Engine(storage::BufferManager& buffers, CommitSink& sink, const Options& options,
               std::function<Snapshot()> snapshot, std::function<void()> on_nodes_home, std::optional<Error> refusal,
               std::optional<AppliedDeltas> followed)
    : buffers_(buffers),
      sink_(sink),
      options_(options),
      batch_max_(batch_max(options)),
      makes_durable_(sink.makes_durable()),
      snapshot_(std::move(snapshot)),
      on_nodes_home_(std::move(on_nodes_home)),
      refusal_(std::move(refusal)),
      limit_({in_flight_max(options), clamp_bytes(options.in_flight_bytes_max)}),
      messenger_([this](Node& node) { recycle(node); }),
      kept_(options.kept_snapshots_max, options.kept_snapshots_interval),
      durable_to_tell_(buffers.version()),
      history_(buffers.write_buffer(), options),
      applier_(buffers, sink, history_, options),
      published_(buffers.version()),
      version_(published_) {
  batch_.reserve(batch_max_);
  if (followed) follower_.follow(*std::move(followed));
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
  const std::uint64_t bytes = clamp_bytes(node.bytes());
  node.bytes_in_flight = bytes;
  if (limit_.try_enter(bytes)) return std::nullopt;
  if (limit_.is_closed()) return closed_error();
  const bool may_be_busy = options_.at_limit == AtLimit::answer_busy && !node.is_request();
  const bool is_callback = messenger_.is_running_here() || called_by_ == this;
  if (may_be_busy || is_callback) return make_error(ErrorCode::busy, "as much is in flight as may be");
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
  node.submitted = steady_clock::now();
  if (node.deadline == Node::no_deadline) {
    node.deadline =
        node.is_request() ? SteadyTime::max() : queue::deadline_after(options_.deadline_default, node.submitted);
  }
  const bool is_request = node.is_request();
  queue_.push(node);
  bell_.ring();
  if (options_.batch_delay.count() > 0 && (is_request || limit_.in_flight().count >= batch_max_)) hurry();
  return make_ticket(node);
}

// The ids that a transaction reserved which will not be applied: they are the writer's to burn.
void Engine::hand_over_ids(Node& node) noexcept {
  node.ops.keep_creations();
  if (node.ops.empty() || refusal_ || limit_.is_closed()) return;
  try {
    Node& carrier = new_node();
    carrier.ops.swap(node.ops);
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

// How long a thread had better stay awake that waits for a commit. A disk's sync, if it is a fast one, takes no longer
// than a core that went to sleep takes to wake.
std::chrono::nanoseconds Engine::wait_awake() const noexcept {
  constexpr std::chrono::microseconds most{250};
  const std::chrono::nanoseconds takes(commit_takes_.load(std::memory_order_relaxed));  // relaxed: a hint
  return takes <= most ? 2 * takes : std::chrono::nanoseconds();
}

void Engine::wait(Node& node) {
  if (node.response.done()) return;
  may_wait();
  if (!steps_here()) {
    node.response.wait(wait_awake());
    return;
  }
  while (!node.response.done()) commit_queued(batch_max_, SteadyTime::max());
}

bool Engine::wait_for(Node& node, std::chrono::nanoseconds time) { return node.response.wait_for(time, wait_awake()); }

void Engine::release(Node& node) noexcept {
  if (node.response.drop() == queue::Dropped::recycle_now) recycle(node);
}

void Engine::then(Node& node, std::move_only_function<void(std::expected<Commit, Error>)>& function) {
  if (options_.writer == WriterMode::thread) messenger_.start();
  node.then = std::move(function);
  node.has_then = static_cast<bool>(node.then);
  release(node);
}

void Engine::recycle(Node& node) noexcept {
  if (node.has_then) {
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
  node.rare().function = function;
  return submit(node).get();
}

std::expected<Commit, Error> Engine::apply(const Delta& delta) {
  (void)detail::DeltaAccess::content(delta);  // one that was moved from is refused here
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::delta;
  node.deadline = SteadyTime::max();
  node.rare().delta = delta;
  return submit(node).get();
}

std::expected<Commit, Error> Engine::restore(const detail::Root& root) {
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::restore;
  node.deadline = SteadyTime::max();
  node.rare().restored = &root;
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

std::expected<CompactionReport, Error> Engine::compact() {
  may_wait();
  const auto began = steady_clock::now();
  const storage::BufferManager::Memory before = buffers_.memory();
  storage::BufferManager::Memory now;
  do {
    Node& node = new_node();
    node.kind = Node::Kind::compaction;
    if (auto done = submit(node).get(); !done) return std::unexpected(std::move(done.error()));
    now = buffers_.memory();
  } while (now.compactions_ended <= before.compactions_begun);
  CompactionReport out;
  out.blocks_moved = now.moved.blocks - before.moved.blocks;
  out.bytes_moved = now.moved.bytes - before.moved.bytes;
  out.bytes_freed = before.bytes_in_use - std::min(before.bytes_in_use, now.bytes_in_use);
  out.bytes_given_back = now.bytes_given_back - before.bytes_given_back;
  out.archetypes_dropped = now.archetypes_dropped - before.archetypes_dropped;
  out.duration = steady_clock::now() - began;
  return out;
}

std::expected<void, Error> Engine::pass_barrier() {
  may_wait();
  Node& node = new_node();
  node.kind = Node::Kind::barrier;
  node.deadline = SteadyTime::max();
  if (auto done = submit(node).get(); !done) return std::unexpected(std::move(done.error()));
  return {};
}

bool Engine::wait_for_version(Version version, std::chrono::nanoseconds timeout) {
  constexpr std::chrono::microseconds spin_most{20};
  const auto is_there = [&] { return buffers_.version() >= version; };
  if (is_there()) return true;
  const queue::Deadline deadline = queue::deadline_after(timeout);
  return queue::SystemSync::spin_in_turn(is_there, spin_most, wait_awake(), deadline) ||
         version_bell_.wait(is_there, {}, deadline);
}

std::size_t Engine::step(std::size_t transactions, SteadyTime until) {
  if (options_.writer != WriterMode::manual) throw std::logic_error("stoa: step() of a database with a writer thread");
  may_wait();
  stepper_.store(this_thread_mark(), std::memory_order_relaxed);  // relaxed: as in steps_here()
  const std::size_t answered = commit_queued(transactions, until);
  if (answered == 0) {
    buffers_.catch_up();
    compact_unasked(until);
  }
  if (detail::is_past(sink_.rest_at())) rest();
  messenger_.run_posted();  // last: one of the functions may end the database
  return answered;
}

// --- The end ------------------------------------------------------------------------------------------------------

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
    tell_durable();
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
