#include <stoa/log.h>

#include "base/file_posix.h"
#include "checkpoint/folder_log.h"

#include <new>
#include <stdexcept>
#include <utility>

namespace stoa {

struct LogReader::State {
  checkpoint::FolderLog log;
};

LogReader::LogReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

std::expected<LogReader, Error> LogReader::made(const std::filesystem::path& folder, const Schema* schema,
                                                Version from) try {
  std::shared_ptr<const CompiledSchema> given;
  if (schema != nullptr) {
    auto compiled = schema->compile();
    if (!compiled) return std::unexpected(std::move(compiled.error()));
    given = *std::move(compiled);
  }
  auto log = checkpoint::FolderLog::open(posix_file_system(), folder.string(), std::move(given), from);
  if (!log) return std::unexpected(std::move(log.error()));
  return LogReader(std::make_unique<State>(*std::move(log)));
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
}

std::expected<LogReader, Error> LogReader::open(const std::filesystem::path& folder, Version from) {
  return made(folder, nullptr, from);
}

std::expected<LogReader, Error> LogReader::open(const std::filesystem::path& folder, const Schema& schema,
                                                Version from) {
  return made(folder, &schema, from);
}

std::expected<std::optional<LoggedTransaction>, Error> LogReader::next() try {
  if (state_ == nullptr) throw std::logic_error("stoa: a reader of a log that was moved from is used");
  return state_->log.next();
} catch (const std::bad_alloc&) {
  return std::unexpected(Error::out_of_memory());
}

const CompiledSchema& LogReader::schema() const {
  if (state_ == nullptr) throw std::logic_error("stoa: a reader of a log that was moved from is used");
  return *state_->log.schema();
}

}  // namespace stoa
