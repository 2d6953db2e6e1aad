// A transaction's operations as compact records in memory of its own, which is reused. It does not know what they do.
#pragma once

#include "base/copy_few.h"

#include <stoa/detail/op_target.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace stoa::txn {

struct WriteOp {
  enum class Kind : std::uint8_t { create, insert, update, upsert, set_field, remove, destroy };
  Kind kind{};
  TableId table = no_table;
  FieldId field = no_field;
  std::uint32_t payload_bytes = 0;  ///< of what follows: entities, rows or a cell, texts that do not fit in them
  std::uint32_t count = 1;          ///< entities that it is about; several in a create or an insert alone
  Entity entity;                    ///< the first
};
static_assert(sizeof(WriteOp) == 24);

/// Blocks that double in size up to a bound, so that nothing is ever copied to make room. Texts in a row point into the
/// block that holds the row.
///
/// What changes with every record lies together, at the front: another thread reads it next, and each line that was
/// written costs it a miss, and the writing one the next time.
class OpBuffer {
 public:
  /// What an idle transaction may keep, of each list.
  static constexpr std::size_t kept_bytes_max = std::size_t{64} << 10U;

  OpBuffer() = default;
  OpBuffer(const OpBuffer&) = delete;
  OpBuffer& operator=(const OpBuffer&) = delete;
  void swap(OpBuffer& other) noexcept;

  /// Appends a record without payload.
  void push(const WriteOp& op) {
    (void)append(op);
    ++count_;
  }
  /// Appends a record with a row or cell of `bytes` that has no texts.
  void push(WriteOp op, const std::byte* cell, std::uint32_t bytes) {
    op.payload_bytes = aligned(bytes);
    copy_few(append(op), cell, bytes);
    ++count_;
  }
  /// Appends a record with a row or cell of `bytes`, and the texts in it, whose cells are at `blobs` from `cell`'s
  /// start less `base`.
  void push(WriteOp op, const std::byte* cell, std::uint32_t bytes, std::span<const std::uint32_t> blobs,
            std::uint32_t base);
  /// Appends records about any number of entities, as push_together() does, as few as may be.
  void push_many(const WriteOp& op, std::span<const Entity> entities, const std::byte* rows, std::uint32_t row_bytes,
                 std::span<const std::uint32_t> blobs);
  /// Appends a record about several entities, each of them with a row of `row_bytes`, one after the other, whose texts
  /// are at `blobs`. Requires: entities. Returns false where several are too much for one record; nothing is done then.
  [[nodiscard]] bool push_together(WriteOp op, std::span<const Entity> entities, const std::byte* rows,
                                   std::uint32_t row_bytes, std::span<const std::uint32_t> blobs);

  void clear() noexcept;
  /// Leaves what creates entities, and gives up the memory of all else.
  void keep_creations() noexcept;
  [[nodiscard]] bool empty() const noexcept { return front_ == nullptr; }
  /// The first record, or nullptr; found without a look at anything but this.
  [[nodiscard]] const WriteOp* front() const noexcept { return reinterpret_cast<const WriteOp*>(front_); }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// What the record is about, and its rows or cell.
  [[nodiscard]] static std::span<const Entity> entities(const WriteOp& op) noexcept {
    if (op.count == 1) return {&op.entity, 1};
    return {reinterpret_cast<const Entity*>(&op + 1), op.count};
  }
  [[nodiscard]] static const std::byte* payload(const WriteOp& op) noexcept {
    return reinterpret_cast<const std::byte*>(&op + 1) + (op.count == 1 ? 0 : op.count * sizeof(Entity));
  }

  /// Walks the records in order.
  class Reader {
   public:
    Reader() = default;  ///< of no records
    explicit Reader(const OpBuffer& buffer) : buffer_(&buffer) {
      if (buffer.empty()) return;
      if (buffer.current_ != 0) {
        skip_empty_blocks();
      } else {  // most have one block, and then the list of them need not be looked at
        at_ = buffer.front_;
        end_ = buffer.at_;
        next_block_ = 1;
      }
    }
    /// The next record, or nullptr after the last.
    [[nodiscard]] const WriteOp* next() noexcept {
      const WriteOp* op = peek();
      if (op != nullptr) take(*op, 1);
      return op;
    }
    /// Of a record in the block where the reader is, the one after it; nullptr where the block ends.
    [[nodiscard]] const WriteOp* find_after(const WriteOp& op) const noexcept {
      const std::byte* const after = behind(op);
      return after == end_ ? nullptr : reinterpret_cast<const WriteOp*>(after);
    }
    /// As so many calls of next(), of which the last returns `last`. Requires: all in the block where the reader is.
    void take(const WriteOp& last, std::size_t count) noexcept {
      at_ = behind(last);
      taken_ += count;
      if (at_ == end_) skip_empty_blocks();
    }
    /// How many records next() has returned.
    [[nodiscard]] std::size_t taken() const noexcept { return taken_; }
    /// What next() will return.
    [[nodiscard]] const WriteOp* peek() const noexcept { return reinterpret_cast<const WriteOp*>(at_); }

   private:
    static const std::byte* behind(const WriteOp& op) noexcept {
      return reinterpret_cast<const std::byte*>(&op + 1) + op.payload_bytes;
    }
    void skip_empty_blocks() noexcept;

    const OpBuffer* buffer_ = nullptr;
    std::size_t next_block_ = 0;
    std::size_t taken_ = 0;
    const std::byte* at_ = nullptr;  // in the block before; nullptr after the last
    const std::byte* end_ = nullptr;
  };

 private:
  static constexpr std::size_t block_bytes_first = 1024;
  static constexpr std::size_t record_bytes_max = std::size_t{1} << 30U;
  static constexpr std::size_t block_bytes_max = std::size_t{1} << 20U;

  struct Block {
    std::unique_ptr<std::byte[]> data;
    std::size_t size = 0;
    std::size_t used = 0;  // once it is full
    [[nodiscard]] std::size_t room() const noexcept { return size - used; }
  };

  template <typename Size>
  static Size aligned(Size bytes) noexcept {
    return (bytes + 7) & ~Size{7};
  }
  /// Returns where its payload goes. Inlined, so that the fields go straight there: put together elsewhere and then
  /// copied in larger pieces, they would have to reach the cache first.
  std::byte* append(const WriteOp& op) {
    auto* const record = new (make_room(sizeof op + op.payload_bytes)) WriteOp(op);
    return reinterpret_cast<std::byte*>(record + 1);
  }
  std::byte* make_room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) open_block(bytes);
    std::byte* const out = at_;
    if (front_ == nullptr) front_ = out;
    at_ += bytes;
    bytes_ += bytes;
    return out;
  }
  /// Makes that block the current one which has room for so many.
  void open_block(std::size_t bytes);
  /// Goes on behind what is used of the current block.
  void continue_block() noexcept;
  void close_block() noexcept;
  [[nodiscard]] std::size_t used_of(std::size_t block) const noexcept;

  std::byte* at_ = nullptr;   // where in the current block the next record goes
  std::byte* end_ = nullptr;  // of its room
  std::byte* front_ = nullptr;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t current_ = 0;  // the block that is being filled, if there is one; those before it are full
  std::vector<Block> blocks_;
};

}  // namespace stoa::txn
