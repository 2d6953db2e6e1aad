#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "csv/shown.h"

namespace stoa::cli {

std::expected<void, Error> Output::flush() {
  const std::size_t written = std::fwrite(text_.data(), 1, text_.size(), stdout);
  const bool whole = written == text_.size() && std::fflush(stdout) == 0;
  const int reason = errno;
  text_.clear();
  if (whole) return {};
  return std::unexpected(
      Error(reason == ENOSPC ? ErrorCode::disk_full : ErrorCode::io, Place{"standard output"}, std::strerror(reason)));
}

void print_error(std::string_view message) {
  const std::string line = fmt::format("stoa: {}\n", csv::printable(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_error(const Error& error) {
  std::string text = error.place() != nullptr ? "" : "stoa: ";
  const std::string message = error.message();
  for (std::size_t at = 0;
       at <= message.size();) {  // what is wrong with a schema, or with a transaction, has a line each
    const std::size_t end = std::min(message.find('\n', at), message.size());
    text += csv::printable(std::string_view(message).substr(at, end - at)) + '\n';
    at = end + 1;
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace stoa::cli
