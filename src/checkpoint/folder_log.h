// The log of a database's folder as deltas: for who looks at it from outside, beside a live owner or without one.
// Applying it is recovery's part; how segments are read, wal/log_cursor.h's.
#pragma once

#include "base/file.h"
#include "schema/table_bytes.h"
#include "wal/log_cursor.h"

#include <stoa/log.h>
#include <stoa/schema.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>

namespace stoa::checkpoint {

/// Threads: one at a time.
class FolderLog {
 public:
  /// With the folder's own schema, or with `given`, which must be the same. With `from` 0 it begins at the first
  /// transaction that is there, else at the first one whose version is not below it.
  ///
  /// Errors:   as agree_on_schema, wal::LogCursor::open.
  /// Lifetime: `files` outlives it.
  [[nodiscard]] static std::expected<FolderLog, Error> open(FileSystem& files, std::string folder,
                                                            std::shared_ptr<const CompiledSchema> given, Version from);

  /// As wal::LogCursor::next. A folder without a log may get one later.
  /// Errors: as there; corrupt also where a transaction's body is none, naming file and frame, time and again.
  [[nodiscard]] std::expected<std::optional<LoggedTransaction>, Error> next();

  [[nodiscard]] const std::shared_ptr<const CompiledSchema>& schema() const { return schema_; }

 private:
  FolderLog(FileSystem& files, std::string folder, std::shared_ptr<const CompiledSchema> schema, Version from);

  [[nodiscard]] std::expected<void, Error> find_log();
  [[nodiscard]] std::expected<LoggedTransaction, Error> to_transaction(const wal::TransactionRecord& record) const;

  FileSystem* files_;
  std::string folder_;
  std::shared_ptr<const CompiledSchema> schema_;
  std::shared_ptr<const schema::TableBytes> bytes_;
  Version from_;
  std::optional<wal::LogCursor> cursor_;  // none while there is no log
  std::optional<Error> refused_;          // of a body: the cursor is behind it
};

}  // namespace stoa::checkpoint
