// A database: where a world lives, and the door to it.
#pragma once

#include <stoa/delta.h>
#include <stoa/metrics.h>
#include <stoa/options.h>
#include <stoa/schema.h>
#include <stoa/snapshot.h>
#include <stoa/subscription.h>
#include <stoa/transaction.h>
#include <stoa/writer.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace stoa {
namespace detail {

class DatabaseCore;

}  // namespace detail

/// What recovery found when a folder was opened.
struct Recovery {
  bool created = false;            ///< there was no database, and opening made one
  Version version = 0;             ///< the last one that is there
  Version checkpoint = 0;          ///< of the checkpoint that it began from; 0 for none
  std::uint64_t transactions = 0;  ///< replayed from the log
  std::chrono::nanoseconds duration{};
  /// Why not from the newest checkpoint, which is damaged: file, place and reason. The log made up for it, so nothing
  /// is lost; the next checkpoint removes it. Empty where it is good, or there is none.
  std::string passed_by;
  /// What an interrupted write left at the end of the log; empty where nothing did. It is told again by every open
  /// until something is committed.
  std::string dropped_tail;
};

/// Move-only. Opening and destroying it are its owner's; all else may be called from any thread unless said otherwise.
class Database {
 public:
  /// Creates the database in `folder`, which is new or empty, or recovers what is there and goes on. The folder is
  /// locked until the database is closed. A creation that fails leaves the path as it was.
  ///
  /// Errors: invalid_argument, an option; schema_invalid; schema_mismatch, if the folder's schema is another; locked;
  /// not_a_database; not_found, if there is no folder to create it in; corrupt; io; disk_full; out_of_memory, also
  /// where there is no thread to be had for the writer.
  static std::expected<Database, Error> open(const std::filesystem::path& folder, const Schema& schema,
                                             const Options& options = {});
  /// With the folder's own schema. Errors: as above; not_found if there is no database.
  static std::expected<Database, Error> open_existing(const std::filesystem::path& folder, const Options& options = {});
  /// The state as it is on disk now, also beside a live owner: no lock is taken and nothing is written; a transaction
  /// answers read_only. Without a schema the folder's own is used, and rows are read by name; one that is given must be
  /// the same but for indexes, which are those it asks for, and brings its C++ types. Errors: as open_existing(), but
  /// for locked; busy, if the owner goes on removing what is to be read.
  static std::expected<Database, Error> open_read_only(const std::filesystem::path& folder);
  static std::expected<Database, Error> open_read_only(const std::filesystem::path& folder, const Schema& schema);
  /// Nothing on disk. Errors: invalid_argument, an option; schema_invalid; out_of_memory, as above.
  static std::expected<Database, Error> in_memory(const Schema& schema, const Options& options = {});

  /// Removes the database in `folder`: the files that it consists of, under the folder's lock, and then the folder if
  /// nothing else is in it. What a creation or a removal that was cut short left of a database counts as one.
  ///
  /// Errors: locked, while a process has it open, this one too; not_a_database; not_found; io; out_of_memory. After an
  /// io error the database may be gone in part; it is not opened as another, and a second try removes the rest.
  static std::expected<void, Error> remove(const std::filesystem::path& folder);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  /// Closes, if close() has not; errors are lost.
  ~Database();

  /// Errors: out of memory throws std::bad_alloc.
  [[nodiscard]] Transaction begin();

  /// Runs `function(Writer&)` on the writer as one transaction, and waits for its commit. It may return void or
  /// std::expected<void, Error>; an error or an exception takes the transaction back. Nothing in it may wait for a
  /// commit of this database, as write(), commit(), flush(), close(), a ticket's get() and, at a limit, submit() do:
  /// the writer would wait for itself. They throw std::logic_error there. What waits for a time only waits it out.
  ///
  /// Errors: what the function returned; aborted, if it threw, with what() as the reason; whatever a commit answers.
  template <typename Function>
  requires std::invocable<Function&, Writer&> std::expected<Commit, Error> write(Function&& function) {
    if constexpr (std::is_function_v<std::remove_reference_t<Function>>) {
      auto* pointer = &function;
      return run(detail::WriteFunction::to(pointer));
    } else {
      return run(detail::WriteFunction::to(function));
    }
  }

