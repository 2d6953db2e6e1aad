#include "database/subscriptions.h"

#include "base/make_error.h"
#include "database/core.h"
#include "database/filter_feed.h"
#include "database/transaction_feed.h"
#include "database/version_feed.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <system_error>
#include <utility>

namespace stoa::detail {
namespace {

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

Subscriptions::Added Subscriptions::add(Subscriber::Functions functions, const SubscribeOptions& options) try {
  // First: the batches that begin once the barrier is passed keep their deltas for this one.
  HistoryPlace place(core_.engine().history());
  if (auto passed = core_.engine().pass_barrier(); !passed) return std::unexpected(std::move(passed.error()));
  Snapshot snapshot = core_.snapshot();
  const Version version = snapshot.version();
  auto feed = std::make_unique<database::TransactionFeed>(core_, std::move(snapshot), options);
  place.hand_over();
  return start(std::make_shared<Subscriber>(core_.engine(), std::move(feed), version, std::move(functions)));
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
}

Subscriptions::Added Subscriptions::add(const Filter& filter, Subscriber::Functions functions,
                                        const SubscribeOptions& options) try {
  auto tables = filter.find_tables(core_.schema());
  if (!tables) return std::unexpected(std::move(tables.error()));
  auto feed = std::make_unique<database::FilterFeed>(core_, *std::move(tables), filter.predicates(), options.durable);
  return start(std::make_shared<Subscriber>(core_.engine(), std::move(feed), 0, std::move(functions)));
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
}

Subscriptions::Added Subscriptions::add(std::move_only_function<void(Version)> function) try {
  const Version version = core_.version();
  Subscriber::Functions functions;
  functions.told = [function = std::move(function)](const Delta& delta) mutable { function(delta.to()); };
  return start(std::make_shared<Subscriber>(core_.engine(), std::make_unique<database::VersionFeed>(core_, version),
                                            version, std::move(functions)));
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
}

Subscriptions::Added Subscriptions::start(const std::shared_ptr<Subscriber>& subscriber) {
  auto refused = enlist(subscriber);
  if (!refused) return subscriber;
  subscriber->stop();
  return std::unexpected(*std::move(refused));
}

std::optional<Error> Subscriptions::enlist(const std::shared_ptr<Subscriber>& subscriber) try {
  std::vector<std::shared_ptr<Subscriber>> through;  // what their functions hold goes once the mutex is free
  const std::scoped_lock lock(mutex_);
  if (closed_) return make_error(ErrorCode::closed, "the database is closed");
  const auto gone = std::ranges::partition(subscribers_, [](const auto& other) { return !other->is_through(); });
  through.assign(std::move_iterator(gone.begin()), std::move_iterator(gone.end()));
  subscribers_.erase(gone.begin(), gone.end());
  subscribers_.push_back(subscriber);
  subscriber->start(subscriber);
  return std::nullopt;
} catch (const std::bad_alloc&) {
  return Error::out_of_memory();
} catch (const std::system_error&) {
  return make_error(ErrorCode::out_of_memory, "the system has no thread to spare");
}

void Subscriptions::end_untold() noexcept {
  for (;;) {
    std::shared_ptr<Subscriber> untold;
    {
      const std::scoped_lock lock(mutex_);
      const auto found = std::ranges::find_if(
          subscribers_, [](const auto& other) { return other->is_told_no_more() && !other->has_ended(); });
      if (found == subscribers_.end()) return;
      untold = *found;
    }
    untold->close();
  }
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
