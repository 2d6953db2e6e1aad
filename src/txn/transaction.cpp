#include <stoa/transaction.h>

#include "queue/sync.h"
#include "txn/transaction_home.h"
#include "txn/transaction_node.h"

#include <stoa/detail/snapshot_access.h>

#include <new>
#include <stdexcept>
#include <string>

namespace stoa {
namespace {

template <typename Pointer>
auto& valid(Pointer* node, const char* what) {
  if (node == nullptr)
    throw std::logic_error(std::string("stoa: a ") + what + " that was moved from or used up is used");
  return *node;
}

}  // namespace

Transaction::~Transaction() {
  if (node_ != nullptr) home_->drop(*node_);
}

detail::OpTarget& Transaction::target() { return valid(node_, "transaction"); }

Transaction& Transaction::deadline(std::chrono::nanoseconds from_now) {
  valid(node_, "transaction").deadline = queue::deadline_after(from_now);
  return *this;
}

Transaction& Transaction::tag(std::uint64_t number) {
  valid(node_, "transaction").tag = number;
  return *this;
}

Transaction& Transaction::keep() {
  valid(node_, "transaction").keep = true;
  return *this;
}

void Transaction::expect_unchanged(const Snapshot& seen, TableId table, Entity entity) {
  detail::TransactionNode& node = valid(node_, "transaction");
  const detail::Root& root = detail::SnapshotAccess::root(seen);
  if (root.world != &node.world()) {
    throw std::logic_error("stoa: expect_unchanged: the snapshot is of another database");
  }
  node.expect(table, entity, detail::find_row(root, table, entity));
}

Transaction& Transaction::expect_unchanged(const Snapshot& seen, std::string_view table, Entity entity) {
  detail::TransactionNode& node = valid(node_, "transaction");
  const TableModel* model = node.world().schema->model().find(table);
  if (model == nullptr) {
    node.fail(Error::not_found("table " + std::string(table)));
  } else {
    expect_unchanged(seen, model->number, entity);
  }
  return *this;
}

CommitTicket Transaction::submit() && {
  detail::TransactionNode& node = valid(node_, "transaction");
  CommitTicket ticket = home_->submit(node);
  node_ = nullptr;  // it was still this transaction's if that threw
  return ticket;
}

std::expected<Commit, Error> Transaction::commit() && {
  valid(node_, "transaction");
  home_->may_wait();
  return std::move(*this).submit().get();
}

CommitTicket::~CommitTicket() {
  if (node_ != nullptr) home_->release(*node_);
}

std::expected<Commit, Error> CommitTicket::get() {
  detail::TransactionNode& node = valid(node_, "ticket");
  home_->wait(node);
  return node.result;
}

void CommitTicket::then(std::move_only_function<void(std::expected<Commit, Error>)> function) {
  detail::TransactionNode& node = valid(node_, "ticket");
  node_ = nullptr;  // first: the function may run before the call returns, and this ticket may go with it
  try {
    home_->then(node, function);
  } catch (...) {
    node_ = &node;
    throw;
  }
}

Snapshot Commit::snapshot() const {
  if (kept == nullptr) throw std::logic_error("stoa: Commit::snapshot() of a transaction that was not to keep() one");
  if (!*kept) throw std::bad_alloc();
  return (*kept)->clone();
}

bool CommitTicket::wait_for(std::chrono::nanoseconds time) {
  detail::TransactionNode& node = valid(node_, "ticket");  // first: the home of one that was moved from is none, too
  return home_->wait_for(node, time);
}

}  // namespace stoa
