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

  /// With a function, begins its thread, which keeps `self`. Errors: throws std::system_error.
  void start(std::shared_ptr<Subscriber> self);
  /// The database closes, and commits nothing any more: what is there is told, by a function; then it ends. Called in
  /// one of its own functions, that is the last.
  void close() noexcept;
  /// Nobody wants more. Returns once no function runs, but the one that it is called in.
  void stop() noexcept;

  [[nodiscard]] std::expected<std::optional<Delta>, Error> poll(std::chrono::nanoseconds wait);
  void refilter() noexcept;
  [[nodiscard]] Version version() const noexcept {
    return version_.load(std::memory_order_acquire);  // acquire: pairs with received(); what led there has been told
  }
  [[nodiscard]] std::optional<Error> error() const;
  /// It is no more than its handle's.
  [[nodiscard]] bool has_ended() const noexcept { return phase() == Phase::ended; }

 private:
  enum class Phase : std::uint8_t { runs, closes, ended };

  void run() noexcept;
  bool tell(const Delta& delta);
  void fail(const Error& error);
  void release_feed() noexcept;
  void drop_feed() noexcept;
  void end_thread() noexcept;
  [[nodiscard]] std::expected<std::optional<Delta>, Error> next();
  [[nodiscard]] Phase phase() const noexcept {
    return phase_.load(std::memory_order_seq_cst);  // seq_cst: the look of the doorbell's protocol
  }

  static thread_local const Subscriber* running_;

  txn::Engine& engine_;                   // until the phase is `ended`
  std::unique_ptr<database::Feed> feed_;  // goes under the mutex
  Function function_;
  const bool has_function_;
  const std::function<void(const Error&)> on_end_;
  std::atomic<Phase> phase_{Phase::runs};
  std::atomic<Version> version_;
  std::atomic<bool> released_{false};
  mutable std::mutex mutex_;
  std::optional<Error> error_;
  std::thread thread_;
};

}  // namespace stoa::detail
