// What is written down of one entity, or of many in turn, and can be done at once.
#pragma once

#include "storage/write_buffer.h"
#include "txn/op_buffer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa::txn {

/// The rows that entities get together, each in another table: they are inserted with one move.
class EntityRun {
 public:
  static constexpr std::size_t rows_max = 16;

  /// False, and nothing is added, where there are so many or there is one of the table.
  bool add(TableId table, const std::byte* row);
  /// Takes off the reader what is inserted for these entities.
  void gather(OpBuffer::Reader& reader, std::span<const Entity> entities);
  [[nodiscard]] std::span<const storage::RowImage> rows() const { return {rows_.data(), count_}; }
  /// To the rows `entities` further on.
  void advance(const detail::WorldInfo& world, std::size_t entities);

 private:
  std::array<storage::RowImage, rows_max> rows_;  // undefined past count_
  std::size_t count_ = 0;
};

/// Entities that were written down one by one, each with rows in the same tables in the same order: they begin
/// together, or get them together, their rows side by side.
class AlikeEntities {
 public:
  static constexpr std::size_t count_max = 64;

  /// Whether there may be another after what was taken off the reader, of that kind: where there is none, one is done
  /// by itself.
  [[nodiscard]] static bool may_follow(const OpBuffer::Reader& reader, WriteOp::Kind kind) {
    const WriteOp* op = reader.peek();
    return op != nullptr && op->kind == kind && op->count == 1;
  }
  /// Of one that was taken off the reader with its rows: takes those after it which are like it off as well. Where
  /// there are such, `its` become all of theirs. Lifetime: of these rows, this object's.
  AlikeEntities(const detail::WorldInfo& world, const WriteOp& first, EntityRun& its, OpBuffer::Reader& reader);
  AlikeEntities(const AlikeEntities&) = delete;
  AlikeEntities& operator=(const AlikeEntities&) = delete;

  [[nodiscard]] std::span<const Entity> entities() const { return {entities_.data(), count_}; }

 private:
  // Of rows that are moved together: a small part of the first-level cache.
  static constexpr std::size_t bytes_max = std::size_t{8} << 10U;

  using Rows = std::array<const std::byte*, EntityRun::rows_max>;
  [[nodiscard]] bool take_alike(std::span<const storage::RowImage> like, OpBuffer::Reader& reader, Entity& entity,
                                Rows& rows) const;

  const WriteOp::Kind kind_;
  std::array<Entity, count_max> entities_;
  std::size_t count_ = 0;
  alignas(16) std::array<std::byte, bytes_max> bytes_;
};

}  // namespace stoa::txn
