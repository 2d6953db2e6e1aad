// A database's folder: what is in it, and whose it is. What its log says is recovery's part; who has it, OwnedFolder's.
#pragma once

#include "base/file.h"
#include "base/random.h"
#include "wal/format.h"

#include <stoa/detail/world.h>
#include <stoa/schema.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace stoa::checkpoint {

inline constexpr std::string_view schema_file_name = "schema.toml";
inline constexpr std::string_view unfinished_schema_name = "schema.toml.new";

/// Whether a database has files of this name: those that docs/format.md lists.
[[nodiscard]] bool is_database_file(std::string_view name);

/// Whether the file is a part of what was committed: of the log, or a checkpoint.
[[nodiscard]] bool is_content(const std::string& name);

/// Errors: io; not_a_database, if the folder holds something else, a schema alone too; not_found, if it does not exist
/// or is empty.
[[nodiscard]] std::expected<Schema, Error> read_schema(FileSystem& files, const std::string& folder);

/// Whether the folder exists and has a database's schema, and a file that only a database's owner makes. Errors: io.
[[nodiscard]] std::expected<bool, Error> holds_database(FileSystem& files, const std::string& folder);

/// Whether the folder has a database, or is empty, or is what a crash left of making one.
/// Errors: not_a_database, if there are other files in it; io.
[[nodiscard]] std::expected<void, Error> check_not_foreign(FileSystem& files, const std::string& folder);

/// Makes the folder, which holds no database yet, one with this schema; sync_names() makes it durable.
/// Requires: the folder is locked.
/// Errors: not_a_database, if there are other files in it; io; disk_full.
[[nodiscard]] std::expected<void, Error> write_schema(FileSystem& files, const std::string& folder,
                                                      const CompiledSchema& schema);

/// Makes the folder and what is in it outlive a power failure: what was killed while it made them may not have.
/// Errors: io; disk_full.
[[nodiscard]] std::expected<void, Error> sync_names(FileSystem& files, const std::string& folder);

/// Makes the schema kept in the folder ask for the indexes that the given one asks for; in all else both are the same.
/// Requires: the folder is locked. Durable once it has returned.
[[nodiscard]] std::expected<void, Error> keep_indexes(FileSystem& files, const std::string& folder,
                                                      const SchemaModel& kept, const CompiledSchema& given);

/// Errors: schema_mismatch, naming what differs first.
[[nodiscard]] std::expected<void, Error> compare_schemas(const std::string& folder, const CompiledSchema& kept,
                                                         const CompiledSchema& given);

/// Of the log in the folder; nullopt where there is no log yet: nothing was ever committed, and the first transaction
/// begins the log under a new_identity(). `schema` is the folder's own.
/// Errors: as wal::read_segment_start; corrupt also where the log was written under another schema.
[[nodiscard]] std::expected<std::optional<wal::Identity>, Error> read_identity(FileSystem& files,
                                                                               const std::string& folder,
                                                                               const SchemaHash& schema);
[[nodiscard]] wal::Identity new_identity(const SchemaHash& schema, RandomSource& random);

/// A history's id, as a root has it and as files do.
[[nodiscard]] inline detail::HistoryId to_history(const RandomId& id) { return {id.low, id.high}; }
[[nodiscard]] inline RandomId to_id(const detail::HistoryId& history) { return {history[0], history[1]}; }

/// The folder's own schema, compiled, and found to be that of its log: where the two differ because the file is
/// damaged, no program's schema is to blame. Errors: as read_schema, Schema::compile, read_identity.
[[nodiscard]] std::expected<std::shared_ptr<const CompiledSchema>, Error> read_kept_schema(FileSystem& files,
                                                                                           const std::string& folder);
/// Which of the two is to be used: the one given, unless it is null, with the program's types bound.
/// Errors: as compare_schemas.
[[nodiscard]] std::expected<std::shared_ptr<const CompiledSchema>, Error> agree_on_schema(
    const std::string& folder, std::shared_ptr<const CompiledSchema> kept, std::shared_ptr<const CompiledSchema> given);

}  // namespace stoa::checkpoint
