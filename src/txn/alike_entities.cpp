#include "txn/alike_entities.h"

#include "base/copy_few.h"

#include <algorithm>

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

AlikeEntities::AlikeEntities(const detail::WorldInfo& world, const WriteOp& first, EntityRun& its,
                             OpBuffer::Reader& reader)
    : kind_(first.kind) {
  entities_[count_++] = first.entity;
  const std::span<const RowImage> like = its.rows();
  std::array<std::uint32_t, EntityRun::rows_max> row_bytes;
  std::size_t bytes = 0;
  for (std::size_t at = 0; at != like.size(); ++at) bytes += row_bytes[at] = world.model(like[at].table).bytes;
  const std::size_t most = bytes == 0 ? count_max : std::min(count_max, bytes_max / bytes);
  Entity entity;
  Rows rows;
  if (most < 2 || !take_alike(like, reader, entity, rows)) return;
  EntityRun copied;
  std::array<std::byte*, EntityRun::rows_max> columns;
  std::byte* room = bytes_.data();
  for (std::size_t at = 0; at != like.size(); ++at) {
    (void)copied.add(like[at].table, room);
    columns[at] = room;
    copy_few(room, like[at].bytes, row_bytes[at]);
    room += most * row_bytes[at];
  }
  do {
    for (std::size_t at = 0; at != like.size(); ++at) {
      copy_few(columns[at] + count_ * row_bytes[at], rows[at], row_bytes[at]);
    }
    entities_[count_++] = entity;
  } while (count_ != most && take_alike(like, reader, entity, rows));
  its = copied;
}

// One that has all of these rows and no others in the block; what the next block has of it is inserted by itself.
bool AlikeEntities::take_alike(std::span<const RowImage> like, OpBuffer::Reader& reader, Entity& entity,
                               Rows& rows) const {
  if (!may_follow(reader, kind_)) return false;
  const WriteOp* op = reader.peek();
  const WriteOp* last = op;
  std::size_t count = 0;
  const auto take = [&] {
    last = op;
    ++count;
    op = reader.find_after(*op);
  };
  entity = op->entity;
  if (kind_ == WriteOp::Kind::create) take();
  const auto is_its = [&] {
    return op != nullptr && op->kind == WriteOp::Kind::insert && op->count == 1 && op->entity == entity;
  };
  for (std::size_t at = 0; at != like.size(); ++at) {
    if (!is_its() || op->table != like[at].table) return false;
    rows[at] = OpBuffer::payload(*op);
    take();
  }
  if (is_its()) return false;
  reader.take(*last, count);
  return true;
}

}  // namespace stoa::txn
