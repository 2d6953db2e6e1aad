#include <stoa/database.h>

#include "base/file_posix.h"
#include "base/make_error.h"
#include "checkpoint/owned_folder.h"
#include "database/core.h"
#include "queue/sync.h"

#include <stoa/detail/snapshot_access.h>

#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace stoa {

using detail::DatabaseCore;

Database::Database(std::unique_ptr<DatabaseCore> core) : core_(core.release()) {}
Database::Database(Database&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
Database& Database::operator=(Database&& other) noexcept {
  Database taken(std::move(other));  // and what this one had open is closed with it
  std::swap(core_, taken.core_);
  return *this;
}
Database::~Database() {
  if (core_ != nullptr) DatabaseCore::abandon(std::unique_ptr<DatabaseCore>(core_));
}

template <typename Make>
std::expected<Database, Error> Database::made(Make&& make) try {
  std::expected<std::unique_ptr<DatabaseCore>, Error> core = make();
  if (!core) return std::unexpected(std::move(core.error()));
  return Database(std::move(*core));
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
} catch (const std::system_error&) {  // from the start of the writer's thread; what was made is taken back by now
  return std::unexpected(make_error(ErrorCode::out_of_memory, "the system has no thread to spare"));
}

template <typename Make>
std::expected<Database, Error> Database::made_with(const Schema& schema, Make&& make) {
  return made([&]() -> std::expected<std::unique_ptr<DatabaseCore>, Error> {
    auto compiled = schema.compile();
    if (!compiled) return std::unexpected(std::move(compiled.error()));
    return make(std::move(*compiled));
  });
}

std::expected<Database, Error> Database::open(const std::filesystem::path& folder, const Schema& schema,
                                              const Options& options) {
  return made_with(schema, [&](auto compiled) {
    return DatabaseCore::open(posix_file_system(), folder.string(), std::move(compiled), options);
  });
}

std::expected<Database, Error> Database::open_existing(const std::filesystem::path& folder, const Options& options) {
  return made([&] { return DatabaseCore::open(posix_file_system(), folder.string(), nullptr, options); });
}

std::expected<Database, Error> Database::open_read_only(const std::filesystem::path& folder) {
  return made([&] { return DatabaseCore::open_read_only(posix_file_system(), folder.string(), nullptr); });
}

std::expected<Database, Error> Database::open_read_only(const std::filesystem::path& folder, const Schema& schema) {
  return made_with(schema, [&](const auto& compiled) {
    return DatabaseCore::open_read_only(posix_file_system(), folder.string(), compiled);
  });
}

std::expected<Database, Error> Database::in_memory(const Schema& schema, const Options& options) {
  return made_with(schema, [&](auto compiled) { return DatabaseCore::in_memory(std::move(compiled), options); });
}

DatabaseCore& Database::core() const {
  if (core_ == nullptr) throw std::logic_error("stoa: a database that was moved from is used");
  return *core_;
}

Transaction Database::begin() { return core().engine().begin(); }
std::expected<Commit, Error> Database::run(detail::WriteFunction function) { return core().engine().run(function); }
std::expected<Commit, Error> Database::apply(const Delta& delta) { return core().engine().apply(delta); }
std::expected<Commit, Error> Database::restore(const Snapshot& snapshot) {
  const detail::Root& root = detail::SnapshotAccess::root(snapshot);
  if (!core().has(root)) {
    throw std::logic_error("stoa: restore: the snapshot is of another database");
  }
  return core().engine().restore(root);
}
std::expected<Version, Error> Database::promote() { return core().engine().promote(); }
std::expected<std::vector<Delta>, Error> Database::deltas_since(Version version) {
  return core().deltas_since(version);
}
std::expected<Subscription, Error> Database::subscribed(
    std::expected<std::shared_ptr<detail::Subscriber>, Error> added) {
  if (!added) return std::unexpected(std::move(added.error()));
  return Subscription(*std::move(added));
}
std::expected<Subscription, Error> Database::subscribe(std::move_only_function<void(const Delta&)> function,
                                                       SubscribeOptions options) {
  return subscribed(core().subscriptions().add({std::move(function), std::move(options.ended)}, options));
}
std::expected<Subscription, Error> Database::subscribe(const Filter& filter,
                                                       std::move_only_function<void(const Delta&)> function,
                                                       SubscribeOptions options) {
  return subscribed(core().subscriptions().add(filter, {std::move(function), std::move(options.ended)}, options));
}
std::expected<Subscription, Error> Database::subscribe(SubscribeOptions options) {
  return subscribed(core().subscriptions().add({{}, std::move(options.ended)}, options));
}
std::expected<Subscription, Error> Database::subscribe(const Filter& filter, SubscribeOptions options) {
  return subscribed(core().subscriptions().add(filter, {{}, std::move(options.ended)}, options));
}
void Database::on_version(std::move_only_function<void(Version)> function) {
  const auto added = core().subscriptions().add(std::move(function));
  if (!added && added.error().code() != ErrorCode::closed) {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again), "stoa: on_version");
  }
}
Snapshot Database::snapshot() { return core().snapshot(); }
std::expected<Snapshot, Error> Database::snapshot_at(Version version) { return core().snapshot_at(version); }
Version Database::version() const { return core().version(); }
Version Database::durable_version() const { return core().durable_version(); }
bool Database::wait_for_version(Version version, std::chrono::nanoseconds timeout) {
  return core().engine().wait_for_version(version, timeout);
}
std::size_t Database::step(std::size_t transactions) {
  return core().engine().step(transactions, detail::SteadyTime::max());
}
std::size_t Database::step(std::chrono::nanoseconds budget) {
  return core().engine().step(static_cast<std::size_t>(-1), queue::deadline_after(budget));
}
std::expected<Version, Error> Database::flush() { return core().engine().flush(); }
std::expected<Version, Error> Database::checkpoint() try { return core().checkpoint(); } catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
}
std::expected<CompactionReport, Error> Database::compact() { return core().engine().compact(); }
Metrics Database::metrics() const { return core().metrics(); }
const CompiledSchema& Database::schema() const { return core().schema(); }
const Recovery& Database::recovery() const { return core().recovery(); }
std::expected<void, Error> Database::close() { return core().close(); }
std::expected<void, Error> Database::close_and_remove() { return core().close_and_remove(); }

std::expected<void, Error> Database::remove(const std::filesystem::path& folder) try {
  return checkpoint::OwnedFolder::remove_database(posix_file_system(), folder.string());
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
}

}  // namespace stoa