  /// The newest version's world. Wait-free after a thread's first. Errors: out of memory throws std::bad_alloc.
  [[nodiscard]] Snapshot snapshot();

  /// The world as it was at `version`, or at the last version before it of which the database holds a snapshot: see
  /// Options::kept_snapshots_max. Its version() says which. Of the newest version it is snapshot().
  /// Errors: history_gone, if none is held; not_found, if there is no such version yet; out of memory throws.
  [[nodiscard]] std::expected<Snapshot, Error> snapshot_at(Version version);

  /// Of the newest snapshot.
  [[nodiscard]] Version version() const;
  /// Everything up to it is on the disk; 0 for a database in memory.
  [[nodiscard]] Version durable_version() const;
  /// True if the version was there in time. It does not step a manual writer.
  bool wait_for_version(Version version, std::chrono::nanoseconds timeout);

  /// With a manual writer: commits what is queued, up to `transactions`, and returns how many were answered. The thread
  /// that calls it is the writer; while it is inside no other thread may call it.
  /// Errors: throws std::logic_error if the writer is a thread.
  std::size_t step(std::size_t transactions = static_cast<std::size_t>(-1));
  /// The same until `budget` has passed; a batch that has begun is ended.
  std::size_t step(std::chrono::nanoseconds budget);

  /// Waits until all that was submitted before is committed, and durable unless durability is none.
  /// Errors: read_only after a failed log; closed.
  std::expected<Version, Error> flush();

  /// The deltas that lead from `version` to the newest one, in order: one for each transaction, on a replica for each
  /// that was applied. What of it is durable, durable_version() says.
  /// Errors: history_gone, where they are not kept any more, see Options::history_bytes_max; not_found, if there is no
  /// such version yet; out of memory throws.
  [[nodiscard]] std::expected<std::vector<Delta>, Error> deltas_since(Version version);

  /// From now on `function` is called with the delta of each transaction, in the order of the versions, on a thread of
  /// the subscription's own, the version being visible. It must not be slow, or SubscribeOptions say what happens.
  /// Whatever it throws ends the subscription, with aborted. In it, submit() does not wait at a limit, but answers
  /// busy; it may end the subscription, or the database, which is its last call then. close() returns once it got all.
  /// Waits, as a commit does, for what was submitted before.
  /// Errors: closed; read_only; busy — at a limit where a submit() answers that; out_of_memory, also where there is no
  /// thread to be had. Throws std::logic_error in a write function.
  [[nodiscard]] std::expected<Subscription, Error> subscribe(std::move_only_function<void(const Delta&)> function,
                                                             SubscribeOptions options = {});
  /// What the filter shows: first all of it, as a difference from nothing, and then what changes, as one delta from one
  /// published version to another, as fast as it is received; nothing where nothing of it changed. An entity that comes
  /// to the filter arrives as inserts of its rows, one that leaves it as their removal. No replica takes such deltas.
  /// Waits for nobody.
  /// Errors: closed; out_of_memory, as above; not_found, a name; throws std::logic_error, if a type has no table.
  [[nodiscard]] std::expected<Subscription, Error> subscribe(const Filter& filter,
                                                             std::move_only_function<void(const Delta&)> function,
                                                             SubscribeOptions options = {});
  /// Without a function: Subscription::poll() has the deltas.
  [[nodiscard]] std::expected<Subscription, Error> subscribe(SubscribeOptions options = {});
  [[nodiscard]] std::expected<Subscription, Error> subscribe(const Filter& filter, SubscribeOptions options = {});
  /// Until the database is closed, `function` is called for each version from now on, in order, once it is visible, on
  /// a thread of its own. It must not throw: it is not called again then, as where memory runs out.
  /// Errors: throws std::system_error, where there is no thread, or no memory, to be had.
  void on_version(std::move_only_function<void(Version)> function);

