// Reads a checkpoint, block by block, and believes nothing of it. What is in the bodies is delta::Replay's to judge.
#pragma once

#include "base/file.h"
#include "checkpoint/checkpoint_format.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace stoa::checkpoint {

/// Whatever the bytes are, the work is linear in the file's length and the memory is bounded by it.
///
/// Errors:  corrupt, naming file and offset; not_a_database, a newer format; io.
/// Threads: one at a time.
class CheckpointReader {
 public:
  /// Opens the checkpoint of that version, which the header must have too.
  [[nodiscard]] static std::expected<CheckpointReader, Error> open(std::unique_ptr<File> file, Version version);

  [[nodiscard]] const CheckpointHeader& header() const { return header_; }
  [[nodiscard]] const std::string& path() const { return file_->path(); }

  /// The next body, in one piece; nullopt at the end, where nothing may follow. Lifetime: until the next call.
  [[nodiscard]] std::expected<std::optional<std::span<const std::byte>>, Error> next();
  /// Where the block is that next() came to last.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  /// Reads all of it once, and is then at the beginning again: what next() says of bytes is known before any of them is
  /// used.
  [[nodiscard]] std::expected<void, Error> verify();

 private:
  explicit CheckpointReader(std::unique_ptr<File> file) : file_(std::move(file)) {}
  void rewind();
  [[nodiscard]] std::unexpected<Error> damaged(const char* why) const;

  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;
  CheckpointHeader header_;
  Hash128 start_{};     // the header's checksum
  Hash128 checksum_{};  // of all up to next_
  std::uint64_t offset_ = 0;
  std::uint64_t next_ = 0;
  std::vector<std::byte> body_;
};

}  // namespace stoa::checkpoint
