// A folder's log, read from outside: what was committed, transaction by transaction, and what comes next.
#pragma once

#include <stoa/delta.h>
#include <stoa/entity.h>
#include <stoa/error.h>
#include <stoa/schema.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>

namespace stoa {

/// A transaction as the log has it.
struct LoggedTransaction {
  Version version = 0;
  std::chrono::sys_time<std::chrono::nanoseconds> time;  ///< when it was committed: a label, and no order
  std::size_t bytes = 0;                                 ///< that it changed, as they stand in the log
  Delta delta;  ///< from version - 1 to version, with the transaction's tag; empty where all it changed is not logged
};

/// The transactions of a folder's log, one by one, also beside a live owner: it takes no lock and writes nothing. Of a
/// live owner's it may show the last ones before they are on the disk: a power failure takes those back.
///
/// Threads: one at a time.
class LogReader {
 public:
  /// Before the first transaction whose version is `from` or above; with 0, before the first that is there. Without a
  /// schema the folder's own is used, and values are read by name; one that is given must be the same but for indexes,
  /// and brings its C++ types. A database that has committed nothing has an empty log.
  ///
  /// Errors: not_found, not_a_database, there is no database; history_gone, the log begins above `from`, and the text
  ///         says where; schema_invalid, schema_mismatch, of the schema given; corrupt; io; out_of_memory.
  static std::expected<LogReader, Error> open(const std::filesystem::path& folder, Version from = 0);
  static std::expected<LogReader, Error> open(const std::filesystem::path& folder, const Schema& schema,
                                              Version from = 0);

  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;
  ~LogReader();

  /// The next transaction, versions rising by one. nullopt where the log ends as it is now: a later call goes on there,
  /// with what was committed since. What an interrupted write left at the end is no transaction.
  ///
  /// Errors: corrupt, naming file and offset: durable bytes are damaged, and the reader comes no further; history_gone,
  ///         what is next was removed with all that a checkpoint made needless; not_found, the database was removed;
  ///         fork, what is next is of another history; io; out_of_memory. After the last two it stands where it stood.
  [[nodiscard]] std::expected<std::optional<LoggedTransaction>, Error> next();

  /// Lifetime: the reader's, and that of its deltas.
  [[nodiscard]] const CompiledSchema& schema() const;

 private:
  struct State;
  explicit LogReader(std::unique_ptr<State> state);
  static std::expected<LogReader, Error> made(const std::filesystem::path& folder, const Schema* schema, Version from);

  std::unique_ptr<State> state_;
};

}  // namespace stoa
