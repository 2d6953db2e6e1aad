#include "txn/op_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace stoa::txn {
namespace {

using detail::TextCell;

TextCell load_text(const std::byte* at) {
  TextCell out;
  std::memcpy(static_cast<void*>(&out), at, sizeof out);
  return out;
}

// Of those that a cell does not hold itself.
std::size_t text_bytes(const std::byte* cell, std::span<const std::uint32_t> blobs, std::uint32_t base) {
  std::size_t bytes = 0;
  for (std::uint32_t blob : blobs) {
    const TextCell text = load_text(cell + blob - base);
    if (!text.is_inline()) bytes += text.size();
  }
  return bytes;
}

// Takes texts that the cell borrows into the room at `text_at`; returns where the next go.
std::byte* adopt_texts(std::byte* cell, std::byte* text_at, std::span<const std::uint32_t> blobs, std::uint32_t base) {
  for (std::uint32_t blob : blobs) {
    const TextCell text = load_text(cell + blob - base);
    if (text.is_inline()) continue;
    std::memcpy(text_at, text.data(), text.size());
    const TextCell own(reinterpret_cast<const char*>(text_at), text.size());
    std::memcpy(cell + blob - base, &own, sizeof own);
    text_at += text.size();
  }
  return text_at;
}

}  // namespace

void OpBuffer::push(WriteOp op, const std::byte* cell, std::uint32_t bytes, std::span<const std::uint32_t> blobs,
                    std::uint32_t base) {
  const std::size_t texts = text_bytes(cell, blobs, base);
  if (texts == 0) return push(op, cell, bytes);
  const std::size_t payload_bytes = aligned(bytes + texts);
  op.payload_bytes = static_cast<std::uint32_t>(payload_bytes);
  std::byte* const copy = append(op);
  std::memcpy(copy, cell, bytes);
  adopt_texts(copy, copy + bytes, blobs, base);
  ++count_;
}

void OpBuffer::push_many(const WriteOp& op, std::span<const Entity> entities, const std::byte* rows,
                         std::uint32_t row_bytes, std::span<const std::uint32_t> blobs) {
  if (entities.empty() || push_together(op, entities, rows, row_bytes, blobs)) return;
  const std::size_t half = entities.size() / 2;
  push_many(op, entities.first(half), rows, row_bytes, blobs);
  push_many(op, entities.subspan(half), rows + half * row_bytes, row_bytes, blobs);
}

bool OpBuffer::push_together(WriteOp op, std::span<const Entity> entities, const std::byte* rows,
                             std::uint32_t row_bytes, std::span<const std::uint32_t> blobs) {
  op.count = static_cast<std::uint32_t>(entities.size());
  op.entity = entities.front();
  if (op.count == 1) {
    push(op, rows, row_bytes, blobs, 0);
    return true;
  }
  std::size_t texts = 0;
  for (std::size_t i = 0; !blobs.empty() && i != entities.size(); ++i) {
    texts += text_bytes(rows + i * row_bytes, blobs, 0);
  }
  const std::size_t all_rows = entities.size() * row_bytes;
  const std::size_t payload_bytes = aligned(entities.size_bytes() + all_rows + texts);
  if (payload_bytes > record_bytes_max) return false;
  op.payload_bytes = static_cast<std::uint32_t>(payload_bytes);
  std::byte* at = append(op);
  std::memcpy(at, entities.data(), entities.size_bytes());
  at += entities.size_bytes();
  if (all_rows != 0) std::memcpy(at, rows, all_rows);
  std::byte* text_at = at + all_rows;
  for (std::size_t i = 0; !blobs.empty() && i != entities.size(); ++i) {
    text_at = adopt_texts(at + i * row_bytes, text_at, blobs, 0);
  }
  count_ += entities.size();
  return true;
}

