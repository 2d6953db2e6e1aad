// The way of a write: from the queue through the write buffer and the sink to publication and the answer, batch by
// batch. On a thread of its own, or step by step on the application's.
#pragma once

#include "queue/doorbell.h"
#include "queue/in_flight.h"
#include "queue/mpsc_queue.h"
#include "queue/node_pool.h"
#include "storage/buffer_manager.h"
#include "txn/applier.h"
#include "txn/commit_sink.h"
#include "txn/delta_history.h"
#include "txn/follower.h"
#include "txn/kept_snapshots.h"
#include "txn/messenger.h"
#include "txn/returning.h"
#include "txn/transaction_home.h"
#include "txn/transaction_node.h"

#include <stoa/delta.h>
#include <stoa/metrics.h>
#include <stoa/options.h>
#include <stoa/transaction.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::txn {

class Engine final : public detail::TransactionHome {
 public:
  struct Counts {
    std::uint64_t commits = 0;
    std::uint64_t failures = 0;
    std::uint64_t batches = 0;
    queue::InFlightLimit::Load in_flight;
    std::chrono::nanoseconds function_runs{};
    LatencyHistogram latency;
  };

  /// Goes on from the version that `buffers` has. `snapshot` takes one of the newest root. `on_nodes_home` is called
  /// once, by whoever gives back the last transaction after close(). With a `refusal` there is no writer: it answers
  /// every transaction. With `followed` it is a replica, and has applied these before.
  Engine(storage::BufferManager& buffers, CommitSink& sink, const Options& options, std::function<Snapshot()> snapshot,
         std::function<void()> on_nodes_home, std::optional<Error> refusal = {},
         std::optional<AppliedDeltas> followed = {});
  ~Engine();

  [[nodiscard]] Transaction begin();
  [[nodiscard]] std::expected<Commit, Error> run(detail::WriteFunction function);
  [[nodiscard]] std::expected<Commit, Error> apply(const Delta& delta);
  /// Requires: the root is pinned, and of these buffers.
  [[nodiscard]] std::expected<Commit, Error> restore(const detail::Root& root);
  [[nodiscard]] std::expected<Version, Error> promote();
  [[nodiscard]] std::expected<Version, Error> flush();
  /// Step by step, each between two batches; returns once one that began after the call is over.
  [[nodiscard]] std::expected<CompactionReport, Error> compact();
  /// Returns once all that was submitted before is committed.
  [[nodiscard]] std::expected<void, Error> pass_barrier();
  bool wait_for_version(Version version, std::chrono::nanoseconds timeout);

  [[nodiscard]] DeltaHistory& history() noexcept { return history_; }
  /// The newest version that others may be told of: one that is durable, if they want that and it gets so by itself.
  [[nodiscard]] Version version_to_tell(bool durable) const noexcept {
    // seq_cst, both: the look of a sleeper in wait_for_news().
    return durable && makes_durable_ ? durable_to_tell_.load(std::memory_order_seq_cst) : buffers_.version();
  }
  /// Sleeps until `has_news()`, which is looked at whenever version_to_tell() has risen, and after tell_all().
  /// False if it has none when the deadline has passed.
  template <typename HasNews>
  bool wait_for_news(HasNews&& has_news, queue::Deadline deadline = queue::no_deadline) {
    return version_bell_.wait(has_news, {}, deadline);
  }
  /// Those who sleep look again. What they are to see was stored seq_cst.
  void tell_all() noexcept { version_bell_.ring(); }
  /// While one lives, the thread is in a subscriber's function: its submits do not wait at a limit. The engine may go
  /// before it does.
  class CallbackScope {
   public:
    explicit CallbackScope(const Engine& engine) noexcept : before_(std::exchange(called_by_, &engine)) {}
    ~CallbackScope() { called_by_ = before_; }
    CallbackScope(const CallbackScope&) = delete;
    CallbackScope& operator=(const CallbackScope&) = delete;

   private:
    const Engine* before_;
  };
  /// The newest snapshot that was kept, by the options, of the version or one before it.
  [[nodiscard]] std::optional<Snapshot> snapshot_at(Version version) const { return kept_.find(version); }

  /// Errors: throws std::logic_error if the writer is a thread.
  std::size_t step(std::size_t transactions, detail::SteadyTime until);

  [[nodiscard]] Counts counts() const;

