// What transactions and tickets come from and go back to.
#pragma once

#include <stoa/ticket.h>
#include <stoa/transaction.h>

#include <chrono>
#include <expected>
#include <functional>

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
  /// The ticket is done with the node but for the function, which gets the answer. Errors: throws std::system_error
  /// where the thread for it cannot be started; the ticket has the node still.
  virtual void then(TransactionNode& node, std::move_only_function<void(std::expected<Commit, Error>)>& function) = 0;
  /// The ticket is done with the node.
  virtual void release(TransactionNode& node) noexcept = 0;

 protected:
  ~TransactionHome() = default;
  [[nodiscard]] CommitTicket make_ticket(TransactionNode& node) { return {this, &node}; }
  [[nodiscard]] Transaction make_transaction(TransactionNode& node) { return {this, &node}; }
};

}  // namespace stoa::detail
