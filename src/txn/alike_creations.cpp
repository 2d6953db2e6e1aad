#include "txn/alike_creations.h"

#include <algorithm>
#include <cstring>

namespace stoa::txn {

using storage::RowImage;

bool EntityRun::add(TableId table, const std::byte* row) {
  if (count_ == rows_max) return false;
  for (const RowImage& other : rows()) {
    if (other.table == table) return false;
  }
  rows_[count_++] = {table, row};
  return true;
}

void EntityRun::gather(OpBuffer::Reader& reader, std::span<const Entity> entities) {
  for (;;) {
    const WriteOp* op = reader.peek();
    if (op == nullptr || op->kind != WriteOp::Kind::insert) return;
    if (!std::ranges::equal(OpBuffer::entities(*op), entities)) return;
    if (!add(op->table, OpBuffer::payload(*op))) return;
    (void)reader.next();
  }
}

void EntityRun::advance(const detail::WorldInfo& world, std::size_t entities) {
  for (RowImage& row : std::span(rows_).first(count_)) row.bytes += entities * world.model(row.table).bytes;
}

AlikeCreations::AlikeCreations(const detail::WorldInfo& world, Entity first, const EntityRun& its,
                               OpBuffer::Reader& reader)
    : first_(its.rows()) {
  entities_[0] = first;
  count_ = 1;
  std::size_t bytes = 0;
  for (std::size_t at = 0; at != first_.size(); ++at) bytes += row_bytes_[at] = world.model(first_[at].table).bytes;
  const std::size_t most = bytes == 0 ? count_max : std::min(count_max, bytes_max / bytes);
  Entity entity;
  Rows rows;
  if (most < 2 || !take_alike(first_, reader, entity, rows)) return;
  std::byte* room = bytes_.data();
  for (std::size_t at = 0; at != first_.size(); ++at) {
    copied_[at] = {first_[at].table, room};
    if (row_bytes_[at] != 0) std::memcpy(room, first_[at].bytes, row_bytes_[at]);
    room += most * row_bytes_[at];
  }
  do add(entity, rows);
  while (count_ != most && take_alike(first_, reader, entity, rows));
}

// One that has all of these rows and no others.
bool AlikeCreations::take_alike(std::span<const RowImage> like, OpBuffer::Reader& reader, Entity& entity, Rows& rows) {
  if (!may_follow(reader)) return false;
  OpBuffer::Reader ahead = reader;
  const WriteOp* op = ahead.next();
  entity = op->entity;
  const auto is_inserted = [&] {
    return op != nullptr && op->kind == WriteOp::Kind::insert && op->count == 1 && op->entity == entity;
  };
  for (std::size_t at = 0; at != like.size(); ++at) {
    op = ahead.next();
    if (!is_inserted() || op->table != like[at].table) return false;
    rows[at] = OpBuffer::payload(*op);
  }
  op = ahead.peek();
  if (is_inserted()) return false;
  reader = ahead;
  return true;
}

void AlikeCreations::add(Entity entity, const Rows& rows) {
  for (std::size_t at = 0; at != first_.size(); ++at) {
    if (row_bytes_[at] == 0) continue;
    auto* const column = const_cast<std::byte*>(copied_[at].bytes);
    std::memcpy(column + count_ * row_bytes_[at], rows[at], row_bytes_[at]);
  }
  entities_[count_++] = entity;
}

}  // namespace stoa::txn
