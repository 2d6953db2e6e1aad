#include "checkpoint/folder.h"

#include "checkpoint/checkpoints.h"
#include "checkpoint/schema_difference.h"
#include "delta/transaction_delta.h"
#include "wal/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

namespace stoa::checkpoint {
namespace {

std::expected<std::string, Error> read_text(FileSystem& files, const std::string& path) {
  auto file = files.open_read_only(path);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  std::string out(*size, '\0');
  const auto read = (*file)->read(0, std::as_writable_bytes(std::span(out)));
  if (!read) return std::unexpected(read.error());
  out.resize(*read);
  return out;
}

std::expected<void, Error> write_durably(FileSystem& files, const std::string& path, std::string_view text) {
  auto file = files.create(path);
  if (!file) return std::unexpected(file.error());
  if (auto written = (*file)->write(0, std::as_bytes(std::span(text))); !written) return written;
  return (*file)->sync();
}

// In one step, whenever the machine may stop: the name is to be synced, though.
std::expected<void, Error> replace_schema(FileSystem& files, const std::string& folder, const CompiledSchema& schema) {
  const std::string unfinished = join_path(folder, unfinished_schema_name);
  if (auto removed = files.remove(unfinished); !removed && removed.error().code() != ErrorCode::not_found) {
    return removed;  // what a crash left
  }
  if (auto written = write_durably(files, unfinished, schema.canonical_text()); !written) return written;
  return files.rename(unfinished, join_path(folder, schema_file_name));
}

// Which fields the schema asks for an index of.
std::vector<std::pair<TableId, FieldId>> indexed_fields(const SchemaModel& schema) {
  std::vector<std::pair<TableId, FieldId>> out;
  for (const TableModel& table : schema.tables) {
    for (const std::uint16_t at : table.by_number) {
      if (table.fields[at].index) out.emplace_back(table.number, table.fields[at].number);
    }
  }
  return out;
}

using Names = std::vector<std::string>;

bool has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Anybody may keep a schema in a file of that name; only a database's owner adds to it.
bool is_owned(const Names& names) {
  return has(names, lock_file_name) || std::any_of(names.begin(), names.end(), is_content);
}

std::unexpected<Error> no_owner(const std::string& folder) {
  return std::unexpected(
      Error(ErrorCode::not_a_database, Place{folder}, "the folder has a schema.toml, and neither a lock nor a log"));
}

// A file that making a database does not leave, in a folder without a schema.
const std::string* find_foreign(const std::vector<std::string>& names) {
  const auto found = std::find_if(names.begin(), names.end(), [](const std::string& name) {
    return name != lock_file_name && name != unfinished_schema_name;
  });
  return found == names.end() ? nullptr : &*found;
}

}  // namespace

bool is_content(const std::string& name) { return wal::parse_segment_name(name) || parse_checkpoint_name(name); }

bool is_database_file(std::string_view name) {
  return name == schema_file_name || name == unfinished_schema_name || name == lock_file_name ||
         parse_checkpoint_name(name) || is_unfinished_checkpoint_name(name) || wal::parse_segment_name(name) ||
         wal::is_unfinished_segment_name(name);
}

std::expected<bool, Error> holds_database(FileSystem& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (!names) {
    if (names.error().code() == ErrorCode::not_found) return false;
    return std::unexpected(names.error());
  }
  return has(*names, schema_file_name) && is_owned(*names);
}

std::expected<Schema, Error> read_schema(FileSystem& files, const std::string& folder) {
  const auto found = holds_database(files, folder);
  if (!found) return std::unexpected(found.error());
  if (!*found) {
    const auto names = files.list(folder);
    if (names && has(*names, schema_file_name) && !is_owned(*names)) return no_owner(folder);
    if (names && find_foreign(*names) != nullptr) {
      return std::unexpected(
          Error(ErrorCode::not_a_database, Place{folder}, "the folder has files, and no schema.toml is among them"));
    }
    return std::unexpected(Error(ErrorCode::not_found, Place{folder}, "there is no database"));
  }
  const std::string path = join_path(folder, schema_file_name);
  const auto text = read_text(files, path);
  if (!text) return std::unexpected(text.error());
  return Schema::from_toml(*text, path);
}

std::expected<void, Error> check_not_foreign(FileSystem& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (!names) return std::unexpected(names.error());
  if (has(*names, schema_file_name)) {
    if (is_owned(*names)) return {};
    return no_owner(folder);
  }
  const std::string* foreign = find_foreign(*names);
  if (foreign == nullptr) return {};
  return std::unexpected(Error(ErrorCode::not_a_database, Place{folder},
                               fmt::format("the folder is neither empty nor a database: it has {}", *foreign)));
}

std::expected<void, Error> write_schema(FileSystem& files, const std::string& folder, const CompiledSchema& schema) {
  if (auto vacant = check_not_foreign(files, folder); !vacant) return vacant;
  // The lock's name first, for certain: a schema without it is no database.
  if (auto synced = files.sync_directory(folder); !synced) return synced;
  return replace_schema(files, folder, schema);
}

std::expected<void, Error> keep_indexes(FileSystem& files, const std::string& folder, const SchemaModel& kept,
                                        const CompiledSchema& given) {
  if (indexed_fields(kept) == indexed_fields(given.model())) return {};
  if (auto replaced = replace_schema(files, folder, given); !replaced) return replaced;
  return files.sync_directory(folder);
}

std::expected<void, Error> sync_names(FileSystem& files, const std::string& folder) {
  if (auto synced = files.sync_directory(folder); !synced) return synced;
  return files.sync_directory(parent_path(folder));
}

std::expected<void, Error> compare_schemas(const std::string& folder, const CompiledSchema& kept,
                                           const CompiledSchema& given) {
  if (kept.hash() == given.hash()) return {};
  std::string what = first_difference(kept.model(), given.model());
  if (what.empty()) what = "it is not the schema given";  // an enum and a struct of one name, say
  return std::unexpected(
      Error(ErrorCode::schema_mismatch, Place{join_path(folder, schema_file_name)}, std::move(what)));
}

std::expected<std::optional<wal::Identity>, Error> read_identity(FileSystem& files, const std::string& folder,
                                                                 const SchemaHash& schema) {
  const auto segments = wal::list_segments(files, folder);
  if (!segments) return std::unexpected(segments.error());
  if (segments->empty()) return std::nullopt;
  const std::string name = wal::segment_name(segments->front());
  const auto file = files.open_read_only(join_path(folder, name));
  if (!file) return std::unexpected(file.error());
  const auto start = wal::read_segment_start(**file, segments->front());
  if (!start) return std::unexpected(start.error());
  wal::Identity identity = start->header.identity;
  if (identity.schema_hash != schema) {
    return std::unexpected(Error(
        ErrorCode::corrupt, Place{join_path(folder, schema_file_name)},
        fmt::format("{} was written under another schema: this file was changed or damaged since, or one of the two is "
                    "another database's",
                    name)));
  }
  identity.encoding = delta::encoding_version;
  return identity;
}

std::expected<std::shared_ptr<const CompiledSchema>, Error> read_kept_schema(FileSystem& files,
                                                                             const std::string& folder) {
  const auto schema = read_schema(files, folder);
  if (!schema) return std::unexpected(schema.error());
  auto compiled = schema->compile();
  if (!compiled) return compiled;
  const auto log = read_identity(files, folder, (*compiled)->hash());
  if (!log) return std::unexpected(log.error());
  return compiled;
}

std::expected<std::shared_ptr<const CompiledSchema>, Error> agree_on_schema(
    const std::string& folder, std::shared_ptr<const CompiledSchema> kept,
    std::shared_ptr<const CompiledSchema> given) {
  if (given == nullptr) return kept;
  if (auto same = compare_schemas(folder, *kept, *given); !same) return std::unexpected(same.error());
  return given;
}

wal::Identity new_identity(const SchemaHash& schema, RandomSource& random) {
  return {.database_id = random.next_id(),
          .history_id = random.next_id(),
          .schema_hash = schema,
          .encoding = delta::encoding_version,
          .compression = 0};
}

}  // namespace stoa::checkpoint
