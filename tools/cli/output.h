// Where commands write: standard output in large pieces, errors line by line. Not here: what is written.
#pragma once

#include <stoa/error.h>

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace stoa::cli {

/// Standard output, gathered.
class Output {
 public:
  /// To append to. What is there is written by flush(), and by flush_if_large() once it is worth a call.
  [[nodiscard]] std::string& text() { return text_; }

  /// Errors: io, disk_full — the rest of the output is lost.
  std::expected<void, Error> flush_if_large() { return text_.size() < bytes_to_gather ? good() : flush(); }
  std::expected<void, Error> flush();

 private:
  static constexpr std::size_t bytes_to_gather = std::size_t{1} << 16U;
  static std::expected<void, Error> good() { return {}; }

  std::string text_;
};

/// "stoa: " and the message, on standard error: one line, its control characters escaped.
void print_error(std::string_view message);
/// The message: it begins with the file that it is about. Its lines stay lines.
void print_error(const Error& error);

}  // namespace stoa::cli
