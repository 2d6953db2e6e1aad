#include "txn/op_buffer.h"

#include <algorithm>
#include <cstring>

namespace stoa::txn {
namespace {

using detail::TextCell;

std::size_t aligned(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

TextCell load_text(const std::byte* at) {
  TextCell out;
  std::memcpy(static_cast<void*>(&out), at, sizeof out);
  return out;
}

}  // namespace

void OpBuffer::push(const WriteOp& op) {
  std::memcpy(make_room(header_bytes), &op, sizeof op);
  ++count_;
}

void OpBuffer::push(WriteOp op, const std::byte* cell, std::uint32_t bytes, std::span<const std::uint32_t> blobs,
                    std::uint32_t base) {
  std::size_t text_bytes = 0;
  for (std::uint32_t blob : blobs) {
    const TextCell text = load_text(cell + blob - base);
    if (!text.is_inline()) text_bytes += text.size();
  }
  const std::size_t payload_bytes = aligned(bytes + text_bytes);
  op.payload_bytes = static_cast<std::uint32_t>(payload_bytes);
  std::byte* record = make_room(header_bytes + payload_bytes);
  std::memcpy(record, &op, sizeof op);
  std::byte* copy = record + header_bytes;
  if (bytes != 0) std::memcpy(copy, cell, bytes);  // a tag has no cell
  std::byte* text_at = copy + bytes;
  for (std::uint32_t blob : blobs) {
    const TextCell text = load_text(cell + blob - base);
    if (text.is_inline()) continue;
    std::memcpy(text_at, text.data(), text.size());
    const TextCell own(reinterpret_cast<const char*>(text_at), text.size());
    std::memcpy(copy + blob - base, &own, sizeof own);
    text_at += text.size();
  }
  ++count_;
}

void OpBuffer::clear() noexcept {
  // The first blocks are kept for the next transaction, up to a bound: one giant must not hold its memory for good.
  std::size_t kept = 0;
  std::size_t blocks = 0;
  while (blocks < blocks_.size() && kept + blocks_[blocks].size <= kept_bytes_max) kept += blocks_[blocks++].size;
  blocks_.resize(blocks);
  for (Block& block : blocks_) block.used = 0;
  current_ = 0;
  count_ = 0;
  bytes_ = 0;
}

std::byte* OpBuffer::make_room(std::size_t bytes) {
  while (current_ < blocks_.size() && blocks_[current_].size - blocks_[current_].used < bytes) ++current_;
  if (current_ == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? block_bytes_first / 2 : blocks_.back().size;
    const std::size_t size = std::max(std::min(last * 2, block_bytes_max), bytes);
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size, 0});
  }
  Block& block = blocks_[current_];
  std::byte* out = block.data.get() + block.used;
  block.used += bytes;
  bytes_ += bytes;
  return out;
}

const WriteOp* OpBuffer::Reader::peek() const noexcept {
  std::size_t block = block_;
  std::size_t at = at_;
  while (block < buffer_->blocks_.size() && at == buffer_->blocks_[block].used) {
    ++block;
    at = 0;
  }
  if (block == buffer_->blocks_.size()) return nullptr;
  return reinterpret_cast<const WriteOp*>(buffer_->blocks_[block].data.get() + at);
}

const WriteOp* OpBuffer::Reader::next() noexcept {
  const WriteOp* op = peek();
  if (op == nullptr) return nullptr;
  while (at_ == buffer_->blocks_[block_].used) {
    ++block_;
    at_ = 0;
  }
  at_ += header_bytes + op->payload_bytes;
  return op;
}

}  // namespace stoa::txn
