#include "txn/transaction_node.h"

#include "schema/row_codec.h"
#include "storage/entity_allocator.h"

#include <algorithm>
#include <string>
#include <utility>

namespace stoa::detail {

using txn::WriteOp;

void TransactionNode::reset(const WorldInfo& world, storage::EntityAllocator& entities,
                            std::size_t bytes_max) noexcept {
  kind = Kind::operations;
  keep = false;
  response.reset();
  result = Commit{};
  deadline = no_deadline;
  ops.clear();
  // A line that nobody writes stays with both threads.
  if (tag != 0) tag = 0;
  if (has_rare_) {
    rare_.expectations.clear();
    rare_.function = {};
    rare_.delta.reset();
    rare_.restored = nullptr;
    rare_.refused.reset();
    has_rare_ = false;
  }
  if (world_ == nullptr) {
    world_ = &world;
    entities_ = &entities;
    bytes_max_ = bytes_max;
  }
  if (canonical_.capacity() > txn::OpBuffer::kept_bytes_max) canonical_ = std::vector<std::byte>();  // {} would keep it
}

void TransactionNode::create(std::span<Entity> out) {
  if (!fits(out.size_bytes())) return;  // else there are ids, also for what is refused
  const std::size_t count = entities_->reserve(out);
  if (count != out.size()) fail(Error(ErrorCode::too_large, "all 2^32 entity indices are in use"));
  if (count == 1) return ops.push({.kind = WriteOp::Kind::create, .entity = out.front()});
  ops.push_many({.kind = WriteOp::Kind::create, .entity = {}}, out.first(count), nullptr, 0, {});
}

void TransactionNode::row(RowOp op, TableId table, Entity entity, const std::byte* row) {
  const WorldInfo::Table& info = world_->tables[to_index(table)];
  if (!has_room(info.cell_bytes)) return;
  const auto code = op == RowOp::insert   ? WriteOp::Kind::insert
                    : op == RowOp::update ? WriteOp::Kind::update
                                          : WriteOp::Kind::upsert;
  const WriteOp record{.kind = code, .table = table, .entity = entity};
  if (info.is_taken_as_is) return ops.push(record, row, info.cell_bytes);
  const TableModel& model = world_->model(table);
  if (!check(model, row)) return;
  ops.push(record, schema::canonical_rows(model, row, 1, canonical_), model.bytes, model.blobs, 0);
}

void TransactionNode::insert_rows(TableId table, std::span<const Entity> entities, const std::byte* rows) {
  const TableModel& model = world_->model(table);
  if (!has_room(entities.size() * (sizeof(Entity) + model.bytes))) return;
  if (!check(model, rows, entities.size())) return;
  ops.push_many({.kind = WriteOp::Kind::insert, .table = table, .entity = {}}, entities,
                schema::canonical_rows(model, rows, entities.size(), canonical_), model.bytes, model.blobs);
}

void TransactionNode::field(TableId table, Entity entity, const FieldModel& field, const std::byte* cell) {
  if (!has_room(field.bytes)) return;
  const TableModel& model = world_->model(table);
  if (auto checked = schema::check_field(world_->schema->model(), model, field, cell); !checked) {
    fail(checked.error());
    return;
  }
  canonical_.resize(field.bytes);
  schema::copy_field(model, field, cell, canonical_.data());
  const std::uint32_t end = field.offset + field.bytes;
  const auto first = std::lower_bound(model.blobs.begin(), model.blobs.end(), field.offset);
  const auto last = std::lower_bound(first, model.blobs.end(), end);
  ops.push({.kind = WriteOp::Kind::set_field, .table = table, .field = field.number, .entity = entity},
           canonical_.data(), field.bytes, {first, last}, field.offset);
}

void TransactionNode::remove(TableId table, Entity entity) {
  if (!has_room(0)) return;
  ops.push({.kind = WriteOp::Kind::remove, .table = table, .entity = entity});
}

void TransactionNode::destroy(Entity entity) {
  if (!has_room(0)) return;
  ops.push({.kind = WriteOp::Kind::destroy, .entity = entity});
}

void TransactionNode::expect(TableId table, Entity entity, const std::byte* row) {
  if (!has_room(row == nullptr ? 0 : world_->model(table).bytes)) return;
  if (row == nullptr) {
    rare().expectations.push({.kind = WriteOp::Kind::remove, .table = table, .entity = entity});
  } else {
    const TableModel& model = world_->model(table);
    rare().expectations.push({.kind = WriteOp::Kind::update, .table = table, .entity = entity}, row, model.bytes,
                             model.blobs, 0);
  }
}

bool TransactionNode::refuse_size() {
  if (refusal() == nullptr) {
    fail(Error(ErrorCode::too_large, "the transaction is larger than " + std::to_string(bytes_max_) + " bytes"));
  }
  return false;
}

void TransactionNode::fail(Error error) {
  if (refusal() == nullptr) rare().refused = std::move(error);
}

}  // namespace stoa::detail
