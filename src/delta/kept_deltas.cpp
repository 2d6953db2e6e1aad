#include "delta/kept_deltas.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace stoa::detail {

/// A chunk's head; deltas follow, each behind a RecordHead, at multiples of 8 bytes.
struct DeltaChunk {
  const DeltaChunk* previous;  ///< gone where this is the oldest: nobody looks, whose root's deltas begin here
  DeltaChunk* next;            ///< the writer's
  Version from;                ///< its first delta leads from here
  std::uint64_t bytes;         ///< room for deltas
  std::uint64_t end;           ///< the writer's: what is taken of it
};

}  // namespace stoa::detail

namespace stoa::delta {
namespace {

using detail::DeltaChunk;

constexpr std::uint64_t full_mark = std::uint64_t{1} << 63U;

struct RecordHead {
  Version from;
  Version to;
  std::uint64_t tag;
  std::uint64_t bytes;  // of the body; with full_mark, it is a difference from nothing
};

constexpr std::uint64_t record_bytes(std::size_t body_bytes) {
  constexpr std::uint64_t align = alignof(RecordHead);
  return sizeof(RecordHead) + (body_bytes + align - 1) / align * align;
}

std::byte* place(DeltaChunk& chunk, std::uint64_t at) { return reinterpret_cast<std::byte*>(&chunk + 1) + at; }
const std::byte* place(const DeltaChunk& chunk, std::uint64_t at) {
  return reinterpret_cast<const std::byte*>(&chunk + 1) + at;
}

std::uint64_t block_bytes(const DeltaChunk& chunk) { return sizeof(DeltaChunk) + chunk.bytes; }

RecordHead head_at(const DeltaChunk& chunk, std::uint64_t at) {
  RecordHead head;
  std::memcpy(&head, place(chunk, at), sizeof head);
  return head;
}

std::uint64_t body_bytes(const RecordHead& head) { return head.bytes & ~full_mark; }

}  // namespace

// --- Written ------------------------------------------------------------------------------------------------------

void DeltaKeeper::reserve(std::size_t body_bytes) {
  const std::uint64_t bytes = record_bytes(body_bytes);
  if (newest_ != nullptr && newest_->bytes - newest_->end >= bytes) return;
  if (spare_ != nullptr && spare_->bytes >= bytes) return;
  if (spare_ != nullptr) buffer_.pages().discard(std::exchange(spare_, nullptr));
  spare_ = &make_chunk(bytes);
}

// Small beside what is kept, as a chunk goes as one.
DeltaChunk& DeltaKeeper::make_chunk(std::size_t delta_bytes) {
  const std::size_t part = buffer_.root().deltas.bytes / 8;
  const std::size_t block = std::clamp(part, detail::delta_chunk_bytes_min, detail::delta_chunk_bytes_max);
  const std::size_t bytes = std::max(delta_bytes, block - sizeof(DeltaChunk));
  void* memory = buffer_.pages().allocate(sizeof(DeltaChunk) + bytes);
  return *new (memory) DeltaChunk{.previous = nullptr, .next = nullptr, .from = 0, .bytes = bytes, .end = 0};
}

void DeltaKeeper::add(const KeptDelta& delta) noexcept {
  const std::uint64_t bytes = record_bytes(delta.body.size());
  detail::KeptDeltas kept = buffer_.root().deltas;
  if (newest_ == nullptr || newest_->bytes - newest_->end < bytes) {
    DeltaChunk& chunk = *std::exchange(spare_, nullptr);
    chunk.previous = newest_;
    chunk.from = delta.from;
    if (newest_ != nullptr) newest_->next = &chunk;
    if (oldest_ == nullptr) oldest_ = &chunk;
    newest_ = &chunk;
    kept.newest = &chunk;
    kept.bytes += block_bytes(chunk);
  }
  const RecordHead head{delta.from, delta.to, delta.tag, delta.body.size() | (delta.full ? full_mark : 0)};
  std::byte* const to = place(*newest_, newest_->end);
  std::memcpy(to, &head, sizeof head);
  if (!delta.body.empty()) std::memcpy(to + sizeof head, delta.body.data(), delta.body.size());
  newest_->end += bytes;
  kept.end = newest_->end;
  buffer_.set_deltas(kept);
}

void DeltaKeeper::restart(Version version) noexcept {
  detail::KeptDeltas kept = buffer_.root().deltas;
  while (oldest_ != nullptr) drop_oldest(kept);
  buffer_.set_deltas({.from = version});
}

// Whether the chunk may go, where all from it on take so many bytes.
bool DeltaKeeper::is_beyond(const DeltaChunk& oldest, std::uint64_t bytes, const Bounds& bounds) const noexcept {
  return &oldest != newest_ && oldest.next->from <= bounds.from_most &&
         (bytes > bounds.bytes_max || oldest.next->from <= bounds.from_least);
}

void DeltaKeeper::relocate() {
  memory::PageWriter& pages = buffer_.pages();
  if (spare_ != nullptr && pages.leaves(spare_)) pages.discard(std::exchange(spare_, nullptr));
  DeltaChunk* from = oldest_;
  while (from != nullptr && !pages.leaves(from)) from = from->next;
  if (from == nullptr) return;
  DeltaChunk* const copies = copies_from(*from);
  // Readers go by `previous`, and have that of their own root's chunks; `next` is the writer's.
  (from == oldest_ ? oldest_ : const_cast<DeltaChunk*>(from->previous)->next) = copies;
  newest_ = copies;
  while (newest_->next != nullptr) newest_ = newest_->next;
  for (const DeltaChunk* chunk = from; chunk != nullptr;) pages.discard(std::exchange(chunk, chunk->next));
  detail::KeptDeltas kept = buffer_.root().deltas;
  kept.newest = newest_;
  buffer_.set_deltas(kept);
}

// Of it and those after it, linked both ways; the first to what is before it.
DeltaChunk* DeltaKeeper::copies_from(const DeltaChunk& chunk) {
  memory::PageWriter& pages = buffer_.pages();
  DeltaChunk* first = nullptr;
  try {
    DeltaChunk* last = nullptr;
    for (const DeltaChunk* at = &chunk; at != nullptr; at = at->next) {
      auto* const copy = static_cast<DeltaChunk*>(pages.duplicate(at));
      copy->next = nullptr;
      if (last != nullptr) {
        copy->previous = last;
        last->next = copy;
      }
      last = copy;
      if (first == nullptr) first = copy;
    }
  } catch (...) {
    while (first != nullptr) pages.discard(std::exchange(first, first->next));
    throw;
  }
  return first;
}

void DeltaKeeper::trim(const Bounds& bounds) noexcept {
  detail::KeptDeltas kept = buffer_.root().deltas;
  if (oldest_ == nullptr || !is_beyond(*oldest_, kept.bytes, bounds)) return;
  while (is_beyond(*oldest_, kept.bytes, bounds)) drop_oldest(kept);
  kept.from = oldest_->from;
  buffer_.set_deltas(kept);
}

Version DeltaKeeper::from_after_trim(const Bounds& bounds) const noexcept {
  const detail::KeptDeltas& kept = buffer_.root().deltas;
  if (oldest_ == nullptr) return kept.from;
  const DeltaChunk* oldest = oldest_;
  for (std::uint64_t bytes = kept.bytes; is_beyond(*oldest, bytes, bounds); oldest = oldest->next) {
    bytes -= block_bytes(*oldest);
  }
  return oldest->from;
}

void DeltaKeeper::drop_oldest(detail::KeptDeltas& kept) noexcept {
  DeltaChunk* const gone = oldest_;
  kept.bytes -= block_bytes(*gone);
  oldest_ = gone->next;
  if (gone == newest_) newest_ = nullptr;
  buffer_.pages().discard(gone);
}

// --- Read ---------------------------------------------------------------------------------------------------------

KeptDeltaReader::KeptDeltaReader(const detail::Root& root, Version version) : root_(root) {
  if (version < root.deltas.from || version > root.version) return;
  there_ = version == root.version;
  if (there_) return;
  // Back to that of the delta which leads from the version, or from one before it past it.
  for (const DeltaChunk* chunk = root.deltas.newest; true; chunk = chunk->previous) {
    chunks_.push_back(chunk);
    if (chunk->from <= version) break;
  }
  while (at_ < end()) {
    const RecordHead head = head_at(*chunks_.back(), at_);
    there_ = head.from == version;
    if (head.from >= version) return;
    at_ += record_bytes(body_bytes(head));
  }
}

// What the writer has added to the newest since is of later roots.
std::uint64_t KeptDeltaReader::end() const { return chunks_.size() == 1 ? root_.deltas.end : chunks_.back()->end; }

bool KeptDeltaReader::next(KeptDelta& delta) {
  if (chunks_.empty()) return false;
  if (at_ == end()) {
    if (chunks_.size() == 1) return false;
    chunks_.pop_back();
    at_ = 0;
  }
  const DeltaChunk& chunk = *chunks_.back();
  const RecordHead head = head_at(chunk, at_);
  delta = {head.from,
           head.to,
           head.tag,
           (head.bytes & full_mark) != 0,
           {place(chunk, at_ + sizeof head), static_cast<std::size_t>(body_bytes(head))}};
  at_ += record_bytes(body_bytes(head));
  return true;
}

}  // namespace stoa::delta
