#include "database/subscriptions.h"

#include "database/core.h"
#include "database/filter_feed.h"
#include "database/transaction_feed.h"
#include "database/version_feed.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace stoa::detail {
namespace {

Error no_thread() { return {ErrorCode::out_of_memory, "the system has no thread to spare"}; }

// Until it is a feed's.
class HistoryPlace {
 public:
  explicit HistoryPlace(txn::DeltaHistory& history) : history_(&history) { history.add_subscriber(); }
  ~HistoryPlace() {
    if (history_ != nullptr) history_->remove_subscriber();
  }
  HistoryPlace(const HistoryPlace&) = delete;
  HistoryPlace& operator=(const HistoryPlace&) = delete;
  void hand_over() noexcept { history_ = nullptr; }

 private:
  txn::DeltaHistory* history_;
};

}  // namespace

Subscriptions::Added Subscriptions::add(Subscriber::Functions functions, const SubscribeOptions& options) {
  // First: the batches that begin once the barrier is passed keep their deltas for this one.
  HistoryPlace place(core_.engine().history());
  if (auto passed = core_.engine().pass_barrier(); !passed) return std::unexpected(std::move(passed.error()));
  Snapshot snapshot = core_.snapshot();
  const Version version = snapshot.version();
  auto feed = std::make_unique<database::TransactionFeed>(core_, std::move(snapshot), options);
  place.hand_over();
  return start(std::make_shared<Subscriber>(core_.engine(), std::move(feed), version, std::move(functions)));
}

Subscriptions::Added Subscriptions::add(const Filter& filter, Subscriber::Functions functions,
                                        const SubscribeOptions& options) {
  auto tables = filter.find_tables(core_.schema());
  if (!tables) return std::unexpected(std::move(tables.error()));
  auto feed = std::make_unique<database::FilterFeed>(core_, *std::move(tables), filter.predicates(), options.durable);
  return start(std::make_shared<Subscriber>(core_.engine(), std::move(feed), 0, std::move(functions)));
}

Subscriptions::Added Subscriptions::add(std::move_only_function<void(Version)> function) {
  const Version version = core_.version();
  Subscriber::Functions functions;
  functions.told = [function = std::move(function)](const Delta& delta) mutable { function(delta.to()); };
  return start(std::make_shared<Subscriber>(core_.engine(), std::make_unique<database::VersionFeed>(core_, version),
                                            version, std::move(functions)));
}

Subscriptions::Added Subscriptions::start(std::shared_ptr<Subscriber> subscriber) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(subscribers_, [](const auto& other) { return other->has_ended(); });
  if (!closed_) {
    try {
      subscribers_.push_back(subscriber);
      subscriber->start(subscriber);
      return subscriber;
    } catch (const std::system_error&) {
      subscriber->stop();
      return std::unexpected(no_thread());
    }
  }
  subscriber->stop();
  return std::unexpected(Error(ErrorCode::closed, "the database is closed"));
}

void Subscriptions::close() noexcept {
  std::vector<std::shared_ptr<Subscriber>> left;
  {
    const std::scoped_lock lock(mutex_);
    left.swap(subscribers_);
    closed_ = true;
  }
  for (const auto& subscriber : left) subscriber->close();
}

std::size_t Subscriptions::count() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(subscribers_, [](const auto& other) { return !other->has_ended(); }));
}

}  // namespace stoa::detail
