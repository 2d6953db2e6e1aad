// One who is told what happens: by a thread of its own that calls a function, or when it asks.
#pragma once

#include "database/feed.h"
#include "txn/engine.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace stoa::detail {

/// It outlives the database where its handle does, and the handle where one of its functions ended that; it then
/// touches nothing of the database any more.
class Subscriber {
 public:
  using Function = std::move_only_function<void(const Delta&)>;
  struct Functions {
    Function told;  ///< none: it is to be polled
    std::function<void(const Error&)> ended;
  };

  /// The feed begins after version `start`.
  Subscriber(txn::Engine& engine, std::unique_ptr<database::Feed> feed, Version start, Functions functions);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  /// With a function, begins its thread, which keeps `self`. Errors: throws std::system_error, std::bad_alloc.
  void start(std::shared_ptr<Subscriber> self);
  /// Whether nothing more can be told to it once the database closes: nobody polls then, and who closes the database in
  /// its own function has been told enough.
  [[nodiscard]] bool is_told_no_more() const noexcept { return !has_function_ || runs_here(); }
  /// The database closes, and commits nothing any more: what is there is told, unless is_told_no_more(); then it ends.
  /// Returns once the database is touched no more, nor any function runs, but the one that it is called in.
  void close() noexcept;
  /// Nobody wants more. Returns once no function runs, but the one that it is called in.
  void stop() noexcept;

  [[nodiscard]] std::expected<std::optional<Delta>, Error> poll(std::chrono::nanoseconds wait);
  void refilter() noexcept;
  [[nodiscard]] Version version() const noexcept {
    return version_.load(std::memory_order_acquire);  // acquire: pairs with received(); what led there has been told
  }
  [[nodiscard]] std::optional<Error> error() const;
  /// Nothing more is told, whoever ended it.
  [[nodiscard]] bool has_ended() const noexcept {
    return released_.load(std::memory_order_acquire);  // acquire: pairs with release_feed()
  }
  /// It touches nothing of the database any more, and is no more than its handle's.
  [[nodiscard]] bool is_through() const noexcept {
    return through_.load(std::memory_order_acquire) && has_ended();  // acquire: pairs with run()
  }

 private:
  enum class Phase : std::uint8_t { runs, closes, ended };
  // In whose functions the thread is, the innermost first: one of them may poll another subscription.
  struct Running {
    explicit Running(const Subscriber& its) noexcept : who(&its), outer(std::exchange(running_, this)) {}
    ~Running() { running_ = outer; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    const Subscriber* who;
    const Running* outer;
  };

  void run() noexcept;
  bool tell(const Delta& delta);
  void fail(const Error& error);
  void release_feed() noexcept;
  void drop_feed() noexcept;
  void ring() noexcept;
  void await_end() noexcept;
  [[nodiscard]] bool runs_here() const noexcept;
  [[nodiscard]] std::expected<std::optional<Delta>, Error> next();
  [[nodiscard]] Phase phase() const noexcept {
    return phase_.load(std::memory_order_seq_cst);  // seq_cst: the look of the doorbell's protocol
  }

  static thread_local const Running* running_;

  txn::Engine& engine_;                   // until the feed has gone, or it is closed
  std::unique_ptr<database::Feed> feed_;  // goes under the mutex
  Function function_;
  const bool has_function_;
  const std::function<void(const Error&)> on_end_;
  std::atomic<Phase> phase_{Phase::runs};
  std::atomic<Version> version_;
  std::atomic<bool> released_{false};
  std::atomic<bool> through_{true};  // no thread runs
  std::mutex polled_;                // held while somebody polls, and first
  mutable std::mutex mutex_;
  bool is_closed_ = false;  // under the mutex: the database has, and may be gone
  std::optional<Error> error_;
  std::thread thread_;
};

}  // namespace stoa::detail
