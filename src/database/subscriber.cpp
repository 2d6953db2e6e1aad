#include "database/subscriber.h"

#include "base/make_error.h"

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace stoa::detail {

namespace {

// What the handler that this is called in has caught.
Error error_of_caught(const char* thrower) noexcept {
  const auto aborted = [&](const char* what) {
    return make_error(ErrorCode::aborted, [&] { return Error(ErrorCode::aborted, std::string(thrower) + what); });
  };
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory();
  } catch (const std::exception& thrown) {
    return aborted(thrown.what());
  } catch (...) {
    return aborted("something that is no std::exception");
  }
}

}  // namespace

thread_local const Subscriber::Running* Subscriber::running_ = nullptr;

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
  const std::scoped_lock lock(mutex_);               // it may be stopped by its own first call
  through_.store(false, std::memory_order_relaxed);  // relaxed: the thread begins after it, and others need the mutex
  try {
    thread_ = std::thread([self = std::move(self)] { self->run(); });
  } catch (...) {
    through_.store(true, std::memory_order_relaxed);  // relaxed: as above
    throw;
  }
}

void Subscriber::run() noexcept {
  const Running running(*this);
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
    // In this order: what was committed before the database closed is seen to be due.
    if (phase() != Phase::runs && !feed_->is_due()) break;
    (void)engine_.wait_for_news([this] { return phase() != Phase::runs || feed_->is_due(); });
  }
  if (phase() != Phase::ended) release_feed();
  drop_feed();
  function_ = nullptr;  // what it holds goes where it ran
  // release: pairs with is_through() and await_end(); nothing of the database is touched after it.
  through_.store(true, std::memory_order_release);
  through_.notify_all();
}

std::expected<std::optional<Delta>, Error> Subscriber::next() try { return feed_->next(); } catch (...) {
  return std::unexpected(error_of_caught("a filter threw: "));
}

// False where the subscription has ended.
bool Subscriber::tell(const Delta& delta) {
  // release: pairs with version().
  version_.store(delta.to(), std::memory_order_release);
  const txn::Engine::CallbackScope scope(engine_);
  try {
    function_(delta);
  } catch (...) {
    if (phase() != Phase::ended) fail(error_of_caught("a subscriber threw: "));
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

// Those who sleep look again. Who has dropped the feed does not sleep, nor does who ends the database in a function of
// its own; and the engine may be gone.
void Subscriber::ring() noexcept {
  const std::scoped_lock lock(mutex_);
  if (feed_ != nullptr && !is_closed_) engine_.tell_all();
}

void Subscriber::close() noexcept {
  const bool is_last = is_told_no_more();
  if (is_last) release_feed();
  // seq_cst, both: published by the doorbell's protocol. It may have been stopped.
  Phase before = Phase::runs;
  (void)phase_.compare_exchange_strong(before, is_last ? Phase::ended : Phase::closes, std::memory_order_seq_cst);
  ring();
  await_end();
  phase_.store(Phase::ended, std::memory_order_seq_cst);
  const std::scoped_lock lock(mutex_);
  is_closed_ = true;
}

void Subscriber::stop() noexcept {
  release_feed();                                         // before the thread ends: the writer may be waiting for it
  phase_.store(Phase::ended, std::memory_order_seq_cst);  // seq_cst: published by the doorbell's protocol
  ring();
  await_end();
}

// Several may wait, in handles that go while the database is closed; the thread ends by itself where it is one of its
// own functions that this is called in.
void Subscriber::await_end() noexcept {
  std::thread thread;
  {
    const std::scoped_lock lock(mutex_);
    thread = std::exchange(thread_, {});
  }
  if (runs_here()) {
    if (thread.joinable()) thread.detach();
    return;
  }
  if (thread.joinable()) thread.join();
  through_.wait(false, std::memory_order_acquire);  // acquire: pairs with run()
  if (has_function_) return;
  const std::scoped_lock lock(polled_);  // whoever polls sees the phase, and leaves
  drop_feed();
}

bool Subscriber::runs_here() const noexcept {
  const Running* at = running_;
  while (at != nullptr && at->who != this) at = at->outer;
  return at != nullptr;
}

std::expected<std::optional<Delta>, Error> Subscriber::poll(std::chrono::nanoseconds wait) {
  if (has_function_) throw std::logic_error("stoa: poll: the subscription has a function");
  if (auto failed = error()) return std::unexpected(*std::move(failed));
  const queue::Deadline deadline = queue::deadline_after(wait);
  const std::scoped_lock lock(polled_);
  const Running running(*this);
  std::expected<std::optional<Delta>, Error> delta;
  do {
    if (phase() == Phase::ended) return std::unexpected(Error(ErrorCode::closed, "the subscription has ended"));
    delta = next();
  } while (delta && !*delta && wait.count() > 0 &&
           engine_.wait_for_news([this] { return phase() != Phase::runs || feed_->is_due(); }, deadline));
  if (delta && *delta) version_.store((*delta)->to(), std::memory_order_release);  // release: pairs with version()
  if (!delta) fail(delta.error());
  if (!delta || phase() == Phase::ended) drop_feed();
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
