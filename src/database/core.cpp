#include "database/core.h"

#include "checkpoint/checkpoints.h"
#include "checkpoint/folder.h"
#include "checkpoint/log_sink.h"
#include "checkpoint/owned_folder.h"
#include "checkpoint/recovery.h"
#include "database/options.h"
#include "delta/delta_access.h"
#include "delta/kept_deltas.h"
#include "storage/table_usage.h"
#include "storage/world_info.h"

#include <stoa/detail/snapshot_access.h>

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

namespace stoa::detail {
namespace {

using Core = std::unique_ptr<DatabaseCore>;

// Of the files that a database had before, one is no longer there.
bool any_gone(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  return !std::ranges::includes(now, before);  // both are sorted
}

}  // namespace

DatabaseCore::DatabaseCore(std::shared_ptr<const CompiledSchema> schema, const Options& options)
    : buffers_(storage::make_world(std::move(schema)),
               {options.slab_bytes_first, options.slab_growth, options.slab_bytes_max}) {}

DatabaseCore::~DatabaseCore() = default;

void DatabaseCore::start(std::unique_ptr<txn::CommitSink> sink, const Options& options, std::optional<Error> refusal,
                         std::optional<txn::AppliedDeltas> followed) {
  sink_ = std::move(sink);
  engine_ = std::make_unique<txn::Engine>(
      buffers_, *sink_, options, [this] { return snapshot(); }, [this] { holder_gone(); }, std::move(refusal),
      std::move(followed));
}

std::expected<Core, Error> DatabaseCore::in_memory(std::shared_ptr<const CompiledSchema> schema,
                                                   const Options& options) {
  if (auto usable = database::check_options(options); !usable) return std::unexpected(usable.error());
  Core core(new DatabaseCore(std::move(schema), options));
  core->buffers_.begin_history(checkpoint::to_history(system_random().next_id()));
  core->start(std::make_unique<txn::NoLog>(), options);
  return core;
}

std::expected<Core, Error> DatabaseCore::open(const Environment& outside, const std::string& folder,
                                              std::shared_ptr<const CompiledSchema> given, const Options& options) {
  FileSystem& files = outside.files;
  if (auto usable = database::check_options(options); !usable) return std::unexpected(usable.error());
  const bool may_create = given != nullptr;
  if (!may_create) {
    // Without a schema nothing is created: not even a folder for the lock.
    if (auto readable = checkpoint::read_schema(files, folder); !readable) return std::unexpected(readable.error());
  }
  auto owned = checkpoint::OwnedFolder::lock(files, folder, may_create);
  if (!owned) return std::unexpected(owned.error());
  if (!owned->has_database()) {
    if (!may_create) return std::unexpected(Error(ErrorCode::not_found, Place{folder}, "there is no database"));
    if (auto made = owned->create_database(*given); !made) return std::unexpected(made.error());
  }
  auto schema = given;
  if (!owned->created()) {
    auto kept = checkpoint::read_kept_schema(files, folder);
    if (!kept) return std::unexpected(kept.error());
    auto agreed = checkpoint::agree_on_schema(folder, *kept, std::move(given));
    if (!agreed) return std::unexpected(agreed.error());
    schema = *std::move(agreed);
    if (auto same = checkpoint::keep_indexes(files, folder, (*kept)->model(), *schema); !same) {
      return std::unexpected(same.error());
    }
  }

  Core core(new DatabaseCore(std::move(schema), options));
  core->folder_ = std::make_unique<checkpoint::OwnedFolder>(*std::move(owned));
  if (auto recovered = core->recover(outside, folder, true, options); !recovered) {
    return std::unexpected(recovered.error());
  }
  core->recovery_.created = core->folder_->created();
  core->folder_->keep();
  return core;
}

std::expected<Core, Error> DatabaseCore::open_read_only(FileSystem& files, const std::string& folder,
                                                        const std::shared_ptr<const CompiledSchema>& given) {
  // What is missing because the owner trimmed the log or made a newer checkpoint meanwhile must not pass for damage.
  constexpr int tries = 20;
  for (int i = 0; i != tries; ++i) {
    const auto before = files.list(folder);
    auto core = read_once(files, folder, given);
    if (core || !before) return core;
    const auto now = files.list(folder);
    if (!now || !any_gone(*before, *now)) return core;
  }
  return std::unexpected(
      Error(ErrorCode::busy, Place{folder}, fmt::format("its owner removed files {} times while it was read", tries)));
}

std::expected<Core, Error> DatabaseCore::read_once(FileSystem& files, const std::string& folder,
                                                   std::shared_ptr<const CompiledSchema> given) {
  auto kept = checkpoint::read_kept_schema(files, folder);
  if (!kept) return std::unexpected(kept.error());
  auto schema = checkpoint::agree_on_schema(folder, *std::move(kept), std::move(given));
  if (!schema) return std::unexpected(schema.error());
  Options options;
  options.writer = WriterMode::manual;
  Core core(new DatabaseCore(*schema, options));
  if (auto recovered = core->recover(files, folder, false, options); !recovered) {
    return std::unexpected(recovered.error());
  }
  return core;
}

std::expected<void, Error> DatabaseCore::recover(const Environment& outside, const std::string& folder, bool owner,
                                                 const Options& options) {
  FileSystem& files = outside.files;
  const auto began = std::chrono::steady_clock::now();
  auto stored = checkpoint::find_stored(files, folder, schema().hash());
  if (!stored) return std::unexpected(stored.error());
  std::optional<wal::Identity>& identity = stored->log;
  wal::LogEnd end;
  std::optional<txn::AppliedDeltas> followed;
  // An observer that finds no log must not look again: its owner may begin one at any moment.
  if (identity) {
    auto found =
        checkpoint::recover_state(files, folder, *stored, owner ? wal::Access::owner : wal::Access::observer, buffers_);
    if (!found) return std::unexpected(found.error());
    end = found->log.end;
    followed = std::move(found->followed);
    identity->history_id = found->log.history_id;
    buffers_.begin_history(checkpoint::to_history(identity->history_id));
    recovery_.version = buffers_.version();
    recovery_.checkpoint = found->checkpoint;
    recovery_.transactions = found->log.transaction_count;
    recovery_.duration = std::chrono::steady_clock::now() - began;
    if (found->passed_by) recovery_.passed_by = found->passed_by->message();
    if (const auto& dropped = found->log.dropped) {
      recovery_.dropped_tail = fmt::format("{}: {} bytes at byte {}, which no acknowledged write left there",
                                           dropped->file, dropped->bytes, dropped->offset);
    }
  }
  if (!owner) {
    start(std::make_unique<txn::NoLog>(), options,
          Error(ErrorCode::read_only, "the database is open for reading only"));
    return {};
  }
  if (!identity) {
    if (auto synced = checkpoint::sync_names(files, folder); !synced) return synced;
    identity = checkpoint::new_identity(schema().hash(), outside.random);
    buffers_.begin_history(checkpoint::to_history(identity->history_id));
  }
  auto checkpointer = checkpoint::Checkpointer::open(files, folder, *identity, recovery_.checkpoint);
  if (!checkpointer) return std::unexpected(checkpointer.error());
  checkpointer_ = *std::move(checkpointer);
  auto writer = wal::Writer::open(files, folder, *identity, end, outside.random, {options.segment_bytes_max});
  if (!writer) return std::unexpected(writer.error());
  if (followed) writer->begin_history(identity->history_id, true);
  auto log =
      std::make_unique<checkpoint::LogSink>(std::move(*writer), options.durability, buffers_.version(), outside.clock);
  log_ = log.get();
  start(std::move(log), options, {}, std::move(followed));
  return {};
}

std::expected<Snapshot, Error> DatabaseCore::snapshot_at(Version version) {
  Snapshot newest = snapshot();
  if (version > newest.version()) {
    return std::unexpected(
        Error::not_found("version " + std::to_string(version) + ", the newest is " + std::to_string(newest.version())));
  }
  if (version == newest.version()) return newest;
  if (auto kept = engine_->snapshot_at(version)) return *std::move(kept);
  return std::unexpected(
      Error(ErrorCode::history_gone, "no snapshot of version " + std::to_string(version) + " or before it is kept"));
}

std::expected<std::vector<Delta>, Error> DatabaseCore::deltas_since(Version version) {
  const Snapshot newest = snapshot();
  if (version > newest.version()) {
    return std::unexpected(
        Error::not_found("version " + std::to_string(version) + ", the newest is " + std::to_string(newest.version())));
  }
  const Root& root = SnapshotAccess::root(newest);
  delta::KeptDeltaReader reader(root, version);
  if (!reader.is_there()) {
    return std::unexpected(Error(ErrorCode::history_gone, "deltas are kept from version " +
                                                              std::to_string(root.deltas.from) + " on, not from " +
                                                              std::to_string(version)));
  }
  std::vector<Delta> out;
  delta::KeptDelta kept;
  while (reader.next(kept)) out.push_back(delta::copy_kept(kept, root));
  return out;
}

Snapshot DatabaseCore::snapshot() {
  const storage::PinnedRoot pinned = buffers_.pin();
  return SnapshotAccess::make(*this, *pinned.root, pinned.slot);
}

void DatabaseCore::clone_pin(void* slot, void*& copy) {
  copy = &buffers_.pins().clone(*static_cast<memory::PinSlot*>(slot));
}

void DatabaseCore::release_pin(void* slot) noexcept {
  if (buffers_.pins().release(*static_cast<memory::PinSlot*>(slot))) holder_gone();
}

std::expected<void, Error> DatabaseCore::end_writing() {
  subscriptions_.end_untold();
  auto ended = engine_->close();
  if (log_ != nullptr) {
    auto closed = log_->close();
    if (ended && !closed) ended = std::unexpected(closed.error());
  }
  subscriptions_.close();
  return ended;
}

std::expected<Version, Error> DatabaseCore::checkpoint() {
  if (checkpointer_ == nullptr) {
    return std::unexpected(Error(ErrorCode::read_only, "the database has no folder, or not for writing"));
  }
  const auto flushed = engine_->flush();
  if (!flushed) return flushed;
  // Before the snapshot is taken: whoever opens from the checkpoint reads the log from the newest segment on that
  // begins at or below its version. And what is before that segment goes whole once this is the older one.
  if (*flushed > checkpointer_->newest()) {
    log_->want_segment();
    if (auto begun = engine_->flush(); !begun) return begun;
  }
  const Snapshot now = snapshot();
  // What is visible is in the log, but need not be on the disk yet.
  if (log_->durable_version() < now.version()) {
    log_->require_durable(now.version());
    if (auto synced = engine_->flush(); !synced) return synced;
    assert(log_->durable_version() >= now.version());
  }
  return checkpointer_->make(SnapshotAccess::root(now));
}

std::expected<void, Error> DatabaseCore::close() {
  if (closed_) return *closed_;
  closed_ = end_writing();
  folder_.reset();
  return *closed_;
}

std::expected<void, Error> DatabaseCore::close_and_remove() {
  if (closed_) return std::unexpected(Error(ErrorCode::closed, "the database is closed"));
  if (folder_ == nullptr) {
    return std::unexpected(Error(ErrorCode::read_only, "the database has no folder, or not for writing"));
  }
  (void)end_writing();  // what the log could not keep goes now
  closed_ = folder_->remove();
  folder_.reset();
  return *closed_;
}

void DatabaseCore::abandon(std::unique_ptr<DatabaseCore> core) noexcept {
  (void)core->close();
  DatabaseCore* const alone = core.release();  // whoever finds the last holder gone deletes it
  if (alone->buffers_.pins().orphan()) alone->holder_gone();
  if (alone->engine_->release_nodes()) alone->holder_gone();
}

void DatabaseCore::holder_gone() noexcept {
  // acq_rel: the last one sees everything that the other side did.
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

Metrics DatabaseCore::metrics() {
  Metrics out;
  const Snapshot now = snapshot();
  out.version = now.version();
  out.durable_version = durable_version();
  const txn::Engine::Counts counts = engine_->counts();
  out.commits = counts.commits;
  out.failures = counts.failures;
  out.batches = counts.batches;
  out.in_flight_transactions = counts.in_flight.count;
  out.in_flight_bytes = counts.in_flight.bytes;
  out.commit_latency = counts.latency;
  out.write_function_runs = counts.function_runs;
  const storage::BufferManager::Memory memory = buffers_.memory();
  out.bytes_in_use = memory.bytes_in_use;
  out.bytes_retired = memory.bytes_retired;
  out.bytes_reserved = memory.bytes_reserved;
  out.system_allocations = memory.system_allocations;
  out.bytes_given_back = memory.bytes_given_back;
  out.compactions = memory.compactions_ended;
  out.compaction_bytes = memory.moved.bytes;
  out.compacting = memory.compactions_begun > memory.compactions_ended;
  out.snapshots = memory.pin_count;
  // The two are not taken together.
  out.oldest_snapshot_lag =
      memory.oldest_root == 0 ? 0 : memory.newest_root - std::min(memory.oldest_root, memory.newest_root);
  out.history_from = SnapshotAccess::root(now).deltas.from;
  out.history_bytes = SnapshotAccess::root(now).deltas.bytes;
  out.subscriptions = subscriptions_.count();
  out.archetypes = now.archetypes().size();
  const auto usage = storage::usage_of(SnapshotAccess::root(now));
  for (const TableModel& table : schema().model().tables) {
    const storage::TableUsage& of_table = usage[to_index(table.number)];
    out.tables.push_back({table.name, of_table.rows, table.bytes, of_table.used_bytes, of_table.allocated_bytes,
                          buffers_.bytes_retired(table.number)});
  }
  return out;
}

}  // namespace stoa::detail
