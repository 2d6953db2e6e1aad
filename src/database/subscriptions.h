// Those who are told what happens in a database.
#pragma once

#include "database/subscriber.h"

#include <stoa/subscription.h>

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace stoa::detail {

class DatabaseCore;

/// Threads: any, but for close().
class Subscriptions {
 public:
  using Added = std::expected<std::shared_ptr<Subscriber>, Error>;

  explicit Subscriptions(DatabaseCore& core) : core_(core) {}

  /// Errors: as of Database::subscribe().
  [[nodiscard]] Added add(Subscriber::Functions functions, const SubscribeOptions& options);
  [[nodiscard]] Added add(const Filter& filter, Subscriber::Functions functions, const SubscribeOptions& options);
  [[nodiscard]] Added add(std::move_only_function<void(Version)> function);
  /// The database closes: ends those who will be told nothing more. The writer is still there, and may be waiting for
  /// one of them.
  void end_untold() noexcept;
  /// The writer has ended; returns once all have been told all, but for one that this is called by.
  void close() noexcept;
  [[nodiscard]] std::size_t count() const;

 private:
  Added start(const std::shared_ptr<Subscriber>& subscriber);
  [[nodiscard]] std::optional<Error> enlist(const std::shared_ptr<Subscriber>& subscriber);

  DatabaseCore& core_;
  mutable std::mutex mutex_;
  bool closed_ = false;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;  // some may be through
};

}  // namespace stoa::detail
