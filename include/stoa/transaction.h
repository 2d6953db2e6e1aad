// A transaction that an application thread writes down, to be applied by the writer.
#pragma once

#include <stoa/operations.h>
#include <stoa/ticket.h>

#include <chrono>
#include <expected>
#include <utility>

namespace stoa {

/// Records operations; nothing of it is visible, or checked against the world, before it is committed. Dropped, it has
/// not happened. Throws std::logic_error when used after a move, or with a type that no table has.
///
/// Lifetime: texts in rows are copied before a call returns.
/// Threads:  one at a time; must not outlive its Database.
class Transaction : public Operations<Transaction> {
 public:
  Transaction(Transaction&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)), node_(std::exchange(other.node_, nullptr)) {}
  Transaction& operator=(Transaction&& other) noexcept {
    Transaction taken(std::move(other));  // and what this one held goes with it
    std::swap(home_, taken.home_);
    std::swap(node_, taken.node_);
    return *this;
  }
  ~Transaction();

  /// From now; once it has passed, an uncommitted transaction answers timeout and nothing of it is applied.
  Transaction& deadline(std::chrono::nanoseconds from_now);

  /// Hands it to the writer and does not wait for the answer; at the limits in flight it waits for room.
  CommitTicket submit() &&;
  /// The same as submit() and get().
  std::expected<Commit, Error> commit() &&;

 private:
  friend class Operations<Transaction>;
  friend class detail::TransactionHome;
  Transaction(detail::TransactionHome* home, detail::TransactionNode* node) : home_(home), node_(node) {}
  [[nodiscard]] detail::OpTarget& target();

  detail::TransactionHome* home_;
  detail::TransactionNode* node_;
};

}  // namespace stoa
