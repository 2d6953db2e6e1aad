#include "wal/batch.h"

#include "base/little_endian.h"

#include <algorithm>
#include <cassert>

namespace stoa::wal {

static_assert(record_header_bytes == 8 + 8 + 8 + 8);

std::optional<TransactionRecord> take_record(std::span<const std::byte>& payload) {
  if (payload.size() < record_header_bytes) return std::nullopt;
  const std::byte* const at = payload.data();
  const auto body_bytes = load_little_endian<std::uint64_t>(at + 24);
  if (body_bytes > payload.size() - record_header_bytes) return std::nullopt;
  TransactionRecord record{.version = load_little_endian<std::uint64_t>(at),
                           .wall_ns = load_little_endian<std::int64_t>(at + 8),
                           .tag = load_little_endian<std::uint64_t>(at + 16),
                           .body = payload.subspan(record_header_bytes, static_cast<std::size_t>(body_bytes))};
  payload = payload.subspan(record_header_bytes + record.body.size());
  return record;
}

Batch::Batch() : buffer_(frame_header_bytes), frame_bytes_(frame_header_bytes) {}

void Batch::clear() {
  buffer_.resize(frame_header_bytes);
  frame_bytes_ = frame_header_bytes;
  first_version_ = 0;
  version_count_ = 0;
  step_ = 1;
}

void Batch::reserve(std::size_t bytes) {
  if (bytes > buffer_.capacity()) buffer_.reserve(std::max(bytes, 2 * buffer_.capacity()));
}

void Batch::add(const TransactionRecord& record) {
  assert(record.version >= record.step && record.step != 0);
  assert(takes(record.step) && (empty() || record.version == first_version_ + version_count_));
  if (empty()) {
    first_version_ = record.version;
    step_ = record.step;
  }
  buffer_.resize(frame_bytes_ + record_header_bytes);
  std::byte* const at = buffer_.data() + frame_bytes_;
  store_little_endian(at, record.version);
  store_little_endian(at + 8, record.wall_ns);
  store_little_endian(at + 16, record.tag);
  store_little_endian(at + 24, static_cast<std::uint64_t>(record.body.size()));
  buffer_.insert(buffer_.end(), record.body.begin(), record.body.end());
  frame_bytes_ = buffer_.size();
  ++version_count_;
}

std::span<std::byte> Batch::frame_and_zeros(std::size_t padding) {
  buffer_.resize(frame_bytes_);  // what a write before this one may have padded
  buffer_.resize(frame_bytes_ + padding);
  return buffer_;
}

}  // namespace stoa::wal
