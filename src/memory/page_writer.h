// The writer's hand on the pool while it fills one root: which blocks are its own to change, and which it let go.
#pragma once

#include "memory/page_pool.h"

#include <cstring>
#include <utility>

namespace stoa::memory {

/// A list of retired blocks, linked through their headers: the one that was retired last comes first.
struct RetiredChain {
  BlockHeader* head = nullptr;
  BlockHeader* last = nullptr;  ///< means something only where there is a head
  std::size_t bytes = 0;        ///< of all that was pushed, be it popped since

  void push(BlockHeader* block) noexcept {
    block->next = head;
    if (head == nullptr) last = block;
    head = block;
    bytes += PagePool::block_bytes(payload_of(block));
  }
  [[nodiscard]] BlockHeader* pop() noexcept {
    BlockHeader* block = head;
    if (block != nullptr) head = block->next;
    return block;
  }
  /// Takes over what was retired later.
  void push_all(RetiredChain later) noexcept {
    if (later.head == nullptr) return;
    later.last->next = head;
    if (head == nullptr) last = later.last;
    head = later.head;
    bytes += later.bytes;
  }
};

/// Whose a retired block was, for statistics: a table's number + 1, or 0 for what is no table's.
using Account = std::uint16_t;

/// Threads: the writer only.
class PageWriter {
 public:
  explicit PageWriter(PagePool& pool) : pool_(pool) {}

  /// From here on blocks are made for root `root_seq`. Requires: higher than the last one.
  void begin(std::uint64_t root_seq) noexcept { root_seq_ = root_seq; }
  [[nodiscard]] std::uint64_t root_seq() const noexcept { return root_seq_; }
  [[nodiscard]] PagePool& pool() noexcept { return pool_; }

  /// True if the block was made for the root being filled: no reader can know it, and it may be changed in place.
  [[nodiscard]] bool owns(const void* payload) const noexcept { return header_of(payload)->birth == root_seq_; }

  [[nodiscard]] void* allocate(std::size_t bytes) {
    bytes_allocated_ += bytes;
    return pool_.allocate(bytes, root_seq_);
  }
  /// By allocate(), and so by all that makes blocks, since the start; also what has been discarded.
  [[nodiscard]] std::uint64_t bytes_allocated() const noexcept { return bytes_allocated_; }

  /// A block of `bytes` whose first `used_bytes` are those of `from`.
  [[nodiscard]] void* copy(const void* from, std::size_t used_bytes, std::size_t bytes) {
    void* to = allocate(bytes);
    std::memcpy(to, from, used_bytes);
    return to;
  }

  /// Whether the block lies in a slab that is to be emptied.
  [[nodiscard]] bool leaves(const void* payload) const noexcept { return pool_.is_leaving(payload); }
  /// A block like that one, header and all but for its birth.
  [[nodiscard]] void* duplicate(const void* payload) {
    const std::size_t bytes = PagePool::block_bytes(payload) - sizeof(BlockHeader);
    void* to = copy(payload, bytes, bytes);
    header_of(to)->set_rows_written(header_of(payload)->rows_written);
    moved_.blocks += 1;
    moved_.bytes += PagePool::block_bytes(to);
    return to;
  }
  /// Under `link` comes a block like the one that is there, which is discarded.
  /// Errors: throws std::bad_alloc; nothing has changed then.
  template <typename Block>
  void relocate(const Block*& link, Account account = 0) {
    const Block* const from = link;
    link = static_cast<const Block*>(duplicate(from));
    discard(from, account);
  }
  struct Moved {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
  };
  /// By duplicate(), since the start.
  [[nodiscard]] const Moved& moved() const noexcept { return moved_; }

  /// The block is in the root being filled no more. Free at once if no other root has it, retired otherwise.
  void discard(const void* payload, Account account = 0) noexcept {
    BlockHeader* header = header_of(payload);
    if (header->birth == root_seq_) {
      pool_.release(payload_of(header));
      return;
    }
    header->retire = root_seq_;
    header->rows_sealed = account;
    header->revived = 0;
    if (header->listed != 0) return;
    header->listed = 1;
    retired_.push(header);
  }

  /// What a revive() is to be undone with.
  struct Retirement {
    std::uint64_t retire = 0;
    bool listed = false;
  };
  /// The block, which a pin holds, is in the root being filled again. It stays on the list that it is on, and counts as
  /// retired, until the list is gone through.
  Retirement revive(const void* payload) noexcept {
    BlockHeader* header = header_of(payload);
    const Retirement before{header->retire, header->listed != 0};
    if (!before.listed) return before;  // it was never let go
    header->retire = 0;
    header->revived = 1;
    return before;
  }
  /// Nobody has discarded it since.
  void undo_revive(const void* payload, const Retirement& before) noexcept {
    if (!before.listed) return;
    BlockHeader* header = header_of(payload);
    header->retire = before.retire;
    header->revived = 0;
  }

  /// What was retired since the last call; the caller hands it to the reclaimer once the root is published.
  [[nodiscard]] RetiredChain take_retired() noexcept { return std::exchange(retired_, {}); }

 private:
  PagePool& pool_;
  std::uint64_t root_seq_ = 0;
  std::uint64_t bytes_allocated_ = 0;
  RetiredChain retired_;
  Moved moved_;
};

}  // namespace stoa::memory
