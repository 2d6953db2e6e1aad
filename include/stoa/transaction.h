// A transaction that an application thread writes down, to be applied by the writer.
#pragma once

#include <stoa/operations.h>
#include <stoa/snapshot.h>
#include <stoa/ticket.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <string_view>
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

  /// From now; once it has passed nothing is applied any more, and the answer, whenever it comes, is timeout.
  Transaction& deadline(std::chrono::nanoseconds from_now);

  /// The entity's row in T's table must still be as in `seen`, with the same content, or not be there if it was not:
  /// otherwise the transaction answers conflict, whatever else it does. Judged before its own operations. So a program
  /// decides by what it read, and changes nothing where that has changed since. Of the row's texts, whole copies go
  /// along.
  /// Errors of the commit: conflict. Throws std::logic_error with a snapshot of another database.
  template <Component T>
  Transaction& expect_unchanged(const Snapshot& seen, Entity entity) {
    expect_unchanged(seen, target().template table_of<T>(), entity);
    return *this;
  }
  /// The same for a table by name. Errors of the commit: not_found too.
  Transaction& expect_unchanged(const Snapshot& seen, std::string_view table, Entity entity);

  /// A number of the caller's, which goes into the log with the transaction.
  Transaction& tag(std::uint64_t number);

  /// Ends the batch with this transaction, so that the commit's snapshot() is the world right after it: no other
  /// transaction becomes visible together with it, after it.
  Transaction& keep();

  /// Hands it to the writer, and does not wait for the answer; at a limit in flight as Options::at_limit says.
  CommitTicket submit() &&;
  /// The same as submit() and get().
  std::expected<Commit, Error> commit() &&;

 private:
  friend class Operations<Transaction>;
  friend class detail::TransactionHome;
  Transaction(detail::TransactionHome* home, detail::TransactionNode* node) : home_(home), node_(node) {}
  [[nodiscard]] detail::OpTarget& target();
  void expect_unchanged(const Snapshot& seen, TableId table, Entity entity);

  detail::TransactionHome* home_;
  detail::TransactionNode* node_;
};

}  // namespace stoa