  /// Commits what is queued and ends the writer; everything submitted later answers closed.
  /// Errors: the sink's, if it failed.
  [[nodiscard]] std::expected<void, Error> close();
  /// After close(), when nobody begins transactions any more: true if no ticket is held, else on_nodes_home is called
  /// when the last one goes.
  [[nodiscard]] bool release_nodes() { return nodes_.close(); }

  // TransactionHome.
  CommitTicket submit(detail::TransactionNode& node) override;
  void drop(detail::TransactionNode& node) noexcept override;
  void may_wait() const override;
  void wait(detail::TransactionNode& node) override;
  bool wait_for(detail::TransactionNode& node, std::chrono::nanoseconds time) override;
  void then(detail::TransactionNode& node,
            std::move_only_function<void(std::expected<Commit, Error>)>& function) override;
  void release(detail::TransactionNode& node) noexcept override;

 private:
  using Node = detail::TransactionNode;

  Node& new_node();
  [[nodiscard]] std::optional<Error> enter(Node& node);
  void recycle(Node& node) noexcept;
  void hand_over_ids(Node& node) noexcept;
  void queue_dropped(Node& node) noexcept;
  void hurry() noexcept;
  [[nodiscard]] bool steps_here() const noexcept;
  [[nodiscard]] std::chrono::nanoseconds wait_awake() const noexcept;

  void run_writer();
  std::size_t take_queued() noexcept;
  void await_company();
  void await_returning();
  std::size_t commit_next_batch(std::size_t transactions);
  std::size_t commit_queued(std::size_t transactions, detail::SteadyTime until);
  void commit_batch(std::size_t transactions);
  void apply(Node& node);
  void apply_delta(Node& node);
  void promote(Node& node);
  bool keep_history(Node& node);
  [[nodiscard]] std::expected<void, Error> expect_all_logged() const;
  void compact(Node& node);
  void compact_some(detail::SteadyTime until);
  void compact_unasked(detail::SteadyTime until) noexcept;
  [[nodiscard]] bool may_compact() const noexcept;
  void enter_function() noexcept;
  void leave_function() noexcept;
  void publish_batch();
  [[nodiscard]] std::expected<void, Error> commit_sink();
  void fail_batch(const Error& error);
  void keep_for(Node& node);
  void keep_snapshots();
  void fail_flushes(const Error& error);
  void answer_batch();
  void rest();
  void make_durable_to_tell();
  void tell_durable() noexcept;

  static thread_local const Engine* called_by_;

  storage::BufferManager& buffers_;
  CommitSink& sink_;
  const Options options_;
  const std::size_t batch_max_;
  const bool makes_durable_;  // the sink
  std::function<Snapshot()> snapshot_;
  std::function<void()> on_nodes_home_;
  const std::optional<Error> refusal_;
  queue::NodePool<Node> nodes_;
  queue::MpscQueue queue_;
  queue::Doorbell bell_;
  queue::Doorbell version_bell_;
  queue::Doorbell company_bell_;  // where the writer waits for more transactions to share a batch
  queue::InFlightLimit limit_;
  Messenger messenger_;
  KeptSnapshots kept_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> hurried_{false};               // a flush is there, or enough for a batch
  std::atomic<const void*> in_function_{nullptr};  // the writer, while it runs a write function
  std::atomic<const void*> stepper_{nullptr};      // which thread steps a manual writer
  std::atomic<Version> durable_to_tell_;           // where the sink makes it so
  std::atomic<std::int64_t> commit_takes_{0};      // the last one's nanoseconds, where that is much

  DeltaHistory history_;

  // The writer's.
  Applier applier_;
  Follower follower_;
  Node* pending_ = nullptr;  // taken from the queue, not yet applied; linked by next
  Node* pending_last_ = nullptr;
  std::vector<Node*> batch_;
  Returning returning_;
  bool flush_asked_ = false;         // by a transaction of the batch
  bool republish_ = false;           // the root, without a new version
  bool compacted_ = false;           // likewise, and nobody is to notice
  detail::SteadyTime compact_at_{};  // unasked, and not before
  Version published_ = 0;
  Version version_ = 0;           // with what the batch has added
  std::optional<Error> failure_;  // the sink's; final

  // Statistics, written by the writer; a failure also by who is answered busy.
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<std::int64_t> function_since_{0};  // when the write function began that runs; on the steady clock
  std::array<std::atomic<std::uint64_t>, std::tuple_size_v<decltype(LatencyHistogram::buckets)>> latency_{};

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace stoa::txn
