#include "txn/messenger.h"

#include <utility>

namespace stoa::txn {
namespace {

thread_local const Messenger* running = nullptr;

}  // namespace

void Messenger::start() {
  std::call_once(started_, [this] {
    thread_ = std::thread([this] {
      // seq_cst: the look of the doorbell's protocol, at what stop() stored seq_cst.
      const auto has_work = [this] { return !queue_.empty() || stopped_.load(std::memory_order_seq_cst); };
      do {
        (void)bell_.wait(has_work);
        run_posted();
        // acquire: pairs with stop(); what was posted before it was run above, or is by stop() itself.
      } while (!stopped_.load(std::memory_order_acquire));
    });
  });
}

void Messenger::post(Node& node) noexcept {
  // acquire: pairs with stop(): its thread has ended, and nobody else would look into the queue.
  if (stopped_.load(std::memory_order_acquire)) {
    run(node);
    return;
  }
  queue_.push(node);
  bell_.ring();
}

void Messenger::run_posted() noexcept {
  for (queue::QueueNode* taken = queue_.take_all(); taken != nullptr;) {
    auto& node = static_cast<Node&>(*taken);
    taken = taken->next;  // running the node gives it away
    run(node);
  }
}

void Messenger::run(Node& node) noexcept {
  const Messenger* before = std::exchange(running, this);
  auto function = std::exchange(node.then, nullptr);
  function(node.result);
  function = nullptr;  // what it holds goes where it ran
  running = before;
  give_back_(node);
}

void Messenger::stop() noexcept {
  stopped_.store(true, std::memory_order_seq_cst);  // seq_cst: published by the doorbell's protocol
  bell_.ring();
  if (thread_.joinable()) thread_.join();
  run_posted();
}

bool Messenger::is_running_here() const noexcept { return running == this; }

}  // namespace stoa::txn
