#include <stoa/transaction.h>

#include "queue/sync.h"
#include "txn/transaction_home.h"
#include "txn/transaction_node.h"

#include <stdexcept>
#include <string>

namespace stoa {
namespace {

template <typename Pointer>
auto& valid(Pointer* node, const char* what) {
  if (node == nullptr)
    throw std::logic_error(std::string("stoa: a ") + what + " that was moved from or submitted is used");
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

bool CommitTicket::wait_for(std::chrono::nanoseconds time) { return home_->wait_for(valid(node_, "ticket"), time); }

}  // namespace stoa