  /// Writes the whole state to the folder, so that opening it need not replay the log from its beginning; then removes
  /// what of the log, and which older checkpoints, are no longer needed. Returns once it is on the disk, whatever the
  /// durability: the version that it has, in which is all that was submitted before the call. A version that is there
  /// already is not written again, and of version 0 there is none. Runs on the caller's thread, on a snapshot that it
  /// holds; transactions go on beside it. Of several at once each waits for the one before.
  ///
  /// The newest two are kept, and the log since the older one: a damaged one costs nothing but time.
  /// Errors: read_only — in memory, open for reading only, or after a failed log; closed; io, disk_full, out_of_memory
  /// — the database and its log are as they were, and the next may succeed; but if it was the log that could not be
  /// written, what comes next is read_only, as after a commit that met it. The checkpoint may be there even so, where
  /// what it makes superfluous could not be removed. Throws std::logic_error in a write function.
  std::expected<Version, Error> checkpoint();

  /// Gives memory back that lies about: archetypes without rows and room that rows no longer need go, and what is left
  /// in slabs that are at most half in use is copied together; those then go back to the system. Returns once that is
  /// done, in steps of Options::compaction_budget between which transactions go on. Rows, ids, versions and deltas stay
  /// what they are, and so do snapshots: what one holds stays where it is, and its slab goes when it does. A difference
  /// between snapshots from before and after it is the same, but takes as long as comparing what was moved. Works on a
  /// replica.
  /// Errors: read_only — open for reading only, or after a failed log; closed; out_of_memory — what was done so far
  /// stays. Throws std::logic_error in a write function.
  std::expected<CompactionReport, Error> compact();

  /// Makes the world what it was in the snapshot, as a transaction with the next version: the same entities, ids and
  /// rows. What is submitted before it is undone with the rest; versions, and the ids that were given out since, do not
  /// come back. Costs what differs. Snapshots stay as they are: one of before the restore can be restored after it.
  /// Errors: fork — a snapshot from before a promotion; read_only; whatever a commit answers. Throws std::logic_error
  /// with a snapshot of another database.
  std::expected<Commit, Error> restore(const Snapshot& snapshot);

  /// Makes this database, which has no commits of its own, a replica of the one whose delta it is, and keeps it one: it
  /// then takes deltas of that history only, one after the other, and no writes. All of the delta or nothing: what does
  /// not fit the state or breaks a rule is refused. A delta of the past is ignored where its content is what was
  /// applied under the same versions, as far as that is known: the last 65,536, and once it is opened again those of
  /// them that are after the newest checkpoint. Tables that are not replicated are left out. With a folder it is as
  /// durable as a commit, and the database is a replica still when it is opened again.
  /// Errors: schema_mismatch; fork — another history, commits of one's own, or other content under an old version;
  /// invalid_argument — it leads from another version than this one's, or there is a folder and a table which is
  /// replicated and not logged; corrupt, constraint_violation — it does not fit; closed; read_only, disk_full,
  /// out_of_memory, io.
  std::expected<Commit, Error> apply(const Delta& delta);
  /// A replica goes on by itself, in a history of its own, from the version that it has; nothing happens to another.
  /// Returns that version; with a folder, once it is durable. Errors: closed; disk_full, out_of_memory — it is a
  /// replica still; io.
  std::expected<Version, Error> promote();

  [[nodiscard]] Metrics metrics() const;
  [[nodiscard]] const CompiledSchema& schema() const;
  /// What opening found; all zero for a new database, but for `created`.
  [[nodiscard]] const Recovery& recovery() const;

  /// Commits what is queued, ends the writer, syncs, unlocks. Every later transaction answers closed; snapshots stay.
  /// Errors: the log's last one. Must not run beside other calls.
  std::expected<void, Error> close();
  /// Closes, and removes the database as remove() does, before the lock goes: nobody else can open it in between. A
  /// folder that was there when this handle created the database in it stays.
  /// Errors: closed; read_only, where it is open for reading only or in memory, and stays open; io. The log's are lost.
  std::expected<void, Error> close_and_remove();

 private:
  explicit Database(std::unique_ptr<detail::DatabaseCore> core);
  template <typename Make>
  static std::expected<Database, Error> made(Make&& make);
  template <typename Make>
  static std::expected<Database, Error> made_with(const Schema& schema, Make&& make);
  std::expected<Commit, Error> run(detail::WriteFunction function);
  static std::expected<Subscription, Error> subscribed(std::expected<std::shared_ptr<detail::Subscriber>, Error> added);
  [[nodiscard]] detail::DatabaseCore& core() const;

  detail::DatabaseCore* core_;  // goes when this does, or with the last snapshot or ticket
};

}  // namespace stoa
