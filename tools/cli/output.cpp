#include "cli/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

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
  const std::string line = fmt::format("stoa: {}\n", message);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_error(const Error& error) {
  const std::string line = error.place() != nullptr ? error.message() + '\n' : "stoa: " + error.message() + '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace stoa::cli
