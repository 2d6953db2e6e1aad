// The answer to a submitted transaction.
#pragma once

#include <stoa/entity.h>
#include <stoa/error.h>
#include <stoa/snapshot.h>

#include <chrono>
#include <coroutine>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace stoa {

struct Commit {
  /// The transaction's own version; the current one where it had no net effect.
  Version version = 0;

  /// After Transaction::keep(): the world right after the transaction.
  /// Errors: throws std::logic_error where it was not asked for, and std::bad_alloc where there was no memory for it.
  [[nodiscard]] Snapshot snapshot() const;

  std::shared_ptr<std::optional<Snapshot>> kept = {};  ///< see snapshot()
};

namespace detail {
class TransactionNode;
class TransactionHome;
}  // namespace detail

/// Holds the place for one answer. It may be dropped, and it may outlive the database, which answers all of them before
/// it goes. Throws std::logic_error when used after a move.
///
/// Threads: one at a time.
class CommitTicket {
 public:
  CommitTicket(CommitTicket&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)), node_(std::exchange(other.node_, nullptr)) {}
  CommitTicket& operator=(CommitTicket&& other) noexcept {
    CommitTicket taken(std::move(other));  // and what this one held goes with it
    std::swap(home_, taken.home_);
    std::swap(node_, taken.node_);
    return *this;
  }
  ~CommitTicket();

  /// Waits for the answer. A snapshot that this thread takes afterwards has at least that version. On the thread that
  /// steps a manual writer it steps until the answer is there. May be called again, and answers the same.
  [[nodiscard]] std::expected<Commit, Error> get();
  /// True if the answer came in time; get() then does not wait. It does not step a manual writer.
  bool wait_for(std::chrono::nanoseconds time);
  /// The function gets the answer, at once where it is there already. It runs on a thread of the database's own, never
  /// on the writer; with a manual writer, on the thread that steps it, within step(); once the database is closed, on
  /// the thread whose call finds the answer there. It must not throw. The ticket is used up.
  ///
  /// In it, submit() does not wait at a limit: the ticket answers busy. It may close the database or let it go; other
  /// functions that are due then run after it, on the same thread.
  /// Errors: throws std::system_error where that thread cannot be started.
  void then(std::move_only_function<void(std::expected<Commit, Error>)> function);

  class Awaiter;
  /// `co_await ticket` is the answer. The coroutine goes on where a function of then() would run, or at once. It must
  /// not be destroyed while it waits.
  [[nodiscard]] Awaiter operator co_await() noexcept;

 private:
  friend class detail::TransactionHome;
  CommitTicket(detail::TransactionHome* home, detail::TransactionNode* node) : home_(home), node_(node) {}

  detail::TransactionHome* home_;
  detail::TransactionNode* node_;
};

class CommitTicket::Awaiter {
 public:
  explicit Awaiter(CommitTicket& ticket) noexcept : ticket_(ticket) {}

  [[nodiscard]] bool await_ready() { return ticket_.wait_for(std::chrono::nanoseconds(0)); }
  void await_suspend(std::coroutine_handle<> waiting) {
    ticket_.then([this, waiting](std::expected<Commit, Error> answer) {
      answer_.emplace(std::move(answer));
      waiting.resume();
    });
  }
  [[nodiscard]] std::expected<Commit, Error> await_resume() { return answer_ ? *std::move(answer_) : ticket_.get(); }

 private:
  CommitTicket& ticket_;
  std::optional<std::expected<Commit, Error>> answer_;
};

inline CommitTicket::Awaiter CommitTicket::operator co_await() noexcept { return Awaiter(*this); }

}  // namespace stoa
