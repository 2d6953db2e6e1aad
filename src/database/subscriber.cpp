#include "database/subscriber.h"

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace stoa::detail {

thread_local const Subscriber* Subscriber::running_ = nullptr;

Subscriber::Subscriber(txn::Engine& engine, std::unique_ptr<database::Feed> feed, Version start, Functions functions)
    : engine_(engine),
      feed_(std::move(feed)),
      function_(std::move(functions.told)),
      has_function_(function_ != nullptr),
      on_end_(std::move(functions.ended)),
      version_(start) {}

Subscriber::~Subscriber() = default;

void Subscriber::start(std::shared_ptr<Subscriber> self) {
  if (!has_function_) return;
  const std::scoped_lock lock(mutex_);  // it may be stopped by its own first call
  thread_ = std::thread([self = std::move(self)] { self->run(); });
}

void Subscriber::run() noexcept {
  running_ = this;
  while (phase() != Phase::ended) {
    auto delta = next();
    if (!delta) {
      if (!released_.load(std::memory_order_acquire)) fail(delta.error());  // acquire: pairs with release_feed()
      break;
    }
    if (*delta) {
      if (!tell(**delta)) break;
      continue;
    }
    if (phase() != Phase::runs) break;
    engine_.wait_for_news([this] { return phase() != Phase::runs || feed_->is_due(); });
  }
  if (phase() != Phase::ended) release_feed();
  drop_feed();
  function_ = nullptr;  // what it holds goes where it ran
}

std::expected<std::optional<Delta>, Error> Subscriber::next() try {
  return feed_->next();
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
} catch (const std::exception& thrown) {
  return std::unexpected(Error(ErrorCode::aborted, std::string("a filter threw: ") + thrown.what()));
}

// False where the subscription has ended.
bool Subscriber::tell(const Delta& delta) {
  // release: pairs with version().
  version_.store(delta.to(), std::memory_order_release);
  const txn::Engine::CallbackScope scope(engine_);
  try {
    function_(delta);
  } catch (const std::exception& thrown) {
    if (phase() != Phase::ended) fail(Error(ErrorCode::aborted, std::string("a subscriber threw: ") + thrown.what()));
    return false;
  }
  return true;
}

// It has no more to come. Its place with the database goes first: the function that is told may end that.
void Subscriber::fail(const Error& error) {
  release_feed();
  {
    const std::scoped_lock lock(mutex_);
    error_ = error;
  }
  if (on_end_) on_end_(error);
}

void Subscriber::release_feed() noexcept {
  const std::scoped_lock lock(mutex_);
  if (feed_ == nullptr || released_.load(std::memory_order_relaxed)) return;  // relaxed: set under the mutex
  feed_->close();
  released_.store(true, std::memory_order_release);
}

// And the snapshots that it holds.
void Subscriber::drop_feed() noexcept {
  const std::scoped_lock lock(mutex_);
  feed_.reset();
}

void Subscriber::close() noexcept {
  const bool is_last = running_ == this || !has_function_;
  if (is_last) release_feed();
  // seq_cst, both: published by the doorbell's protocol.
  phase_.store(is_last ? Phase::ended : Phase::closes, std::memory_order_seq_cst);
  engine_.tell_all();
  end_thread();
  if (!has_function_) drop_feed();
  phase_.store(Phase::ended, std::memory_order_seq_cst);
}

void Subscriber::stop() noexcept {
  if (phase() == Phase::ended) return;
  release_feed();                                         // before the thread ends: the writer may be waiting for it
  phase_.store(Phase::ended, std::memory_order_seq_cst);  // seq_cst: published by the doorbell's protocol
  engine_.tell_all();
  end_thread();
  if (!has_function_) drop_feed();
}

void Subscriber::end_thread() noexcept {
  std::thread thread;
  {
    const std::scoped_lock lock(mutex_);
    thread = std::exchange(thread_, {});
  }
  if (!thread.joinable()) return;
  if (running_ == this) {
    thread.detach();
  } else {
    thread.join();
  }
}

std::expected<std::optional<Delta>, Error> Subscriber::poll(std::chrono::nanoseconds wait) {
  if (has_function_) throw std::logic_error("stoa: poll: the subscription has a function");
  if (auto failed = error()) return std::unexpected(*std::move(failed));
  if (phase() == Phase::ended) return std::unexpected(Error(ErrorCode::closed, "the database is closed"));
  if (wait.count() > 0) {
    engine_.wait_for_news([this] { return phase() != Phase::runs || feed_->is_due(); }, wait);
    if (phase() == Phase::ended) return std::unexpected(Error(ErrorCode::closed, "the database is closed"));
  }
  auto delta = next();
  if (!delta) fail(delta.error());
  if (delta && *delta) version_.store((*delta)->to(), std::memory_order_release);  // release: pairs with version()
  return delta;
}

void Subscriber::refilter() noexcept {
  const std::scoped_lock lock(mutex_);
  if (phase() == Phase::ended || feed_ == nullptr) return;
  feed_->refilter();
  engine_.tell_all();
}

std::optional<Error> Subscriber::error() const {
  const std::scoped_lock lock(mutex_);
  return error_;
}

}  // namespace stoa::detail
