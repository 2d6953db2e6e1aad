// The answer to a submitted transaction.
#pragma once

#include <stoa/entity.h>
#include <stoa/error.h>

#include <chrono>
#include <expected>
#include <utility>

namespace stoa {

struct Commit {
  /// The transaction's own version; the current one where it had no net effect.
  Version version = 0;
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

 private:
  friend class detail::TransactionHome;
  CommitTicket(detail::TransactionHome* home, detail::TransactionNode* node) : home_(home), node_(node) {}

  detail::TransactionHome* home_;
  detail::TransactionNode* node_;
};

}  // namespace stoa
