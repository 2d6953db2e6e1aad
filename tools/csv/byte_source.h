// Where a reader's bytes come from: a file, plain or compressed. Not here: what the bytes mean, buffering for the
// reader.
#pragma once

#include <stoa/error.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace stoa::csv {

/// A stream of bytes that is read once, from its beginning to its end.
class ByteSource {
 public:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Fills the front of `into` and returns how many bytes it put there; 0 is the end.
  ///
  /// Requires: `into` is not empty; no call after one that failed.
  [[nodiscard]] virtual std::expected<std::size_t, Error> read(std::span<char> into) = 0;

  /// How far it has come in what is stored, for a progress display: compressed bytes where the file is compressed.
  [[nodiscard]] virtual std::uint64_t bytes_read() const = 0;
  /// The size of what is stored; 0 where it is not known, as with a pipe.
  [[nodiscard]] virtual std::uint64_t bytes_total() const = 0;

  /// The path or the name that errors are reported under.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// Opens a file; one whose name ends in ".zst" is read as a zstd stream of one or more frames.
///
/// Errors: not_found, io — the file cannot be opened. Reading: io; and of a zstd stream corrupt — damaged, cut short or
///         no such stream, with the place in the compressed file; too_large — it needs a window above 128 MiB.
[[nodiscard]] std::expected<std::unique_ptr<ByteSource>, Error> open_file(const std::filesystem::path& path);

}  // namespace stoa::csv
