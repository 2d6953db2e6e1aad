#include "txn/messenger.h"

#include "queue/doorbell.h"
#include "queue/mpsc_queue.h"

#include <atomic>
#include <cstdint>
#include <utility>

namespace stoa::txn {

/// What the thread and those who post share.
class Messenger::Post {
 public:
  explicit Post(std::function<void(Node&)> give_back) : give_back_(std::move(give_back)) {}

  /// False after stop(): the node is still the caller's, to run.
  bool try_push(Node& node) noexcept {
    // seq_cst, both, and both in stop(): either this sees that it has come, or stop() sees this and waits for it.
    pushing_.fetch_add(1, std::memory_order_seq_cst);
    const bool open = !stopped_.load(std::memory_order_seq_cst);
    if (open) {
      queue_.push(node);
      bell_.ring();
    }
    pushing_.fetch_sub(1, std::memory_order_release);  // release: pairs with stop(), after which this may be gone
    return open;
  }

  void run(Node& node) noexcept {
    const Post* before = std::exchange(running, this);
    auto function = std::exchange(node.then, nullptr);
    node.has_then = false;
    function(node.result);
    function = nullptr;  // what it holds goes where it ran
    running = before;
    give_back_(node);
  }

  void run_posted() noexcept {
    while (queue::QueueNode* taken = queue_.take_all()) {
      while (taken != nullptr) {
        auto& node = static_cast<Node&>(*taken);
        taken = taken->next;  // running the node gives it away
        run(node);
      }
    }
  }

  void run_until_stopped() noexcept {
    // seq_cst: the look of the doorbell's protocol, at what stop() stored seq_cst.
    const auto has_work = [this] { return !queue_.empty() || stopped_.load(std::memory_order_seq_cst); };
    do {
      (void)bell_.wait(has_work);
      run_posted();
    } while (!stopped());
    run_posted();  // where one of the functions stopped it, this is the last to look
  }

  void stop() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);  // seq_cst: as in try_push(), and published by the doorbell
    bell_.ring();
    // seq_cst: as in try_push(); what was pushed is in the queue.
    while (pushing_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
  }

  // acquire: pairs with stop(); what was pushed before it is in the queue.
  [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }
  [[nodiscard]] bool is_running_here() const noexcept { return running == this; }

 private:
  static thread_local const Post* running;

  std::function<void(Node&)> give_back_;
  queue::MpscQueue queue_;
  queue::Doorbell bell_;
  std::atomic<std::uint32_t> pushing_{0};  // threads in try_push()
  std::atomic<bool> stopped_{false};
};

thread_local const Messenger::Post* Messenger::Post::running = nullptr;

Messenger::Messenger(std::function<void(Node&)> give_back) : post_(std::make_shared<Post>(std::move(give_back))) {}

Messenger::~Messenger() = default;

void Messenger::start() {
  // relaxed: says that there is nothing left to do here, and no more.
  if (started_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(starting_);
  if (thread_.joinable() || post_->stopped()) return;
  thread_ = std::thread([post = post_] { post->run_until_stopped(); });
  started_.store(true, std::memory_order_relaxed);
}

void Messenger::post(Node& node) noexcept {
  if (post_->try_push(node)) return;
  const auto post = post_;  // the node is still away, and so this is still there; running the node may end it
  post->run(node);
}

void Messenger::run_posted() noexcept {
  const auto post = post_;
  post->run_posted();
}

void Messenger::stop() noexcept {
  std::thread thread;
  {
    const std::scoped_lock lock(starting_);  // who starts a thread has done so, or finds that it is too late
    post_->stop();
    thread = std::exchange(thread_, {});
  }
  if (is_running_here()) {
    if (thread.joinable()) thread.detach();
    return;
  }
  if (thread.joinable()) thread.join();
  post_->run_posted();
}

bool Messenger::is_running_here() const noexcept { return post_->is_running_here(); }

}  // namespace stoa::txn
