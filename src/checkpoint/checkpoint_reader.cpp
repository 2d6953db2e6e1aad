#include "checkpoint/checkpoint_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace stoa::checkpoint {

std::expected<CheckpointReader, Error> CheckpointReader::open(std::unique_ptr<File> file, Version version) {
  CheckpointReader out(std::move(file));
  const auto size = out.file_->size();
  if (!size) return std::unexpected(size.error());
  out.size_ = *size;
  CheckpointHeaderBytes bytes;
  const auto length = out.file_->read(0, bytes);
  if (!length) return std::unexpected(length.error());
  auto header = decode_checkpoint_header(std::span(bytes).first(*length), out.path());
  if (!header) return std::unexpected(std::move(header.error()));
  if (header->version != version) {
    return std::unexpected(Error(ErrorCode::corrupt, Place{.source = out.path()},
                                 fmt::format("the file holds version {}, not the one of its name", header->version)));
  }
  out.header_ = *header;
  out.start_ = checkpoint_checksum(bytes);
  out.rewind();
  return out;
}

void CheckpointReader::rewind() {
  checksum_ = start_;
  offset_ = 0;
  next_ = checkpoint_header_bytes;
}

std::expected<std::optional<std::span<const std::byte>>, Error> CheckpointReader::next() {
  offset_ = next_;
  std::array<std::byte, block_header_bytes> bytes;
  const auto length = file_->read(offset_, bytes);
  if (!length) return std::unexpected(length.error());
  if (*length < bytes.size()) return damaged("the checkpoint is cut off here");
  const auto block = decode_block_header(bytes);
  if (!block) return damaged("what is here is no block of a checkpoint");
  next_ = offset_ + block_header_bytes;
  // Before it is allocated.
  if (next_ > size_ || block->body_bytes > size_ - next_) return damaged("the block here is cut off");
  body_.resize(std::max(body_.size(), static_cast<std::size_t>(block->body_bytes)));
  const std::span body = std::span(body_).first(static_cast<std::size_t>(block->body_bytes));
  const auto read = file_->read(next_, body);
  if (!read) return std::unexpected(read.error());
  if (*read < body.size()) return damaged("the block here is cut off");
  if (block_checksum(bytes, body, checksum_) != block->checksum) {
    return damaged("the block here does not match its checksum");
  }
  checksum_ = block->checksum;
  next_ += body.size();
  if (block->type == BlockType::body) return body;
  if (!body.empty() || next_ != size_) return damaged("something follows the end of the checkpoint");
  return std::nullopt;
}

std::expected<void, Error> CheckpointReader::verify() {
  while (true) {
    const auto body = next();
    if (!body) return std::unexpected(body.error());
    if (!*body) break;
  }
  rewind();
  return {};
}

std::unexpected<Error> CheckpointReader::damaged(const char* why) const {
  return std::unexpected(Error(ErrorCode::corrupt, Place{.source = path(), .offset = offset_}, why));
}

}  // namespace stoa::checkpoint
