// What transactions and tickets come from and go back to.
#pragma once

#include <stoa/ticket.h>
#include <stoa/transaction.h>

#include <chrono>

namespace stoa::detail {

class TransactionHome {
 public:
  virtual CommitTicket submit(TransactionNode& node) = 0;
  /// The transaction was not submitted, and never will be.
  virtual void drop(TransactionNode& node) noexcept = 0;
  /// Throws std::logic_error where waiting would never end: in a write function, which the writer itself runs.
  virtual void may_wait() const = 0;
  /// Throws as may_wait() does.
  virtual void wait(TransactionNode& node) = 0;
  virtual bool wait_for(TransactionNode& node, std::chrono::nanoseconds time) = 0;
  /// The ticket is done with the node.
  virtual void release(TransactionNode& node) noexcept = 0;

 protected:
  ~TransactionHome() = default;
  [[nodiscard]] CommitTicket make_ticket(TransactionNode& node) { return {this, &node}; }
  [[nodiscard]] Transaction make_transaction(TransactionNode& node) { return {this, &node}; }
};

}  // namespace stoa::detail
