// Hands answers to the functions that wait for them, on a thread of its own: no callback keeps the writer.
#pragma once

#include "txn/transaction_node.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace stoa::txn {

/// A function may do what any thread may, also end the database whose answer it got, and with it the messenger.
class Messenger {
 public:
  using Node = detail::TransactionNode;

  /// `give_back` gets every node once its function has run. It is not called once the last node is given back.
  explicit Messenger(std::function<void(Node&)> give_back);
  ~Messenger();
  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  /// From here on a thread runs what is posted, unless stop() has come. Errors: throws std::system_error. Threads: any.
  void start();
  /// The node has its answer, and a function for it. After stop() it runs here. Threads: any.
  void post(Node& node) noexcept;
  /// Runs what is posted, on this thread: of a database that has none of its own. The messenger may be gone when it
  /// returns. Threads: one at a time.
  void run_posted() noexcept;
  /// Runs what is posted and ends the thread; called by one of the functions, the thread does the rest, and ends after
  /// it. Threads: the owner, once.
  void stop() noexcept;

  /// Whether this thread is in one of the functions. Threads: any.
  [[nodiscard]] bool is_running_here() const noexcept;

 private:
  class Post;

  // Outlives the messenger where a function ended that.
  const std::shared_ptr<Post> post_;
  std::atomic<bool> started_{false};
  std::mutex starting_;
  std::thread thread_;  // guarded by starting_ until stop()
};

}  // namespace stoa::txn
