// A transaction's operations as compact records in memory of its own, which is reused. It does not know what they do.
#pragma once

#include <stoa/detail/op_target.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace stoa::txn {

struct WriteOp {
  enum class Kind : std::uint8_t { create, insert, update, upsert, set_field, remove, destroy };
  Kind kind{};
  TableId table = no_table;
  FieldId field = no_field;
  std::uint32_t payload_bytes = 0;  ///< of the row or cell that follows, and behind it the texts that do not fit in it
  Entity entity;
};
static_assert(sizeof(WriteOp) == 20);

/// Blocks that double in size up to a bound, so that nothing is ever copied to make room. Texts in a row point into the
/// block that holds the row.
class OpBuffer {
 public:
  /// Appends a record without payload.
  void push(const WriteOp& op);
  /// Appends a record with a row or cell of `bytes`, and the texts in it, whose cells are at `blobs` from `cell`'s
  /// start less `base`.
  void push(WriteOp op, const std::byte* cell, std::uint32_t bytes, std::span<const std::uint32_t> blobs,
            std::uint32_t base);

  void clear() noexcept;
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// Walks the records in order.
  class Reader {
   public:
    explicit Reader(const OpBuffer& buffer) : buffer_(&buffer) {}
    /// The next record, or nullptr after the last. Its payload, 8-byte aligned, follows it.
    [[nodiscard]] const WriteOp* next() noexcept;
    /// What next() will return.
    [[nodiscard]] const WriteOp* peek() const noexcept;

   private:
    const OpBuffer* buffer_;
    std::size_t block_ = 0;
    std::size_t at_ = 0;
  };

  [[nodiscard]] static const std::byte* payload(const WriteOp& op) noexcept {
    return reinterpret_cast<const std::byte*>(&op) + header_bytes;
  }

 private:
  static constexpr std::size_t header_bytes = 24;  // a record and its padding to 8
  static constexpr std::size_t block_bytes_first = 1024;
  static constexpr std::size_t block_bytes_max = std::size_t{1} << 20U;
  static constexpr std::size_t kept_bytes_max = std::size_t{64} << 10U;  // what an idle transaction may keep

  struct Block {
    std::unique_ptr<std::byte[]> data;
    std::size_t size = 0;
    std::size_t used = 0;
  };

  std::byte* make_room(std::size_t bytes);

  std::vector<Block> blocks_;
  std::size_t current_ = 0;  // the block that is being filled; those before it are full
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace stoa::txn
