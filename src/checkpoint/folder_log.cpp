#include "checkpoint/folder_log.h"

#include "checkpoint/folder.h"
#include "delta/body_check.h"
#include "delta/delta_access.h"

#include <fmt/format.h>

#include <utility>

namespace stoa::checkpoint {

FolderLog::FolderLog(FileSystem& files, std::string folder, std::shared_ptr<const CompiledSchema> schema, Version from)
    : files_(&files),
      folder_(std::move(folder)),
      schema_(std::move(schema)),
      bytes_(std::make_shared<const schema::TableBytes>(schema_->model())),
      from_(from) {}

std::expected<FolderLog, Error> FolderLog::open(FileSystem& files, std::string folder,
                                                std::shared_ptr<const CompiledSchema> given, Version from) {
  auto kept = read_kept_schema(files, folder);
  if (!kept) return std::unexpected(kept.error());
  auto schema = agree_on_schema(folder, *std::move(kept), std::move(given));
  if (!schema) return std::unexpected(schema.error());
  FolderLog log(files, std::move(folder), *std::move(schema), from);
  if (auto found = log.find_log(); !found) return std::unexpected(found.error());
  return log;
}

std::expected<void, Error> FolderLog::find_log() {
  const auto identity = read_identity(*files_, folder_, schema_->hash());
  if (!identity) return std::unexpected(identity.error());
  if (!*identity) return {};
  auto cursor = wal::LogCursor::open(*files_, folder_, **identity, from_);
  if (!cursor) return std::unexpected(cursor.error());
  cursor_ = *std::move(cursor);
  return {};
}

std::expected<std::optional<LoggedTransaction>, Error> FolderLog::next() {
  if (refused_) return std::unexpected(*refused_);
  if (!cursor_) {
    if (auto found = find_log(); !found) return std::unexpected(found.error());
    if (!cursor_) return std::nullopt;
  }
  const auto record = cursor_->next();
  if (!record) return std::unexpected(record.error());
  if (!*record) return std::nullopt;
  auto transaction = to_transaction(**record);
  if (!transaction) return std::unexpected(refused_.emplace(transaction.error()));
  return *std::move(transaction);
}

std::expected<LoggedTransaction, Error> FolderLog::to_transaction(const wal::TransactionRecord& record) const {
  if (const auto fault = delta::find_fault(record.body, *bytes_, &schema_->model())) {
    return std::unexpected(
        Error(ErrorCode::corrupt, Place{.source = cursor_->path(), .offset = cursor_->frame_offset()},
              fmt::format("transaction {}: byte {}: {}", record.version, fault->offset, fault->reason)));
  }
  auto content = std::make_shared<detail::DeltaAccess::Content>();
  content->from = record.version - record.step;
  content->to = record.version;
  content->tag = record.tag;
  content->history = to_history(cursor_->history_id());
  content->schema_mark = delta::schema_mark(schema_->hash());
  content->schema = schema_;
  content->tables = bytes_;
  content->body.assign(record.body.begin(), record.body.end());
  return LoggedTransaction{
      .version = record.version,
      .time = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(record.wall_ns)),
      .bytes = record.body.size(),
      .delta = detail::DeltaAccess::make(std::move(content))};
}

}  // namespace stoa::checkpoint