void OpBuffer::swap(OpBuffer& other) noexcept {
  std::swap(at_, other.at_);
  std::swap(end_, other.end_);
  std::swap(front_, other.front_);
  std::swap(count_, other.count_);
  std::swap(bytes_, other.bytes_);
  std::swap(blocks_, other.blocks_);
  std::swap(current_, other.current_);
}

void OpBuffer::clear() noexcept {
  if (blocks_.size() == 1 && static_cast<std::size_t>(end_ - at_) + bytes_ <= kept_bytes_max) {
    at_ -= bytes_;
    front_ = nullptr;
    count_ = 0;
    bytes_ = 0;
    return;
  }
  // The first blocks are kept for the next transaction, up to a bound: one giant must not hold its memory for good.
  std::size_t kept = 0;
  std::size_t blocks = 0;
  while (blocks < blocks_.size() && kept + blocks_[blocks].size <= kept_bytes_max) kept += blocks_[blocks++].size;
  if (blocks != blocks_.size()) blocks_.resize(blocks);
  front_ = nullptr;
  current_ = 0;
  count_ = 0;
  bytes_ = 0;
  at_ = blocks == 0 ? nullptr : blocks_[0].data.get();
  end_ = blocks == 0 ? nullptr : at_ + blocks_[0].size;
}

// In place: what is kept moves to the front, and never past what is read.
void OpBuffer::keep_creations() noexcept {
  if (empty()) return;
  close_block();
  const std::size_t blocks = current_ + 1;
  front_ = nullptr;
  count_ = 0;
  bytes_ = 0;
  current_ = 0;
  for (std::size_t from = 0; from != blocks; ++from) {
    std::byte* const data = blocks_[from].data.get();
    const std::size_t end = std::exchange(blocks_[from].used, 0);
    for (std::size_t at = 0; at != end;) {
      WriteOp op;
      std::memcpy(&op, data + at, sizeof op);
      const std::size_t bytes = sizeof op + op.payload_bytes;
      if (op.kind == WriteOp::Kind::create) {
        while (current_ != from && blocks_[current_].room() < bytes) ++current_;
        Block& to = blocks_[current_];
        std::memmove(to.data.get() + to.used, data + at, bytes);
        if (front_ == nullptr) front_ = to.data.get() + to.used;
        to.used += bytes;
        bytes_ += bytes;
        count_ += op.count;
      }
      at += bytes;
    }
  }
  continue_block();
  if (bytes_ == 0) return clear();
  blocks_.resize(current_ + 1);
}

void OpBuffer::open_block(std::size_t bytes) {
  std::size_t next = 0;
  if (!blocks_.empty()) {
    close_block();
    for (next = current_ + 1; next != blocks_.size() && blocks_[next].size < bytes; ++next) blocks_[next].used = 0;
  }
  if (next == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? block_bytes_first / 2 : blocks_.back().size;
    const std::size_t size = std::max(std::min(last * 2, block_bytes_max), bytes);
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size, 0});
  }
  blocks_[next].used = 0;
  current_ = next;
  continue_block();
}

void OpBuffer::continue_block() noexcept {
  const Block& block = blocks_[current_];
  at_ = block.data.get() + block.used;
  end_ = block.data.get() + block.size;
}

void OpBuffer::close_block() noexcept { blocks_[current_].used = used_of(current_); }

// Requires: it is one up to the current one.
std::size_t OpBuffer::used_of(std::size_t block) const noexcept {
  const Block& one = blocks_[block];
  return block == current_ ? static_cast<std::size_t>(at_ - one.data.get()) : one.used;
}

void OpBuffer::Reader::skip_empty_blocks() noexcept {
  at_ = nullptr;
  while (at_ == nullptr && next_block_ <= buffer_->current_) {
    const std::size_t block = next_block_++;
    const std::size_t used = buffer_->used_of(block);
    if (used == 0) continue;
    at_ = buffer_->blocks_[block].data.get();
    end_ = at_ + used;
  }
}

}  // namespace stoa::txn
