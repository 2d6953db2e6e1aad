// Everything that a database consists of, put together. It lives as long as its Database, and beyond that as long as a
// snapshot or a ticket.
#pragma once

#include "base/environment.h"
#include "database/subscriptions.h"
#include "storage/buffer_manager.h"
#include "txn/engine.h"

#include <stoa/database.h>

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace stoa::checkpoint {
class Checkpointer;
class LogSink;
class OwnedFolder;
}  // namespace stoa::checkpoint

namespace stoa::detail {

class DatabaseCore final : public SnapshotHome {
 public:
  static std::expected<std::unique_ptr<DatabaseCore>, Error> in_memory(std::shared_ptr<const CompiledSchema> schema,
                                                                       const Options& options);
  /// `given` may be null: then the folder's own schema is used, and there must be one. `files` outlives the core.
  static std::expected<std::unique_ptr<DatabaseCore>, Error> open(const Environment& outside, const std::string& folder,
                                                                  std::shared_ptr<const CompiledSchema> given,
                                                                  const Options& options);
  /// Begins anew where an owner has removed a file that it was about to read.
  static std::expected<std::unique_ptr<DatabaseCore>, Error> open_read_only(
      FileSystem& files, const std::string& folder, const std::shared_ptr<const CompiledSchema>& given);

  [[nodiscard]] Snapshot snapshot();
  [[nodiscard]] std::expected<Snapshot, Error> snapshot_at(Version version);
  [[nodiscard]] txn::Engine& engine() { return *engine_; }
  [[nodiscard]] const CompiledSchema& schema() const { return *buffers_.world().schema; }
  /// Whether the root is one of this database.
  [[nodiscard]] bool has(const Root& root) const { return root.world == &buffers_.world(); }
  [[nodiscard]] Version version() const { return buffers_.version(); }
  [[nodiscard]] Version durable_version() const { return sink_->durable_version(); }
  [[nodiscard]] const Recovery& recovery() const { return recovery_; }
  [[nodiscard]] Metrics metrics();
  [[nodiscard]] std::expected<std::vector<Delta>, Error> deltas_since(Version version);
  [[nodiscard]] Subscriptions& subscriptions() { return subscriptions_; }

  std::expected<Version, Error> checkpoint();
  std::expected<void, Error> close();
  std::expected<void, Error> close_and_remove();
  /// The Database is gone: closes, and deletes this once no snapshot and no ticket is left.
  static void abandon(std::unique_ptr<DatabaseCore> core) noexcept;

  // SnapshotHome.
  void clone_pin(void* slot, void*& copy) override;
  void release_pin(void* slot) noexcept override;

  ~DatabaseCore();

 private:
  DatabaseCore(std::shared_ptr<const CompiledSchema> schema, const Options& options);
  static std::expected<std::unique_ptr<DatabaseCore>, Error> read_once(FileSystem& files, const std::string& folder,
                                                                       std::shared_ptr<const CompiledSchema> given);
  void start(std::unique_ptr<txn::CommitSink> sink, const Options& options, std::optional<Error> refusal = {},
             std::optional<txn::AppliedDeltas> followed = {});
  std::expected<void, Error> recover(const Environment& outside, const std::string& folder, bool owner,
                                     const Options& options);
  std::expected<void, Error> end_writing();
  void holder_gone() noexcept;

  storage::BufferManager buffers_;
  std::unique_ptr<checkpoint::OwnedFolder> folder_;         // null without one of its own; outlives what writes to it
  std::unique_ptr<checkpoint::Checkpointer> checkpointer_;  // null without a folder of one's own
  std::unique_ptr<txn::CommitSink> sink_;
  checkpoint::LogSink* log_ = nullptr;  // sink_, where there is a log
  std::unique_ptr<txn::Engine> engine_;
  Subscriptions subscriptions_{*this};
  Recovery recovery_;
  std::optional<std::expected<void, Error>> closed_;  // what close() answered
  std::atomic<int> holders_{2};                       // the pins and the transactions, once the Database is gone
};

}  // namespace stoa::detail
