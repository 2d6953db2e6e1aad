// Hands answers to the functions that wait for them, on a thread of its own: no callback keeps the writer.
#pragma once

#include "queue/doorbell.h"
#include "queue/mpsc_queue.h"
#include "txn/transaction_node.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace stoa::txn {

class Messenger {
 public:
  using Node = detail::TransactionNode;

  /// `give_back` gets every node once its function has run.
  explicit Messenger(std::function<void(Node&)> give_back) : give_back_(std::move(give_back)) {}

  /// From here on a thread runs what is posted. Errors: throws std::system_error. Threads: any.
  void start();
  /// The node has its answer, and a function for it. After stop() it runs here. Threads: any.
  void post(Node& node) noexcept;
  /// Runs what is posted, on this thread: of a database that has none of its own. Threads: one at a time.
  void run_posted() noexcept;
  /// Runs what is posted and ends the thread. Threads: the owner, once; nobody calls start() any more.
  void stop() noexcept;

  /// Whether this thread is in one of the functions. Threads: any.
  [[nodiscard]] bool is_running_here() const noexcept;

 private:
  void run(Node& node) noexcept;

  std::function<void(Node&)> give_back_;
  queue::MpscQueue queue_;
  queue::Doorbell bell_;
  std::atomic<bool> stopped_{false};
  std::once_flag started_;
  std::thread thread_;
};

}  // namespace stoa::txn
